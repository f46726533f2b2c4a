//! Bound tokens at the management API: checks DP-10 and DP-12.

use keyturn::{domain::Owner, manage::api_keys::NewApiKey};
use serde_json::json;

use crate::support::{API_KEY, ISSUER, ProofKey, TestServer, base64, new_key, problem};

const PATH: &str = "/api/v1/organizations";

/// A token for the server itself, bound to the key.
async fn bound_to(server: &TestServer, key: &ProofKey) -> String {
    let owner = Owner::Organization(server.acme().await);
    let new = NewApiKey { roles: Some("owner".parse().unwrap()), ..new_key(owner, "ci") };
    let (_, secret) = server.make_key(new).await;
    let form = [("name", "ci"), ("secret", secret.reveal()), ("resource", ISSUER)];
    let answer = server.post_by(key, API_KEY, &form).await;
    answer.body["access_token"].as_str().unwrap().to_owned()
}

fn challenge(error: &str) -> String {
    format!(
        "DPoP realm=\"keyturn\", algs=\"ES256 EdDSA Ed25519 PS256\", error=\"{error}\", \
         resource_metadata=\"{ISSUER}/.well-known/oauth-protected-resource\""
    )
}

#[tokio::test]
async fn dp_10_dp_12_whoever_proves_the_key_of_a_token_is_let_in() {
    let server = TestServer::start().await;
    let key = ProofKey::p256();
    let token = bound_to(&server, &key).await;

    for scheme in ["DPoP", "dpop", "DPOP"] {
        let proof = key.proof_of(&server, ("GET", PATH), &token);
        let uri = format!("{PATH}?limit=1");
        let answer = server.get_with(&uri, &format!("{scheme} {token}"), &[&proof]).await;

        assert_eq!(answer.status, 200, "{scheme}: {}", answer.text);
    }
}

#[tokio::test]
async fn dp_10_a_bound_token_is_no_bearer_token() {
    let server = TestServer::start().await;
    let key = ProofKey::p256();
    let token = bound_to(&server, &key).await;
    let proof = key.proof_of(&server, ("GET", PATH), &token);

    for proofs in [&[][..], &[proof.as_str()]] {
        let answer = server.get_with(PATH, &format!("Bearer {token}"), proofs).await;

        assert_eq!(problem(&answer), (401, "invalid-token"));
        assert_eq!(answer.header("www-authenticate"), challenge("invalid_token"));
    }
}

#[tokio::test]
async fn dp_10_a_bearer_token_is_not_bound_by_a_proof() {
    let (server, secret) = TestServer::with_key().await;
    let form = [("name", "ci"), ("secret", secret.reveal()), ("resource", ISSUER)];
    let token = server.post(API_KEY, &form).await.body["access_token"].clone();
    let token = token.as_str().unwrap();
    let proof = ProofKey::p256().proof_of(&server, ("GET", PATH), token);

    let answer = server.get_with(PATH, &format!("DPoP {token}"), &[&proof]).await;

    assert_eq!(problem(&answer), (401, "invalid-token"));
    assert_eq!(answer.header("www-authenticate"), challenge("invalid_token"));
}

#[tokio::test]
async fn dp_10_a_proof_by_another_key_is_told_apart_from_a_bad_one() {
    let server = TestServer::start().await;
    let (key, other) = (ProofKey::p256(), ProofKey::p256());
    let token = bound_to(&server, &key).await;
    let good = key.proof_of(&server, ("GET", PATH), &token);
    let cases = [
        (vec![other.proof_of(&server, ("GET", PATH), &token)], "invalid_token"),
        (vec![], "invalid_dpop_proof"),
        (vec![good.clone(), key.proof_of(&server, ("GET", PATH), &token)], "invalid_dpop_proof"),
        (vec!["x".to_owned()], "invalid_dpop_proof"),
        (vec![key.proof(&server, ("GET", PATH), json!({}))], "invalid_dpop_proof"),
        (vec![key.proof_of(&server, ("GET", PATH), "another token")], "invalid_dpop_proof"),
        (vec![key.proof_of(&server, ("POST", PATH), &token)], "invalid_dpop_proof"),
        (vec![key.proof_of(&server, ("GET", "/api/v1/api-keys"), &token)], "invalid_dpop_proof"),
        (vec![token.clone()], "invalid_dpop_proof"),
    ];
    for (proofs, error) in cases {
        let proofs: Vec<_> = proofs.iter().map(String::as_str).collect();
        let answer = server.get_with(PATH, &format!("DPoP {token}"), &proofs).await;

        assert_eq!(answer.status, 401, "{}", answer.text);
        assert_eq!(answer.header("www-authenticate"), challenge(error), "{proofs:?}");
        assert_eq!(problem(&answer).1, error.replace('_', "-"));
    }
    assert_eq!(server.get_with(PATH, &format!("DPoP {token}"), &[&good]).await.status, 200);
}

#[tokio::test]
async fn dp_06_dp_10_a_proof_opens_a_resource_once_on_whatever_node() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let key = ProofKey::p256();
        let token = bound_to(&server, &key).await;
        other.app.catch_up().await.unwrap();
        let proof = key.proof_of(&server, ("GET", PATH), &token);
        let authorization = format!("DPoP {token}");

        let first = server.get_with(PATH, &authorization, &[&proof]).await;
        let here = server.get_with(PATH, &authorization, &[&proof]).await;
        let there = other.get_with(PATH, &authorization, &[&proof]).await;

        assert_eq!(first.status, 200, "{}: {}", server.engine, first.text);
        for again in [here, there] {
            assert_eq!(problem(&again), (401, "invalid-dpop-proof"), "{}", server.engine);
        }
    }
}

#[tokio::test]
async fn br_04_a_bound_token_that_lacks_a_scope_is_told_so_by_its_own_scheme() {
    let server = TestServer::start().await;
    let key = ProofKey::p256();
    let owner = Owner::Organization(server.acme().await);
    let new = NewApiKey { roles: Some("viewer".parse().unwrap()), ..new_key(owner, "ci") };
    let (_, secret) = server.make_key(new).await;
    let form = [("name", "ci"), ("secret", secret.reveal()), ("resource", ISSUER)];
    let answer = server.post_by(&key, API_KEY, &form).await;
    let token = answer.body["access_token"].as_str().unwrap();
    let path = "/api/v1/signing-keys";

    let proof = key.proof_of(&server, ("GET", path), token);
    let answer = server.get_with(path, &format!("DPoP {token}"), &[&proof]).await;

    assert_eq!(problem(&answer), (403, "insufficient-scope"));
    let expected = "DPoP realm=\"keyturn\", algs=\"ES256 EdDSA Ed25519 PS256\", \
                    error=\"insufficient_scope\", scope=";
    assert!(answer.header("www-authenticate").starts_with(expected), "{:?}", answer.headers);
}

#[tokio::test]
async fn dp_10_without_a_token_both_schemes_are_offered() {
    let server = TestServer::start().await;

    let answer = server.get(PATH).await;

    let offered = answer.headers.get_all("www-authenticate").iter();
    let offered: Vec<_> = offered.map(|it| it.to_str().unwrap()).collect();
    assert!(offered[0].starts_with("Bearer ") && offered[1].starts_with("DPoP "), "{offered:?}");
    assert!(offered[1].contains("algs=\"ES256 EdDSA Ed25519 PS256\""));
}

#[tokio::test]
async fn br_03_what_is_no_token_of_ours_is_refused_by_its_scheme() {
    let server = TestServer::start().await;
    let key = ProofKey::p256();
    let forged = format!("{}.{}.{}", base64("{}"), base64("{}"), base64("x"));

    for token in ["x", &forged] {
        let proof = key.proof_of(&server, ("GET", PATH), token);
        let answer = server.get_with(PATH, &format!("DPoP {token}"), &[&proof]).await;

        assert_eq!(problem(&answer), (401, "invalid-token"));
        assert_eq!(answer.header("www-authenticate"), challenge("invalid_token"));
    }
}
