//! Nonces of the server: check DP-09.

use chrono::TimeDelta;
use serde_json::json;

use super::{acme_ci, form};
use crate::support::{API_KEY, Answer, ISSUER, Options, ProofKey, TestServer};

fn options() -> Options {
    let mut options = Options::default();
    options.settings.proofs_need_nonce = true;
    options
}

fn nonce(answer: &Answer) -> String {
    assert_eq!(answer.headers.get_all("dpop-nonce").iter().count(), 1, "{}", answer.text);
    answer.header("dpop-nonce").to_owned()
}

#[tokio::test]
async fn dp_09_a_proof_without_our_nonce_is_told_which_to_use() {
    for server in TestServer::on_each_engine_with(options).await {
        let secret = acme_ci(&server).await;
        let key = ProofKey::p256();

        let asked = server.post_by(&key, API_KEY, &form(&secret)).await;
        let proof = key.proof(&server, ("POST", API_KEY), json!({ "nonce": nonce(&asked) }));
        let answer = server.post_with(API_KEY, &form(&secret), &[&proof]).await;

        assert_eq!(asked.error(), (400, "use_dpop_nonce"), "{}", server.engine);
        assert_eq!(asked.header("cache-control"), "no-store");
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(nonce(&answer), nonce(&asked));
    }
}

#[tokio::test]
async fn dp_09_a_nonce_is_good_on_every_node_until_the_one_after_it_is_old() {
    for (server, other) in TestServer::pairs_on_each_engine_with(options).await {
        let secret = acme_ci(&server).await;
        other.app.catch_up().await.unwrap();
        let key = ProofKey::p256();
        let first = nonce(&server.post_by(&key, API_KEY, &form(&secret)).await);
        let with_first = async || {
            let proof = key.proof(&other, ("POST", API_KEY), json!({ "nonce": first }));
            other.post_with(API_KEY, &form(&secret), &[&proof]).await
        };

        let at_once = with_first().await;
        other.app.clock.advance(TimeDelta::seconds(120));
        other.app.catch_up().await.unwrap();
        let later = with_first().await;
        other.app.clock.advance(TimeDelta::seconds(120));
        other.app.catch_up().await.unwrap();
        let too_late = with_first().await;

        assert_eq!((at_once.status.as_u16(), later.status.as_u16()), (200, 200));
        assert_ne!(nonce(&later), first, "the next is given out while the old one still counts");
        assert_eq!(too_late.error(), (400, "use_dpop_nonce"), "{}", server.engine);
    }
}

#[tokio::test]
async fn dp_09_a_nonce_of_somebody_else_is_none() {
    let server = TestServer::with(options()).await;
    let secret = acme_ci(&server).await;
    let key = ProofKey::p256();

    for nonce in ["", "x", &"A".repeat(43)] {
        let proof = key.proof(&server, ("POST", API_KEY), json!({ "nonce": nonce }));
        let answer = server.post_with(API_KEY, &form(&secret), &[&proof]).await;

        assert_eq!(answer.error(), (400, "use_dpop_nonce"), "{nonce}");
    }
    let bare = server.exchange("ci", &secret).await;
    assert_eq!((bare.status.as_u16(), bare.header("dpop-nonce")), (200, ""));
}

#[tokio::test]
async fn dp_09_a_resource_asks_for_its_nonce_by_a_challenge() {
    let server = TestServer::with(options()).await;
    let secret = acme_ci(&server).await;
    let (key, path) = (ProofKey::p256(), "/api/v1/organizations");
    let first = nonce(&server.post_by(&key, API_KEY, &form(&secret)).await);
    let proof = key.proof(&server, ("POST", API_KEY), json!({ "nonce": first }));
    let wish = [("name", "ci"), ("secret", secret.reveal()), ("resource", ISSUER)];
    let issued = server.post_with(API_KEY, &wish, &[&proof]).await;
    let token = issued.body["access_token"].as_str().unwrap();

    let proof = key.proof_of(&server, ("GET", path), token);
    let answer = server.get_with(path, &format!("DPoP {token}"), &[&proof]).await;

    assert_eq!(crate::support::problem(&answer), (401, "use-dpop-nonce"));
    assert!(answer.header("www-authenticate").contains("error=\"use_dpop_nonce\""));
    assert_eq!(nonce(&answer), nonce(&issued));
}
