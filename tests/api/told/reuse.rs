//! A refresh token that was used twice: somebody may have stolen it, and owners are told.

use chrono::TimeDelta;
use keyturn::domain::{Owner, RefreshTerms};
use serde_json::{Value, json};

use super::TestServer;
use crate::{
    peers::{Reaction, Receiver},
    support::{API_KEY, Answer, OAUTH, Options},
};

fn options() -> Options {
    let mut options = Options::default();
    options.settings.refresh.for_api_keys = Some(RefreshTerms::default());
    options
}

fn refresh_token(answer: &Answer) -> String {
    let token = answer.body["refresh_token"].as_str();
    token.unwrap_or_else(|| panic!("no refresh token: {}", answer.text)).to_owned()
}

async fn refresh(server: &TestServer, token: &str) -> Answer {
    server.post(OAUTH, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

impl TestServer {
    fn a_minute_later(&self) {
        self.app.clock.advance(TimeDelta::minutes(1));
    }
}

/// The events that a receiver was sent.
fn events(receiver: &Receiver) -> Vec<Value> {
    let all = receiver.received().into_iter();
    all.map(|request| serde_json::from_str(&request.body).unwrap()).collect()
}

#[tokio::test]
async fn rt_07_the_owners_of_a_key_are_told_once_that_its_refresh_token_was_used_twice() {
    for server in TestServer::on_each_engine_with(options).await {
        let acme = server.acme().await;
        server.user("ada@acme.test", &[(acme, "owner")]).await;
        let receiver = Receiver::start(Reaction::status(204));
        server.webhook(acme, &receiver).await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
        let stolen = refresh_token(&server.exchange("ci", &secret).await);
        let family = stolen.parse::<keyturn::domain::RefreshToken>().unwrap().family;
        refresh(&server, &stolen).await;
        let lost = refresh(&server, &stolen).await;
        assert_eq!(lost.status, 200, "whoever lost an answer is no thief: {}", lost.text);
        server.a_minute_later();

        let reused = refresh(&server, &stolen).await;
        refresh(&server, &stolen).await;
        server.deliver().await;

        assert_eq!(reused.error(), (400, "invalid_grant"), "{}", server.engine);
        let mails = server.mails_to("ada@acme.test").await;
        assert_eq!(mails, ["API key ci of acme had one of its refresh tokens used twice"]);
        let expected = json!({
            "type": "refresh.reused",
            "timestamp": "2027-01-15T08:01:00Z",
            "data": {
                "api_key": {
                    "id": key.id, "name": "ci", "organization_id": acme, "organization": "acme",
                    "expires_at": key.expires_at,
                },
                "family": family,
                "source": "127.0.0.1",
                "request_id": reused.header("x-request-id"),
            },
        });
        assert_eq!(events(&receiver), [expected], "{}", server.engine);
    }
}

#[tokio::test]
async fn rt_07_of_a_clients_refresh_token_the_owners_of_its_organization_are_told() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        server.user("ada@acme.test", &[(acme, "owner")]).await;
        let receiver = Receiver::start(Reaction::status(204));
        server.webhook(acme, &receiver).await;
        let app = server.public_app(acme, "app", true).await;
        let stolen = refresh_token(&app.first(&server, None).await);
        app.refresh(&server, None, &stolen).await;
        server.a_minute_later();

        app.refresh(&server, None, &stolen).await;
        server.deliver().await;

        let mails = server.mails_to("ada@acme.test").await;
        assert_eq!(mails, ["Client app of acme had one of its refresh tokens used twice"]);
        let told = events(&receiver).remove(0);
        let client = json!({
            "id": app.id, "name": "app", "organization_id": acme, "organization": "acme",
        });
        assert_eq!(told["data"]["client"], client, "{}", server.engine);
    }
}

#[tokio::test]
async fn rt_07_of_a_users_key_the_user_is_told() {
    let server = TestServer::with(options()).await;
    let acme = server.acme().await;
    let ada = server.user("ada@acme.test", &[(acme, "viewer")]).await;
    server.user("boss@acme.test", &[(acme, "owner")]).await;
    let new = crate::support::new_key(Owner::User(ada), "own");
    let (_, secret) =
        server.make_key(keyturn::manage::api_keys::NewApiKey { roles: None, ..new }).await;
    let form = [("name", "own"), ("secret", secret.reveal())];
    let stolen = refresh_token(&server.post(API_KEY, &form).await);
    refresh(&server, &stolen).await;
    server.a_minute_later();

    refresh(&server, &stolen).await;

    let mails = server.mails_to("ada@acme.test").await;
    assert_eq!(mails, ["API key own had one of its refresh tokens used twice"]);
    assert_eq!(server.mails_to("boss@acme.test").await, [""; 0]);
}
