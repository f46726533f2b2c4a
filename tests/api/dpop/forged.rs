//! What is no proof for the request at a token endpoint: checks DP-01 to DP-05, DP-13, F01 to F20
//! as far as they concern proofs, AT-11.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{acme_ci, form};
use crate::support::{API_KEY, Answer, ISSUER, ProofKey, TestServer, base64};

async fn refused(server: &TestServer, answer: &Answer, reason: &str) {
    assert_eq!(answer.error(), (400, "invalid_dpop_proof"), "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(server.refusal(answer).await.unwrap().reason, reason);
}

#[tokio::test]
async fn dp_01_two_proofs_are_none() {
    let server = TestServer::start().await;
    let secret = acme_ci(&server).await;
    let key = ProofKey::p256();
    let [one, two] = [(); 2].map(|()| key.proof(&server, ("POST", API_KEY), json!({})));

    let twice = server.post_with(API_KEY, &form(&secret), &[&one, &two]).await;
    let joined = server.post_with(API_KEY, &form(&secret), &[&format!("{one}, {two}")]).await;

    for answer in [twice, joined] {
        assert_eq!(answer.error(), (400, "invalid_dpop_proof"), "{}", answer.text);
    }
}

#[tokio::test]
async fn dp_02_dp_03_dp_04_dp_05_whatever_is_wrong_with_a_proof_it_is_refused() {
    let server = TestServer::start().await;
    let secret = acme_ci(&server).await;
    let (key, thief) = (ProofKey::p256(), ProofKey::p256());
    let right = key.proof(&server, ("POST", API_KEY), json!({}));
    let parts: Vec<_> = right.split('.').collect();
    let claims: Value = serde_json::from_slice(&decoded(parts[1])).unwrap();
    let with_header = |changes: Value| {
        let mut header = key.header();
        header.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        key.signed(&header, &claims)
    };
    let with_claims = |changes: Value| key.proof(&server, ("POST", API_KEY), changes);
    let mut private = key.jwk();
    private["d"] = json!(base64([1; 32]));
    let forgeries = [
        String::new(),
        "x".to_owned(),
        format!("{right}.x"),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.{}", parts[0], parts[1], base64([0; 64])),
        format!("{}.{}.{}", parts[0], base64(r#"{"jti":"1"}"#), parts[2]),
        with_header(json!({ "alg": "none" })),
        with_header(json!({ "alg": "HS256" })),
        with_header(json!({ "alg": "ES384" })),
        with_header(json!({ "typ": "JWT" })),
        with_header(json!({ "typ": "at+jwt" })),
        with_header(json!({ "crit": ["jti"] })),
        with_header(json!({ "jwk": private })),
        with_header(json!({ "jwk": null, "jku": "https://evil.example/jwks.json" })),
        with_header(json!({ "jwk": thief.jwk() })),
        with_header(json!({ "jwk": { "kty": "oct", "k": "AAAA" } })),
        with_claims(json!({ "htm": "GET" })),
        with_claims(json!({ "htu": format!("{ISSUER}/oauth2/token") })),
        with_claims(json!({ "htu": format!("https://evil.example{API_KEY}") })),
        with_claims(json!({ "htu": format!("http://keyturn.test{API_KEY}") })),
        with_claims(json!({ "jti": "x".repeat(129) })),
        with_claims(json!({ "jti": "" })),
        with_claims(json!({ "iat": "now" })),
    ];
    let mut answers = Vec::new();
    for forged in &forgeries {
        answers.push(server.post_with(API_KEY, &form(&secret), &[forged]).await);
    }
    server.settle().await;

    for answer in &answers {
        refused(&server, answer, "bad_proof").await;
    }
}

fn decoded(segment: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(segment).unwrap()
}

#[tokio::test]
async fn dp_04_the_clocks_may_differ_by_a_minute() {
    let server = TestServer::start().await;
    let secret = acme_ci(&server).await;
    let key = ProofKey::ed25519();
    for (moved, expected) in [(-60, 200), (-10, 200), (60, 200), (61, 400)] {
        let made_at = server.app.clock.now().timestamp() - moved;
        let proof = key.proof(&server, ("POST", API_KEY), json!({ "iat": made_at }));

        let answer = server.post_with(API_KEY, &form(&secret), &[&proof]).await;

        assert_eq!(answer.status, expected, "{moved}: {}", answer.text);
    }
}

#[tokio::test]
async fn dp_04_a_proof_grows_old_while_it_lies_around() {
    let server = TestServer::start().await;
    let secret = acme_ci(&server).await;
    let proof = ProofKey::ed25519().proof(&server, ("POST", API_KEY), json!({}));

    server.app.clock.advance(TimeDelta::seconds(61));
    let answer = server.post_with(API_KEY, &form(&secret), &[&proof]).await;
    server.settle().await;

    refused(&server, &answer, "bad_proof").await;
    assert!(answer.body["error_description"].as_str().unwrap().contains("iat"));
}

#[tokio::test]
async fn dp_13_what_counts_is_the_public_url_whatever_the_host_header_says() {
    let server = TestServer::start().await;
    let secret = acme_ci(&server).await;
    let key = ProofKey::ed25519();
    let mut answers = Vec::new();

    for htu in
        [format!("https://KEYTURN.test:443{API_KEY}?a=b#c"), format!("http://node-1{API_KEY}")]
    {
        let proof = key.proof(&server, ("POST", API_KEY), json!({ "htu": htu }));
        let mut request = crate::support::post(API_KEY, &crate::support::encoded(&form(&secret)));
        request.headers_mut().insert("host", "node-1".parse().unwrap());
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        answers.push(server.send(request).await);
    }

    assert_eq!(answers[0].status, 200, "{}", answers[0].text);
    assert_eq!(answers[1].error(), (400, "invalid_dpop_proof"));
}

#[tokio::test]
async fn at_11_an_access_token_is_no_proof_and_a_proof_no_access_token() {
    let server = TestServer::start().await;
    let secret = acme_ci(&server).await;
    let key = ProofKey::ed25519();
    let bound = server.post_by(&key, API_KEY, &form(&secret)).await;
    let token = bound.body["access_token"].as_str().unwrap();
    let proof = key.proof(&server, ("POST", API_KEY), json!({}));

    let answer = server.post_with(API_KEY, &form(&secret), &[token]).await;
    let manages = server.manage_by(&proof).get("/api/v1/organizations").await;
    server.settle().await;

    refused(&server, &answer, "bad_proof").await;
    assert_eq!(crate::support::problem(&manages), (401, "invalid-token"));
}
