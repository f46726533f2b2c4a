//! Tokens that are bound to a key of their holder: checks DP-01 to DP-13, the forgery battery
//! included.

mod demanded;
mod forged;
mod nonces;
mod presented;
mod refreshed;

use std::sync::Arc;

use keyturn::domain::{Owner, Secret};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{API_KEY, Answer, OAUTH, ProofKey, TestServer};

const IBM: &str = "/identity/token";
const IBM_GRANT: &str = "urn:ibm:params:oauth:grant-type:apikey";

fn form(secret: &Secret) -> [(&'static str, &str); 2] {
    [("name", "ci"), ("secret", secret.reveal())]
}

async fn acme_ci(server: &TestServer) -> Secret {
    let acme = server.acme().await;
    server.key(Owner::Organization(acme), "ci").await.1
}

fn assert_bound(answer: &Answer, claims: &Value, key: &ProofKey) {
    assert_eq!(answer.body["token_type"], "DPoP", "{}", answer.text);
    assert_eq!(claims["cnf"], json!({ "jkt": key.thumbprint() }));
}

#[tokio::test]
async fn dp_07_every_door_binds_the_token_to_the_key_that_was_proved() {
    let server = TestServer::start().await;
    let secret = acme_ci(&server).await;
    let text = secret.reveal();
    let doors: [(&str, &[(&str, &str)]); 6] = [
        (API_KEY, &[("name", "ci"), ("secret", text)]),
        ("/auth/v1/token", &[("pat", text)]),
        ("/auth/v3/token", &[("personalAccessKey", text)]),
        (IBM, &[("grant_type", IBM_GRANT), ("apikey", text)]),
        (OAUTH, &[("grant_type", IBM_GRANT), ("apikey", text)]),
        (
            OAUTH,
            &[("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", text)],
        ),
    ];
    for (path, form) in doors {
        for key in [ProofKey::ed25519(), ProofKey::p256()] {
            let answer = server.post_by(&key, path, form).await;

            assert_bound(&answer, &server.claims(&answer).await, &key);
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            assert_eq!(answer.header("dpop-nonce"), "", "{path}");
        }
    }
}

#[tokio::test]
async fn kx_01_without_a_proof_it_is_a_bearer_token() {
    let (server, secret) = TestServer::with_key().await;

    let answer = server.exchange("ci", &secret).await;

    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(server.claims(&answer).await.get("cnf"), None);
}

#[tokio::test]
async fn dp_06_a_proof_works_once_on_whatever_node() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let secret = acme_ci(&server).await;
        other.app.catch_up().await.unwrap();
        let proof = ProofKey::p256().proof(&server, ("POST", API_KEY), json!({}));
        let (form, proofs) = (form(&secret), [proof.as_str()]);

        let first = server.post_with(API_KEY, &form, &proofs).await;
        let here = server.post_with(API_KEY, &form, &proofs).await;
        let there = other.post_with(API_KEY, &form, &proofs).await;

        assert_eq!(first.status, 200, "{}: {}", server.engine, first.text);
        for again in [&here, &there] {
            assert_eq!(again.error(), (400, "invalid_dpop_proof"), "{}", server.engine);
            assert_eq!(again.body["error_description"], "the DPoP proof was used before");
        }
    }
}

#[tokio::test]
async fn dp_06_of_many_at_once_with_one_proof_one_is_first() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let secret = acme_ci(&server).await;
        other.app.catch_up().await.unwrap();
        let proof = ProofKey::p256().proof(&server, ("POST", API_KEY), json!({}));
        let engine = server.engine;
        let nodes = [Arc::new(server), Arc::new(other)];

        let mut tasks = JoinSet::new();
        for number in 0..20 {
            let node = Arc::clone(&nodes[number % 2]);
            let (proof, secret) = (proof.clone(), secret.reveal().to_owned());
            tasks.spawn(async move {
                let form = [("name", "ci"), ("secret", secret.as_str())];
                node.post_with(API_KEY, &form, &[&proof]).await
            });
        }
        let answers = tasks.join_all().await;

        let issued = answers.iter().filter(|answer| answer.status == 200).count();
        let refused = answers.iter().filter(|it| it.error() == (400, "invalid_dpop_proof")).count();
        assert_eq!((issued, refused), (1, 19), "{engine}");
    }
}

#[tokio::test]
async fn dp_06_two_holders_may_choose_the_same_id() {
    let server = TestServer::start().await;
    let secret = acme_ci(&server).await;
    let (one, two) = (ProofKey::p256(), ProofKey::p256());

    for key in [&one, &two] {
        let proof = key.proof(&server, ("POST", API_KEY), json!({ "jti": "1" }));
        let answer = server.post_with(API_KEY, &form(&secret), &[&proof]).await;

        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

#[tokio::test]
async fn dp_06_whoever_has_no_credential_uses_up_no_proof() {
    let server = TestServer::start().await;
    let secret = acme_ci(&server).await;
    let proof = ProofKey::p256().proof(&server, ("POST", API_KEY), json!({}));
    let wrong = crate::support::mistyped(&secret);

    let stranger = [("name", "ci"), ("secret", wrong.as_str())];
    let stranger = server.post_with(API_KEY, &stranger, &[&proof]).await;
    let holder = server.post_with(API_KEY, &form(&secret), &[&proof]).await;

    assert_eq!(stranger.error(), (401, "invalid_client"));
    assert_eq!(holder.status, 200, "{}", holder.text);
}

#[tokio::test]
async fn metadata_names_the_algorithms_of_proofs() {
    let server = TestServer::start().await;
    let algorithms = json!(["ES256", "EdDSA", "Ed25519", "PS256"]);

    for document in
        ["openid-configuration", "oauth-authorization-server", "oauth-protected-resource"]
    {
        let answer = server.get(&format!("/.well-known/{document}")).await;

        assert_eq!(answer.body["dpop_signing_alg_values_supported"], algorithms, "{document}");
    }
}

#[tokio::test]
async fn dp_09_pages_may_send_proofs_and_read_nonces() {
    use crate::support::{Options, encoded, post};
    let mut options = Options::default();
    options.edge.cors_origins = vec!["https://app.example".to_owned()];
    let server = TestServer::with(options).await;
    let mut asked = post(API_KEY, &encoded(&[]));
    asked.headers_mut().insert("origin", "https://app.example".parse().unwrap());
    let beforehand = axum::http::Request::options(API_KEY)
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "dpop");

    let told = server.send(asked).await;
    let allowed = server.send(beforehand.body(axum::body::Body::empty()).unwrap()).await;

    assert_eq!(
        told.header("access-control-expose-headers"),
        "dpop-nonce,www-authenticate,retry-after,x-request-id"
    );
    assert!(allowed.header("access-control-allow-headers").contains("dpop"));
}
