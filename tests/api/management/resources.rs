//! Resources over the API.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD as STANDARD, BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD},
};
use chrono::TimeDelta;
use keyturn::{
    domain::{Algorithm, Owner, Reach, Secret},
    manage::{Asker, signing_keys},
};
use serde_json::{Value, json};

use super::{acme, column, owner_of, secret_of};
use crate::support::{TestServer, problem};

const RESOURCES: &str = "/api/v1/resources";

/// A URI is one segment of the path.
const BILLING: &str = "/api/v1/resources/https%3A%2F%2Fbilling.test%2Fv1";

#[tokio::test]
async fn a_resource_is_registered_shown_changed_and_removed() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;

        let body = json!({ "scopes": ["read"], "token_lifetime_seconds": 60 });
        let made = caller.put_new(BILLING, &body).await;
        let changed = caller
            .put(BILLING, made.etag(), &json!({ "scopes": ["pay", "read"], "algorithm": "EdDSA" }))
            .await;
        let shown = caller.get(BILLING).await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let form = [("pat", secret.reveal()), ("resource", "https://billing.test/v1")];
        let token = server.post("/auth/v1/token", &form).await;

        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        assert_eq!(made.header("location"), format!("https://keyturn.test{BILLING}"));
        assert_eq!(made.body["identifier"], "https://billing.test/v1");
        assert_eq!(made.body["algorithm"], "ES256");
        assert_eq!(made.body["token_lifetime_seconds"], 60);
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_ne!(changed.etag(), made.etag());
        assert_eq!((shown.etag(), &shown.body), (changed.etag(), &changed.body));
        assert_eq!(shown.body["scopes"], json!(["pay", "read"]));
        assert_eq!(shown.body["token_lifetime_seconds"], json!(null));
        assert_eq!(token.body["scope"], "read", "{}", token.text);
        assert_eq!(caller.delete(BILLING, shown.etag()).await.status, 204);
        assert_eq!(problem(&caller.get(BILLING).await), (404, "not-found"));
    }
}

/// How a token for `api` is signed now.
async fn algorithm(server: &TestServer, secret: &Secret) -> String {
    let answer = server.exchange("ci", secret).await;
    let token = answer.body["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text));
    server.claims(&answer).await;
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["alg"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn fx_20_a_resource_stays_as_it_was_until_verifiers_can_know_the_new_key() {
    for imported in [false, true] {
        for server in TestServer::on_each_engine().await {
            let (acme, caller) = acme(&server).await;
            let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
            if imported {
                let pem = ed25519_pem();
                signing_keys::import(&server.app, &Asker::keyturn(), &pem).await.unwrap();
            }
            let lead = server.app.settings.rotation.publish_lead();
            let from = server.app.clock.now() + lead;

            let body = json!({ "scopes": ["read", "write"], "algorithm": "EdDSA" });
            let changed = caller.put("/api/v1/resources/api", "*", &body).await;
            let published = server.get("/.well-known/jwks.json").await;
            let at_first = algorithm(&server, &secret).await;
            server.app.clock.advance(lead - TimeDelta::seconds(1));
            server.app.catch_up().await.unwrap();
            let just_before = algorithm(&server, &secret).await;
            server.app.clock.advance(TimeDelta::seconds(1));
            server.app.catch_up().await.unwrap();
            let then = algorithm(&server, &secret).await;
            let caller = owner_of(&server, acme).await;
            let shown = caller.get("/api/v1/resources/api").await;

            let told = [&changed.body["algorithm"], &changed.body["current_algorithm"]];
            assert_eq!(told, ["EdDSA", "ES256"], "{} {imported}", server.engine);
            let until = from.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            assert_eq!(changed.body["algorithm_from"], until);
            assert!(published.text.contains("\"EdDSA\""), "{}", published.text);
            assert_eq!([&*at_first, &*just_before, &*then], ["ES256", "ES256", "EdDSA"]);
            assert_eq!(shown.body["current_algorithm"], "EdDSA", "{}", shown.text);
            assert_eq!(shown.body["algorithm_from"], json!(null));
        }
    }
}

#[tokio::test]
async fn fx_20_a_first_key_that_is_revoked_before_it_signs_gets_a_successor_that_waits_as_well() {
    for server in TestServer::on_each_engine().await {
        let (app, asker) = (&server.app, Asker::keyturn());
        signing_keys::ensure(app, &asker, Algorithm::EdDsa).await.unwrap();
        let of_ed_dsa = async || {
            let all = signing_keys::list(app, &asker).await.unwrap();
            let ours = all.into_iter().filter(|key| key.algorithm == Algorithm::EdDsa);
            ours.collect::<Vec<_>>()
        };
        let first = of_ed_dsa().await.remove(0);
        app.clock.advance(TimeDelta::minutes(1));

        signing_keys::revoke(app, &asker, &first.signing_key_id).await.unwrap();

        let spare = of_ed_dsa().await.pop().unwrap();
        let lead = app.settings.rotation.publish_lead();
        assert_eq!(spare.activates_at, app.clock.now() + lead, "{}", server.engine);
    }
}

/// As `openssl genpkey -algorithm ed25519` writes it.
fn ed25519_pem() -> String {
    let pair = Ed25519KeyPair::generate().unwrap();
    let der = pair.to_pkcs8v1().unwrap();
    let text = STANDARD.encode(der.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

#[tokio::test]
async fn the_list_has_all_resources_and_says_which_is_the_default() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;

        let body = json!({ "scopes": ["read"], "is_default": true });
        server.app.clock.advance(chrono::TimeDelta::seconds(1));
        let made = caller.put_new(BILLING, &body).await;
        let list = caller.get(RESOURCES).await;

        assert_eq!(made.body["is_default"], true, "{}", server.engine);
        let identifiers = column(&list.body, "identifier");
        assert_eq!(identifiers, ["api", "https://billing.test/v1"]);
        assert_eq!(list.body["items"][0]["is_default"], false);
        assert_eq!(list.body["items"][1], made.body);
        assert_eq!(list.body["next_cursor"], json!(null));
    }
}

#[tokio::test]
async fn fx_21_the_issuer_cannot_be_registered_so_that_the_management_api_stays() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let body = json!({ "scopes": ["read"] });

        for name in ["https:%2F%2Fkeyturn.test", "https:%2F%2FKEYTURN.test:443%2F"] {
            let refused = caller.put_new(&format!("{RESOURCES}/{name}"), &body).await;
            assert_eq!(problem(&refused), (400, "invalid-request"), "{}", server.engine);
            assert!(refused.detail().contains("is keyturn itself"), "{}", refused.text);
        }
        let later = owner_of(&server, acme).await.get("/api/v1/api-keys").await;

        assert_eq!(later.status, 200, "{}: {}", server.engine, later.text);
    }
}

#[tokio::test]
async fn an_edit_of_what_was_changed_meanwhile_is_refused() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        let body = json!({ "scopes": ["read"] });
        let seen = caller.get("/api/v1/resources/api").await.etag().to_owned();

        let first = caller.put("/api/v1/resources/api", &seen, &body).await;
        let second = caller.put("/api/v1/resources/api", &seen, &body).await;
        let removal = caller.delete("/api/v1/resources/api", &seen).await;
        let again = caller.put_new("/api/v1/resources/api", &body).await;
        let unmade = caller.put(BILLING, "\"1\"", &body).await;
        let unmade_by_star = caller.put(BILLING, "*", &body).await;
        let unseen = caller.send(axum::http::Method::DELETE, BILLING, &[], None).await;

        assert_eq!(first.status, 200, "{}", server.engine);
        assert_eq!(problem(&second), (412, "changed-meanwhile"));
        assert_eq!(problem(&removal), (412, "changed-meanwhile"));
        assert_eq!(problem(&again), (409, "conflict"));
        assert_eq!(problem(&unmade), (412, "changed-meanwhile"));
        assert_eq!(problem(&unmade_by_star), (412, "changed-meanwhile"), "RFC 9110, 13.1.1");
        assert_eq!(problem(&unseen), (428, "condition-required"));
    }
}

#[tokio::test]
async fn whoever_has_the_scope_reads_and_only_whoever_runs_the_server_changes() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let other = server.root("other").await;
        let stranger = owner_of(&server, other).await;
        let viewer = server.manage(&secret_of(&server, acme, "viewer", Reach::Own).await).await;
        let body = json!({ "scopes": ["read"] });

        let read = stranger.get(RESOURCES).await;
        let changed = stranger.put("/api/v1/resources/api", "*", &body).await;
        let made = stranger.put_new(BILLING, &body).await;
        let removed = stranger.delete("/api/v1/resources/api", "*").await;
        let unscoped = viewer.put_new(BILLING, &body).await;

        assert_eq!(column(&read.body, "identifier"), ["api"], "{}", server.engine);
        for refused in [changed, made, removed] {
            assert_eq!(problem(&refused), (403, "forbidden"));
        }
        assert_eq!(problem(&unscoped), (403, "insufficient-scope"));
    }
}

#[tokio::test]
async fn what_is_no_resource_is_refused() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;

    for body in [
        json!({}),
        json!({ "scopes": ["a b"] }),
        json!({ "scopes": ["\""] }),
        json!({ "scopes": [""] }),
        json!({ "scopes": vec!["a"; 501] }),
        json!({ "scopes": ["a"], "algorithm": "HS256" }),
        json!({ "scopes": ["a"], "token_lifetime_seconds": 29 }),
        json!({ "scopes": ["a"], "token_lifetime_seconds": 361 }),
        json!({ "scopes": ["a"], "color": "red" }),
        json!([["a"], null, null, null]),
    ] {
        let answer = caller.put_new(BILLING, &body).await;
        assert_eq!(problem(&answer), (400, "invalid-request"), "{body}");
    }
    let name = caller.put_new("/api/v1/resources/NO%20NAME", &json!({ "scopes": ["a"] })).await;
    assert_eq!(problem(&name), (400, "invalid-request"));
    assert_eq!(problem(&caller.get("/api/v1/resources/NO%20NAME").await), (404, "not-found"));
}
