//! Signing keys over the API.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{acme, column, owner_of};
use crate::support::{Answer, TestServer, problem};

const SIGNING_KEYS: &str = "/api/v1/signing-keys";

/// The key of this algorithm that is in this state.
fn key<'a>(list: &'a Answer, algorithm: &str, state: &str) -> &'a Value {
    let mut items = list.body["items"].as_array().unwrap().iter();
    let found = items.find(|it| it["algorithm"] == algorithm && it["state"] == state);
    found.unwrap_or_else(|| panic!("no {state} {algorithm}: {}", list.text))
}

#[tokio::test]
async fn a_rotation_makes_the_next_key_and_only_one() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        let es256 = json!({ "algorithm": "ES256" });
        let path = format!("{SIGNING_KEYS}/rotate");

        let next = caller.post(&path, &es256).await;
        let again = caller.post(&path, &es256).await;
        let soon = caller.get(SIGNING_KEYS).await;
        server.app.clock.advance(TimeDelta::hours(1));
        let later = owner_of(&server, acme_of(&server).await).await.get(SIGNING_KEYS).await;

        assert_eq!(next.status, 200, "{}: {}", server.engine, next.text);
        assert_eq!(next.body["state"], "pending");
        assert_eq!(problem(&again), (409, "conflict"));
        assert_eq!(key(&soon, "ES256", "pending"), &next.body);
        assert_eq!(key(&later, "ES256", "active")["id"], next.body["id"]);
        let members = next.body.as_object().unwrap().keys().map(String::as_str);
        let public = [
            "activates_at",
            "algorithm",
            "created_at",
            "gone_at",
            "id",
            "retires_at",
            "revoked_at",
            "state",
        ];
        assert_eq!(members.collect::<Vec<_>>(), public);
    }
}

/// The organization that was made first.
async fn acme_of(server: &TestServer) -> keyturn::domain::OrganizationId {
    let mut tx = server.app.store.read().await.unwrap();
    keyturn::store::organizations::operators(&mut tx).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_revoked_key_is_out_at_once_and_another_signs() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let list = caller.get(SIGNING_KEYS).await;
        let id = key(&list, "ES256", "active")["id"].as_str().unwrap();

        let path = format!("{SIGNING_KEYS}/{id}/revoke");
        let revoked = caller.send(axum::http::Method::POST, &path, &[], None).await;
        let by_its_token = caller.get(SIGNING_KEYS).await;
        let jwks = server.get("/.well-known/jwks.json").await;
        let list = owner_of(&server, acme).await.get(SIGNING_KEYS).await;

        assert_eq!(revoked.status, 200, "{}: {}", server.engine, revoked.text);
        assert_eq!(revoked.body["state"], "gone");
        assert!(revoked.body["revoked_at"].is_string());
        assert_eq!(problem(&by_its_token), (401, "invalid-token"));
        assert!(!jwks.text.contains(id), "{}", jwks.text);
        assert_ne!(key(&list, "ES256", "active")["id"], id);
    }
}

#[tokio::test]
async fn signing_keys_are_for_whoever_runs_the_server() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        let other = server.root("other").await;
        let stranger = owner_of(&server, other).await;
        let ids = caller.get(SIGNING_KEYS).await;
        let path = format!("{SIGNING_KEYS}/{}/revoke", column(&ids.body, "id")[0]);

        let listed = stranger.get(SIGNING_KEYS).await;
        let rotated = stranger
            .post(&format!("{SIGNING_KEYS}/rotate"), &json!({ "algorithm": "ES256" }))
            .await;
        let revoked = stranger.send(axum::http::Method::POST, &path, &[], None).await;

        for refused in [listed, rotated, revoked] {
            assert_eq!(problem(&refused), (403, "forbidden"), "{}", server.engine);
        }
        assert_eq!(caller.get(SIGNING_KEYS).await.body, ids.body);
    }
}

#[tokio::test]
async fn what_was_made_first_runs_the_server_also_among_those_of_one_second() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;

        for number in 0..5 {
            let other = server.root(&format!("other {number}")).await;
            let stranger = owner_of(&server, other).await;
            assert_eq!(problem(&stranger.get(SIGNING_KEYS).await), (403, "forbidden"));
        }
        assert_eq!(caller.get(SIGNING_KEYS).await.status, 200, "{}", server.engine);
    }
}

#[tokio::test]
async fn what_is_no_signing_key_is_refused() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let rotate = format!("{SIGNING_KEYS}/rotate");
    let revoke = format!("{SIGNING_KEYS}/nothing/revoke");

    let unknown = caller.send(axum::http::Method::POST, &revoke, &[], None).await;

    for body in [json!({}), json!({ "algorithm": "none" }), json!({ "algorithm": "es256" })] {
        assert_eq!(problem(&caller.post(&rotate, &body).await), (400, "invalid-request"), "{body}");
    }
    assert_eq!(problem(&unknown), (404, "not-found"));
}
