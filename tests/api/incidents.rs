//! What went wrong in other servers of this kind, as far as no test of one endpoint holds it:
//! INC-03, INC-13, INC-14, INC-17. Every other incident is named by the test that holds it.

use keyturn::domain::{
    Authentication, ClientTerms, ExchangeRule, GrantType, OrganizationId, Owner, RefreshTerms,
};
use serde_json::json;

use crate::support::{
    API_KEY, Answer, Ci, Client, ISSUER, OAUTH, Options, ProofKey, REVOKE, TestServer, encoded,
    new_key, post,
};

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const KEY: &str = "urn:keyturn:params:oauth:token-type:api-key";

fn options() -> Options {
    let mut options = Options::default();
    options.settings.refresh.for_api_keys = Some(RefreshTerms::default());
    options
}

fn member(answer: &Answer, name: &str) -> String {
    let value = answer.body[name].as_str();
    value.unwrap_or_else(|| panic!("no {name}: {} {}", answer.status, answer.text)).to_owned()
}

/// A client that may have everybody's tokens exchanged for `api`, and refreshes them.
async fn shop(server: &TestServer, acme: OrganizationId) -> Client {
    let rule = ExchangeRule {
        issuer: ISSUER.to_owned(),
        resource: "api".parse().unwrap(),
        impersonation: true,
    };
    let terms = ClientTerms {
        authentication: Authentication::ClientSecretBasic,
        grants: vec![
            GrantType::ClientCredentials,
            GrantType::TokenExchange,
            GrantType::RefreshToken,
        ],
        scopes: "read write".parse().unwrap(),
        resources: Some(vec!["api".parse().unwrap()]),
        refresh: Some(RefreshTerms::default()),
        exchanges: vec![rule],
        ..ClientTerms::default()
    };
    server.client(acme, "shop", terms).await.into()
}

async fn exchange(server: &TestServer, by: &Client, token: &str, kind: &str) -> Answer {
    let grant = ("grant_type", GrantType::TokenExchange.as_str());
    let form = [grant, ("subject_token", token), ("subject_token_type", kind), ("audience", "api")];
    server.send(by.request(OAUTH, &form)).await
}

async fn refresh(server: &TestServer, token: &str) -> Answer {
    server.post(OAUTH, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

async fn refresh_by(server: &TestServer, by: &Client, token: &str) -> Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    server.send(by.request(OAUTH, &form)).await
}

/// A server that begins anew remembers all that it has refused for good.
#[tokio::test]
async fn inc_03_what_was_used_up_or_ended_stays_so_for_a_server_that_begins_now() {
    for (server, _) in TestServer::pairs_on_each_engine_with(options).await {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let (shop, app) = (shop(&server, acme).await, server.public_app(acme, "app", true).await);
        let rotated = member(&server.exchange("ci", &secret).await, "refresh_token");
        let second = member(&refresh(&server, &rotated).await, "refresh_token");
        refresh(&server, &second).await;
        let ended = member(&app.first(&server, None).await, "refresh_token");
        server.post(REVOKE, &[("client_id", &app.id), ("token", &ended)]).await;
        let revoked = server.token_of(&shop).await;
        server.end_token(&shop, &revoked).await;
        let ci = Ci::at("https://ci.example.com");
        ci.trusted_by(&server, ci.rule(acme)).await;
        let job = ci.job(&server);
        let assertion = [("grant_type", GrantType::JwtBearer.as_str()), ("assertion", &*job)];
        assert_eq!(server.post(OAUTH, &assertion).await.status, 200);
        let proof = ProofKey::p256().proof(&server, ("POST", API_KEY), json!({}));
        let key = [("name", "ci"), ("secret", secret.reveal())];
        assert_eq!(server.post_with(API_KEY, &key, &[&proof]).await.status, 200);

        let anew = server.second_node_with(options()).await;
        let rotated = refresh(&anew, &rotated).await;
        let ended = app.refresh(&anew, None, &ended).await;
        let revoked = anew.introspect(&shop, &revoked).await;
        let job = anew.post(OAUTH, &assertion).await;
        let proved = anew.post_with(API_KEY, &key, &[&proof]).await;

        for answer in [rotated, ended, job] {
            assert_eq!(answer.error(), (400, "invalid_grant"), "{}", server.engine);
        }
        assert_eq!(revoked.body, json!({ "active": false }), "{}", server.engine);
        assert_eq!(proved.error(), (400, "invalid_dpop_proof"), "{}", server.engine);
    }
}

/// What is gone from the server is not brought back by what somebody registers.
#[tokio::test]
async fn inc_13_no_registration_brings_back_a_grant_that_there_is_not() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let new = keyturn::manage::api_keys::NewApiKey {
        roles: Some("owner".parse().unwrap()),
        ..new_key(Owner::Organization(acme), "boss")
    };
    let boss = server.manage(&server.make_key(new).await.1).await;

    let gone = ["password", "implicit", "urn:ietf:params:oauth:grant-type:saml2-bearer"];
    let all = gone.map(|grant| (grant, 400)).into_iter().chain([("client_credentials", 201)]);
    for (grant, status) in all {
        let client = json!({ "name": "shop", "grant_types": [grant], "scopes": ["read"] });
        let made = boss.post("/api/v1/clients", &client).await;

        assert_eq!(made.status, status, "{grant}: {}", made.text);
    }
}

/// Whoever is locked out between two steps is locked out at the second, whichever that is.
#[tokio::test]
async fn inc_14_who_was_locked_out_since_redeems_nothing_anywhere() {
    for server in TestServer::on_each_engine_with(options).await {
        let acme = server.acme().await;
        let ada = server.user("ada@example.com", &[(acme, "manager")]).await;
        let (_, secret) = server.key(Owner::User(ada), "own").await;
        let (shop, text) = (shop(&server, acme).await, secret.reveal());
        let key = [("name", "own"), ("secret", text), ("audience", "api")];
        let given = server.post(API_KEY, &key).await;
        let (token, own) = (member(&given, "access_token"), member(&given, "refresh_token"));
        let shops = member(&exchange(&server, &shop, text, KEY).await, "refresh_token");
        let manager = server.manage(&secret).await;
        let verify = async || {
            let request = axum::http::Request::get("/auth/v1/verify?resource=api");
            let request = request.header("authorization", format!("Bearer {token}"));
            server.send(request.body(axum::body::Body::empty()).unwrap()).await.status.as_u16()
        };
        let keys = "/api/v1/api-keys";
        assert_eq!((verify().await, manager.get(keys).await.status.as_u16()), (200, 200));
        assert_eq!(server.introspect(&shop, &token).await.body["active"], true);

        server.enable_user(ada, false).await;

        let refreshed = [refresh(&server, &own).await, refresh_by(&server, &shop, &shops).await];
        let exchanged = [
            exchange(&server, &shop, &token, ACCESS_TOKEN).await,
            exchange(&server, &shop, &shops, REFRESH_TOKEN).await,
            exchange(&server, &shop, text, KEY).await,
        ];
        for answer in &refreshed {
            assert_eq!(answer.error(), (400, "invalid_grant"), "{}", server.engine);
        }
        for answer in &exchanged {
            assert_eq!(answer.error(), (400, "invalid_request"), "{}", server.engine);
        }
        assert_eq!(server.post(API_KEY, &key).await.error(), (401, "invalid_client"));
        assert_eq!((verify().await, manager.get(keys).await.status.as_u16()), (401, 401));
        assert_eq!(server.introspect(&shop, &token).await.body["active"], false);
    }
}

/// Every connection of the server ends under it, in the middle of what it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inc_17_a_refresh_token_outlives_a_database_that_went_away() {
    for server in TestServer::on_each_engine_with(options).await {
        // The other one is a file, or memory.
        if server.engine != "postgres" {
            continue;
        }
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let mut token = member(&server.exchange("ci", &secret).await, "refresh_token");
        let form =
            |token: &str| encoded(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
        let gone = "select pg_terminate_backend(pid) from pg_stat_activity \
                    where datname = current_database() and pid <> pg_backend_pid()";

        for round in 0..10 {
            let (router, body) = (server.router.clone(), form(&token));
            let under_way =
                tokio::spawn(
                    async move { crate::support::send(&router, post(OAUTH, &body)).await },
                );
            server.sql(gone).await;
            let lost = under_way.await.unwrap();
            let may_pass = [200, 503].contains(&lost.status.as_u16());
            assert!(may_pass, "{round}: {} {}", lost.status, lost.text);

            let back = async {
                loop {
                    let again = refresh(&server, &token).await;
                    if again.status == 200 {
                        return again;
                    }
                    assert_eq!(again.error(), (503, "temporarily_unavailable"), "{round}");
                }
            };
            let again = tokio::time::timeout(std::time::Duration::from_mins(1), back).await;

            let next = member(&again.expect("it comes back"), "refresh_token");
            let is_same = lost.body["refresh_token"].as_str().is_none_or(|it| it == next);
            assert!(is_same, "{round}: two successors");
            token = next;
        }
    }
}
