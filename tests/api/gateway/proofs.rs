//! Proofs of possession at a gateway: checks DP-01, DP-06, DP-08 to DP-10, DP-12, DP-13. What a
//! proof has to be made for is the request that the gateway asks about.

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    body::Body,
    http::{Request, request},
};
use keyturn::{
    domain::{Owner, ProofDemand, Secret},
    manage::api_keys::NewApiKey,
};
use serde_json::{Value, json};

use super::{TOLD, refused};
use crate::support::{
    API_KEY, Answer, ISSUER, Options, ProofKey, TestServer, base64, new_key, verified,
};

const VERIFY: &str = "/auth/v1/verify?resource=api&origin=https://api.example.com";
const ORDERS: &str = "https://api.example.com/orders";

/// A proof for this credential at the API behind the gateway.
fn proof(server: &TestServer, key: &ProofKey, credential: &str, more: Value) -> String {
    let ath = base64(digest(&SHA256, credential.as_bytes()));
    let mut claims = json!({ "htu": ORDERS, "ath": ath });
    let Value::Object(more) = more else { panic!("claims are an object") };
    claims.as_object_mut().unwrap().extend(more);
    key.proof(server, ("GET", ""), claims)
}

/// A request as a gateway asks about it.
fn about(url: &str, authorization: &str, proofs: &[&str]) -> request::Builder {
    let request = Request::get(url).header("authorization", authorization);
    proofs.iter().fold(request, |request, proof| request.header("dpop", *proof))
}

async fn ask(server: &TestServer, request: request::Builder) -> Answer {
    server.send(request.body(Body::empty()).unwrap()).await
}

/// Asks about `GET /orders?limit=1`.
async fn shown(server: &TestServer, url: &str, authorization: &str, proofs: &[&str]) -> Answer {
    let request = about(url, authorization, proofs);
    let request = request.header("x-forwarded-method", "GET");
    ask(server, request.header("x-forwarded-uri", "/orders?limit=1")).await
}

/// A token for the API, bound to the key.
async fn bound(server: &TestServer, key: &ProofKey, secret: &Secret) -> String {
    let form = [("name", "ci"), ("secret", secret.reveal()), ("audience", "api")];
    let answer = server.post_by(key, API_KEY, &form).await;
    assert_eq!(answer.body["token_type"], "DPoP", "{}", answer.text);
    answer.body["access_token"].as_str().unwrap().to_owned()
}

async fn demanding(server: &TestServer, demand: ProofDemand) -> Secret {
    let owner = Owner::Organization(server.acme().await);
    let new = NewApiKey { proof: Some(demand), ..new_key(owner, "ci") };
    server.make_key(new).await.1
}

fn challenge(error: &str) -> String {
    format!("DPoP realm=\"keyturn\", algs=\"ES256 EdDSA Ed25519 PS256\", error=\"{error}\"")
}

#[tokio::test]
async fn dp_10_dp_12_whoever_proves_the_key_of_a_token_passes_and_the_token_is_passed_on() {
    for server in TestServer::on_each_engine().await {
        let owner = Owner::Organization(server.acme().await);
        let (api_key, secret) = server.key(owner, "ci").await;
        let key = ProofKey::p256();
        let token = bound(&server, &key, &secret).await;

        for scheme in ["DPoP", "dpop", "DPOP"] {
            let proof = proof(&server, &key, &token, json!({}));
            let (url, by) = (format!("{VERIFY}&token=1"), format!("{scheme} {token}"));
            let answer = shown(&server, &url, &by, &[&proof]).await;

            assert_eq!(answer.status, 200, "{}: {}", server.engine, answer.text);
            assert_eq!(answer.header("x-keyturn-subject"), format!("key:{}", api_key.id));
            assert_eq!(answer.header("authorization"), format!("DPoP {token}"));
        }
    }
}

#[tokio::test]
async fn dp_01_dp_10_nothing_but_a_proof_for_this_very_request_lets_pass() {
    let (server, secret) = TestServer::with_key().await;
    let (key, other) = (ProofKey::p256(), ProofKey::p256());
    let token = bound(&server, &key, &secret).await;
    let good = proof(&server, &key, &token, json!({}));
    let with = |more| vec![proof(&server, &key, &token, more)];
    let cases = [
        (vec![proof(&server, &other, &token, json!({}))], "invalid_token"),
        (vec![], "invalid_dpop_proof"),
        (vec![good.clone(), proof(&server, &key, &token, json!({}))], "invalid_dpop_proof"),
        (vec![token.clone()], "invalid_dpop_proof"),
        (vec![proof(&server, &key, "another token", json!({}))], "invalid_dpop_proof"),
        (with(json!({ "ath": null })), "invalid_dpop_proof"),
        (with(json!({ "htm": "POST" })), "invalid_dpop_proof"),
        (with(json!({ "htu": "https://api.example.com/" })), "invalid_dpop_proof"),
        (with(json!({ "htu": "http://api.example.com/orders" })), "invalid_dpop_proof"),
        (with(json!({ "htu": "https://evil.example/orders" })), "invalid_dpop_proof"),
        (with(json!({ "htu": format!("{ISSUER}/auth/v1/verify") })), "invalid_dpop_proof"),
        (with(json!({ "iat": 1 })), "invalid_dpop_proof"),
    ];
    for (proofs, error) in cases {
        let proofs: Vec<_> = proofs.iter().map(String::as_str).collect();
        let answer = shown(&server, VERIFY, &format!("DPoP {token}"), &proofs).await;

        assert_eq!(refused(&answer), (401, &*challenge(error)), "{proofs:?}");
        assert_eq!(answer.body["error"], error, "{proofs:?}");
    }
    assert_eq!(shown(&server, VERIFY, &format!("DPoP {token}"), &[&good]).await.status, 200);
}

#[tokio::test]
async fn dp_10_a_bound_token_is_no_bearer_token_nor_the_other_way_round() {
    let (server, secret) = TestServer::with_key().await;
    let key = ProofKey::ed25519();
    let token = bound(&server, &key, &secret).await;
    let form = [("pat", secret.reveal()), ("audience", "api")];
    let free = server.post("/auth/v1/token", &form).await.body["access_token"].clone();
    let free = free.as_str().unwrap();

    let as_bearer = shown(
        &server,
        VERIFY,
        &format!("Bearer {token}"),
        &[&proof(&server, &key, &token, json!({}))],
    )
    .await;
    let as_bound =
        shown(&server, VERIFY, &format!("DPoP {free}"), &[&proof(&server, &key, free, json!({}))])
            .await;
    server.settle().await;

    for (answer, reason) in
        [(as_bearer, "bound_token_without_proof"), (as_bound, "unbound_token_with_proof")]
    {
        assert_eq!(refused(&answer), (401, &*challenge("invalid_token")));
        assert_eq!(server.refusal(&answer).await.unwrap().reason, reason);
    }
}

#[tokio::test]
async fn dp_06_a_proof_lets_pass_once_through_whatever_node() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let secret = demanding(&server, ProofDemand::Any).await;
        let key = ProofKey::p256();
        let token = bound(&server, &key, &secret).await;
        other.app.catch_up().await.unwrap();

        for credential in [&*token, secret.reveal()] {
            let proof = proof(&server, &key, credential, json!({}));
            let by = format!("DPoP {credential}");
            let first = shown(&server, VERIFY, &by, &[&proof]).await;
            let here = shown(&server, VERIFY, &by, &[&proof]).await;
            let there = shown(&other, VERIFY, &by, &[&proof]).await;

            assert_eq!(first.status, 200, "{}: {}", server.engine, first.text);
            for again in [here, there] {
                assert_eq!(refused(&again), (401, &*challenge("invalid_dpop_proof")));
            }
        }
    }
}

#[tokio::test]
async fn dp_08_a_key_that_demands_a_proof_passes_with_one_and_its_token_is_bound() {
    for server in TestServer::on_each_engine().await {
        let key = ProofKey::p256();
        let only = ProofDemand::OneOf(vec![key.thumbprint().parse().unwrap()]);
        let secret = demanding(&server, only).await;
        let secret = secret.reveal();
        let by = format!("DPoP {secret}");
        let good = proof(&server, &key, secret, json!({}));

        let alone = shown(&server, VERIFY, &format!("Bearer {secret}"), &[&good]).await;
        let thief = ProofKey::p256();
        let stolen = proof(&server, &thief, secret, json!({}));
        let stolen = shown(&server, VERIFY, &by, &[&stolen]).await;
        let elsewhere = proof(&server, &key, "another key", json!({}));
        let elsewhere = shown(&server, VERIFY, &by, &[&elsewhere]).await;
        let passes = shown(&server, &format!("{VERIFY}&token=1"), &by, &[&good]).await;

        assert_eq!(refused(&alone), (401, &*challenge("invalid_token")));
        for answer in [stolen, elsewhere] {
            assert_eq!(refused(&answer), (401, &*challenge("invalid_dpop_proof")));
        }
        assert_eq!(passes.status, 200, "{}: {}", server.engine, passes.text);
        let token = passes.header("authorization").strip_prefix("DPoP ").unwrap();
        let jwks = server.get("/.well-known/jwks.json").await;
        let claims = verified(token, &jwks.text).unwrap();
        assert_eq!(claims["cnf"], json!({ "jkt": key.thumbprint() }));
    }
}

#[tokio::test]
async fn a_gateway_that_does_not_say_what_was_asked_for_lets_nobody_pass_by_a_proof() {
    let (server, secret) = TestServer::with_key().await;
    let key = ProofKey::p256();
    let token = bound(&server, &key, &secret).await;
    let told = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/orders")];
    let without = "/auth/v1/verify?resource=api";
    let cases = [
        (without, told.to_vec(), "origin"),
        (VERIFY, vec![told[1]], "X-Forwarded-Method"),
        (VERIFY, vec![told[0]], "X-Forwarded-Uri"),
        (VERIFY, vec![told[0], ("x-original-url", ORDERS)], "X-Forwarded-Uri"),
        (VERIFY, vec![told[0], ("x-forwarded-uri", "*")], "X-Forwarded-Uri"),
        (VERIFY, vec![told[0], told[1], told[1]], "X-Forwarded-Uri"),
        (VERIFY, vec![told[0], ("x-forwarded-uri", ORDERS)], "X-Forwarded-Uri"),
    ];
    let mut answers = Vec::new();
    for (url, headers, missing) in cases {
        let proof = proof(&server, &key, &token, json!({}));
        let mut request = about(url, &format!("DPoP {token}"), &[&proof]);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        answers.push((ask(&server, request).await, missing));
    }
    server.settle().await;

    for (answer, missing) in answers {
        assert_eq!(answer.error(), (401, "invalid_token"), "{missing}");
        let told = answer.body["error_description"].as_str().unwrap();
        assert!(told.contains(missing), "{told}");
        let recorded = server.refusal(&answer).await.unwrap();
        assert_eq!(recorded.reason, "proof_not_checkable");
        assert!(recorded.detail.contains(missing), "{}", recorded.detail);
    }
}

#[tokio::test]
async fn dp_13_what_a_visitor_calls_the_gateway_does_not_count() {
    let (server, secret) = TestServer::with_key().await;
    let key = ProofKey::p256();
    let token = bound(&server, &key, &secret).await;
    let with = async |htu: &str, headers: &[(&str, &str)]| {
        let proof = proof(&server, &key, &token, json!({ "htu": htu }));
        let mut request = about(VERIFY, &format!("DPoP {token}"), &[&proof]);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("x-forwarded-method", "GET");
        ask(&server, request.header("x-forwarded-uri", "/orders")).await.status.as_u16()
    };
    let lies = [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("x-original-url", "https://evil.example/orders"),
        ("forwarded", "host=evil.example"),
    ];

    assert_eq!(with("https://evil.example/orders", &lies).await, 401);
    assert_eq!(with("http://api.example.com/orders", &lies).await, 401);
    assert_eq!(with("https://API.example.com:443/orders?x=1#y", &lies).await, 200);
}

#[tokio::test]
async fn an_origin_is_a_scheme_and_a_host_and_nothing_else() {
    let (server, secret) = TestServer::with_key().await;
    let by = format!("Bearer {}", secret.reveal());

    for origin in [
        "",
        "api.example.com",
        "https://",
        "https://api.example.com/",
        "https://api.example.com/orders",
        "https://api.example.com?x",
        "https://user@api.example.com",
        "ftp://api.example.com",
        "https://api.example.com%20",
    ] {
        let url = format!("/auth/v1/verify?resource=api&origin={origin}");
        let answer = shown(&server, &url, &by, &[]).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{origin}");
    }
    for origin in ["http://127.0.0.1:8000", "https://[::1]:8443", "https://api"] {
        let url = format!("/auth/v1/verify?resource=api&origin={origin}");
        assert_eq!(shown(&server, &url, &by, &[]).await.status, 200, "{origin}");
    }
}

#[tokio::test]
async fn where_the_path_is_passed_on_it_is_what_a_proof_is_for() {
    let (server, secret) = TestServer::with_key().await;
    let key = ProofKey::p256();
    let token = bound(&server, &key, &secret).await;
    let with = async |htu: &str, origin: Option<&str>| {
        let changes = json!({ "htm": "DELETE", "htu": htu });
        let proof = proof(&server, &key, &token, changes);
        let request = Request::delete("/auth/v1/verify/orders/7?limit=1");
        let mut request = request
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", proof)
            .header("x-keyturn-want-resource", "api")
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", "/orders");
        if let Some(origin) = origin {
            request = request.header("x-keyturn-want-origin", origin);
        }
        ask(&server, request).await
    };
    let origin = Some("https://api.example.com");

    assert_eq!(with(&format!("{ORDERS}/7"), origin).await.status, 200);
    assert_eq!(with(ORDERS, origin).await.status, 401);
    assert_eq!(with(&format!("{ISSUER}/auth/v1/verify/orders/7"), origin).await.status, 401);
    assert_eq!(with(&format!("{ORDERS}/7"), None).await.error(), (401, "invalid_token"));
}

#[tokio::test]
async fn dp_09_a_gateway_is_told_the_nonce_to_pass_back() {
    fn options() -> Options {
        let mut options = Options::default();
        options.settings.proofs_need_nonce = true;
        options
    }
    for server in TestServer::on_each_engine_with(options).await {
        let secret = demanding(&server, ProofDemand::Any).await;
        let key = ProofKey::p256();
        let by = format!("DPoP {}", secret.reveal());

        let bare = proof(&server, &key, secret.reveal(), json!({}));
        let asked = shown(&server, VERIFY, &by, &[&bare]).await;
        let nonce = asked.header("dpop-nonce").to_owned();
        let with = proof(&server, &key, secret.reveal(), json!({ "nonce": nonce }));
        let passes = shown(&server, VERIFY, &by, &[&with]).await;

        assert_eq!(refused(&asked), (401, &*challenge("use_dpop_nonce")), "{}", server.engine);
        assert_eq!(passes.status, 200, "{}", passes.text);
        assert_eq!(passes.header("dpop-nonce"), nonce);
    }
}

#[tokio::test]
async fn br_04_who_came_with_a_proof_and_lacks_a_scope_is_told_so_by_that_scheme() {
    let (server, secret) = TestServer::with_key().await;
    let key = ProofKey::p256();
    let token = bound(&server, &key, &secret).await;
    let proof = proof(&server, &key, &token, json!({}));

    let url = format!("{VERIFY}&scope=admin");
    let answer = shown(&server, &url, &format!("DPoP {token}"), &[&proof]).await;

    let expected = format!("{}, scope=\"admin\"", challenge("insufficient_scope"));
    assert_eq!(refused(&answer), (403, &*expected));
}

#[tokio::test]
async fn br_01_where_proofs_are_taken_both_schemes_are_offered() {
    let server = TestServer::start().await;

    let answer = ask(&server, Request::get(VERIFY)).await;

    let offered = answer.headers.get_all("www-authenticate").iter();
    let offered: Vec<_> = offered.map(|it| it.to_str().unwrap()).collect();
    let dpop = "DPoP realm=\"keyturn\", algs=\"ES256 EdDSA Ed25519 PS256\"";
    assert_eq!(offered, ["Bearer realm=\"keyturn\"", dpop]);
    assert!(TOLD.iter().all(|name| !answer.headers.contains_key(*name)));
}
