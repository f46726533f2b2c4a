//! Why a key was refused, and what it would get, over the API.

use keyturn::{
    domain::{Owner, Reach, Secret},
    manage::api_keys::NewApiKey,
    random::Random,
};
use serde_json::{Value, json};

use super::{KEYS, NOBODY, acme, owner_of, secret_of};
use crate::support::{Answer, TestServer, new_key, problem};

fn at(refused: &Answer) -> String {
    format!("/api/v1/explanations/{}", refused.header("x-request-id"))
}

#[tokio::test]
async fn a_refusal_is_explained_to_whoever_may_see_the_key() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let other = server.root("other").await;
        let stranger = owner_of(&server, other).await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
        server.disable(key.id).await;
        let refused = server.exchange("ci", &secret).await;
        server.settle().await;

        let told = caller.get(&at(&refused)).await;
        let not_told = stranger.get(&at(&refused)).await;

        assert_eq!(told.status, 200, "{}: {}", server.engine, told.text);
        let expected = json!({
            "request_id": refused.header("x-request-id"),
            "reason": "key_disabled",
            "explanation": "The secret is right; the key is disabled.",
            "by_now": null,
            "at": "2027-01-15T08:00:00Z",
            "door": "/auth/v1/api-key/token",
            "source": "127.0.0.1",
            "user_agent": "",
            "api_key_id": key.id.to_string(),
            "api_key_name": "ci",
        });
        assert_eq!(told.body, expected);
        assert_eq!(problem(&not_told), (404, "not-found"));
        assert!(!not_told.text.contains("ci"), "{}", not_told.text);
    }
}

#[tokio::test]
async fn a_refusal_that_leads_to_no_key_is_told_to_whoever_knows_its_id() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        let other = server.root("other").await;
        let stranger = owner_of(&server, other).await;
        let unknown = Secret::generate(&"ktk".parse().unwrap(), &Random::System);
        let refused = server.exchange("ci", &unknown).await;
        server.settle().await;

        for caller in [caller, stranger] {
            let told = caller.get(&at(&refused)).await;
            assert_eq!(told.body["reason"], "unknown_secret", "{}", server.engine);
            assert_eq!(told.body["api_key_id"], Value::Null);
            assert!(!told.text.contains(unknown.reveal()), "{}", told.text);
        }
    }
}

#[tokio::test]
async fn a_refusal_of_a_deleted_key_is_told_to_nobody() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
        server.disable(key.id).await;
        let refused = server.exchange("ci", &secret).await;
        server.settle().await;

        caller.delete(&format!("{KEYS}/{}", key.id), "*").await;

        assert_eq!(problem(&caller.get(&at(&refused)).await), (404, "not-found"));
    }
}

#[tokio::test]
async fn what_is_not_known_is_not_explained_and_the_scope_is_needed() {
    let server = TestServer::start().await;
    let (acme, caller) = acme(&server).await;
    let secret = secret_of(&server, acme, "owner", Reach::Own).await;
    let narrow = server.manage_with(&secret, &[("scope", "usage:read")]).await;
    let path = format!("/api/v1/explanations/{NOBODY}");

    assert_eq!(problem(&caller.get(&path).await), (404, "not-found"));
    assert_eq!(problem(&caller.get("/api/v1/explanations/hunter2").await), (404, "not-found"));
    assert_eq!(problem(&narrow.get(&path).await), (403, "insufficient-scope"));
    let simulation = format!("{KEYS}/{NOBODY}/simulation");
    assert_eq!(problem(&narrow.get(&simulation).await), (403, "insufficient-scope"));
}

#[tokio::test]
async fn a_key_is_simulated_without_its_secret() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let allowed_networks = "10.2.0.0/16".parse().unwrap();
        let new = NewApiKey { allowed_networks, ..new_key(Owner::Organization(acme), "ci") };
        let (key, _) = server.make_key(new).await;
        let simulate = async |query: &str| {
            caller.get(&format!("{KEYS}/{}/simulation{query}", key.id)).await.body
        };

        let granted = simulate("?resource=api&scope=read%20write").await;
        let all = simulate("?resource=api&scope=").await;
        let elsewhere = simulate("?from=192.0.2.1").await;
        let too_much = simulate("?resource=api&scope=admin").await;

        let token = json!({
            "organization_id": acme.to_string(),
            "resource": "api",
            "scopes": ["read", "write"],
            "roles": ["manager"],
            "expires_at": "2027-01-15T08:06:00Z",
        });
        assert_eq!((&granted["token"], &granted["refusal"]), (&token, &Value::Null));
        assert_eq!(all["token"], token, "{}", server.engine);
        assert_eq!(granted["live_secrets"].as_array().map(Vec::len), Some(1));
        assert_eq!(elsewhere["refusal"]["explanation"], "192.0.2.1 is not in 10.2.0.0/16");
        assert_eq!(elsewhere["token"], Value::Null);
        assert_eq!(too_much["refusal"]["reason"], "scope_not_granted");
    }
}

#[tokio::test]
async fn a_key_out_of_sight_is_not_simulated() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let other = server.root("other").await;
        let stranger = owner_of(&server, other).await;
        let (key, _) = server.key(Owner::Organization(acme), "ci").await;
        let path = format!("{KEYS}/{}/simulation", key.id);

        let hidden = stranger.get(&path).await;
        let malformed = caller.get(&format!("{path}?from=nowhere")).await;

        assert_eq!(problem(&hidden), (404, "not-found"), "{}", server.engine);
        assert_eq!(problem(&malformed), (400, "invalid-request"));
    }
}
