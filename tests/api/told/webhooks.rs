//! Webhooks as their owners make and change them.

use keyturn::{
    domain::{Events, Expected, OrganizationId, Version},
    manage::{
        Asker, Rejection,
        webhooks::{self, NewWebhook, WebhookChange},
    },
};

use super::TestServer;
use crate::{
    peers::{Reaction, Receiver},
    support::Options,
};

fn to(organization_id: OrganizationId, url: &str) -> NewWebhook {
    NewWebhook { organization_id, url: url.to_owned(), events: Events::default() }
}

#[tokio::test]
async fn sf_01_a_url_that_must_not_be_asked_is_refused_when_it_is_named() {
    let strict = Options { outbound_allow: Vec::new(), ..Options::default() };
    let server = TestServer::with(strict).await;
    let acme = server.acme().await;
    let fine = to(acme, "https://hooks.example.com/a");
    let made = webhooks::create(&server.app, &Asker::keyturn(), fine).await.unwrap().webhook;
    for wrong in ["http://hooks.example.com/", "https://127.0.0.1/", "https://a:b@example.com/"] {
        let change = WebhookChange { url: Some(wrong.to_owned()), ..WebhookChange::default() };

        let created = webhooks::create(&server.app, &Asker::keyturn(), to(acme, wrong)).await;
        let changed =
            webhooks::update(&server.app, &Asker::keyturn(), made.id, &Expected::Any, change).await;

        assert!(matches!(created, Err(Rejection::RefusedUrl(_))), "{wrong}");
        assert!(matches!(changed, Err(Rejection::RefusedUrl(_))), "{wrong}");
    }
    assert_eq!(webhooks::list(&server.app, &Asker::keyturn()).await.unwrap(), [made]);
}

#[tokio::test]
async fn ks_05_the_database_cannot_give_a_webhooks_secret_away() {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    for server in TestServer::on_each_engine().await {
        let receiver = Receiver::start(Reaction::status(204));
        let (_, secret) = server.webhook_with_secret(server.acme().await, &receiver).await;

        let dump = server.dump().await;

        let digits = secret.reveal().strip_prefix("whsec_").unwrap().to_owned();
        let bytes = BASE64_STANDARD.decode(&digits).unwrap();
        let hexadecimal =
            bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert!(dump.contains(&receiver.address.to_string()), "{}", server.engine);
        assert!(!dump.contains(&digits.to_lowercase()), "{}", server.engine);
        assert!(!dump.contains(&hexadecimal), "{}", server.engine);
    }
}

#[tokio::test]
async fn an_edit_of_what_was_changed_meanwhile_is_refused() {
    for server in TestServer::on_each_engine().await {
        let receiver = Receiver::start(Reaction::status(204));
        let webhook = server.webhook(server.acme().await, &receiver).await;
        let asker = Asker::keyturn();
        let edit = |enabled| WebhookChange { enabled: Some(enabled), ..WebhookChange::default() };
        let seen = Expected::OneOf(vec![Version::FIRST]);

        let first = webhooks::update(&server.app, &asker, webhook.id, &seen, edit(false)).await;
        let second = webhooks::update(&server.app, &asker, webhook.id, &seen, edit(true)).await;

        let first = first.unwrap();
        assert!(first.disabled_at.is_some() && first.version == Version(2), "{}", server.engine);
        assert!(matches!(second, Err(Rejection::ChangedMeanwhile)), "{}", server.engine);
        assert_eq!(webhooks::show(&server.app, &asker, webhook.id).await.unwrap().0, first);
    }
}

#[tokio::test]
async fn what_is_done_to_a_webhook_is_in_the_audit_trail_without_the_path_of_its_url() {
    let server = TestServer::start().await;
    let (app, asker) = (&server.app, Asker::keyturn());
    let new = to(server.acme().await, "https://hooks.example.com/services/T0/hidden");
    let id = webhooks::create(app, &asker, new).await.unwrap().webhook.id;
    let change = WebhookChange {
        events: Some("api_key.leaked".parse().unwrap()),
        ..WebhookChange::default()
    };
    webhooks::update(app, &asker, id, &Expected::Any, change).await.unwrap();
    webhooks::rotate_secret(app, &asker, id, &Expected::Any).await.unwrap();
    webhooks::test(app, &asker, id).await.unwrap();
    webhooks::delete(app, &asker, id, &Expected::Any).await.unwrap();

    let events = server.audit_trail(&format!("webhook:{id}")).await;

    let actions: Vec<_> = events.iter().map(|event| event.action.to_string()).collect();
    let expected = ["created", "changed", "secret_rotated", "tested", "deleted"];
    assert_eq!(actions, expected.map(|action| format!("webhook.{action}")));
    let details: Vec<_> = events.iter().map(|event| event.detail.to_string()).collect();
    assert!(details.iter().all(|detail| !detail.contains("hidden")), "{details:?}");
    assert!(details[0].contains("hooks.example.com"), "{details:?}");
}

#[tokio::test]
async fn an_organization_has_so_many_webhooks_and_no_more() {
    let server = TestServer::start().await;
    let receiver = Receiver::start(Reaction::status(204));
    let acme = server.acme().await;
    for _ in 0..20 {
        server.webhook(acme, &receiver).await;
    }

    let refused = webhooks::create(&server.app, &Asker::keyturn(), to(acme, &receiver.url())).await;

    assert!(matches!(refused, Err(Rejection::TooManyWebhooks(20))));
}

#[tokio::test]
async fn a_disabled_webhook_is_not_tested() {
    let server = TestServer::start().await;
    let receiver = Receiver::start(Reaction::status(204));
    let webhook = server.webhook(server.acme().await, &receiver).await;
    let change = WebhookChange { enabled: Some(false), ..WebhookChange::default() };
    let (app, asker) = (&server.app, Asker::keyturn());
    webhooks::update(app, &asker, webhook.id, &Expected::Any, change).await.unwrap();

    let refused = webhooks::test(app, &asker, webhook.id).await;

    assert!(matches!(refused, Err(Rejection::WebhookDisabled)));
}

#[tokio::test]
async fn fx_08_whoever_only_reads_sees_the_host_of_a_webhook_and_not_its_url() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = crate::management::acme(&server).await;
        let url = "https://hooks.example.com/services/T0/B1/secret-of-the-hook";
        let new = serde_json::json!({ "organization_id": acme, "url": url });
        let made = owner.post("/api/v1/webhooks", &new).await;
        let viewer = keyturn::manage::api_keys::NewApiKey {
            roles: Some("viewer".parse().unwrap()),
            ..crate::support::new_key(keyturn::domain::Owner::Organization(acme), "viewer")
        };
        let role = serde_json::json!({ "scopes": ["organizations:read"] });
        owner.put_new(&format!("/api/v1/organizations/{acme}/roles/reader"), &role).await;
        let reader = keyturn::manage::api_keys::NewApiKey {
            roles: Some("reader".parse().unwrap()),
            name: "reader".parse().unwrap(),
            ..viewer
        };
        let reader = server.manage(&server.make_key(reader).await.1).await;
        let place = format!("/api/v1/webhooks/{}", made.id());

        let whole = owner.get(&place).await;
        let masked = [reader.get(&place).await, reader.get("/api/v1/webhooks").await];

        assert_eq!(whole.body["url"], url, "{}: {}", server.engine, whole.text);
        for answer in masked {
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert!(answer.text.contains("https://hooks.example.com/"), "{}", answer.text);
            assert!(!answer.text.contains("secret-of-the-hook"), "{}", answer.text);
        }
    }
}
