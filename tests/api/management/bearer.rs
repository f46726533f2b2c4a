//! Who is let in: checks BR-01 to BR-10, PM-01 and PM-02.

use axum::{
    body::Body,
    http::{Method, Request},
};
use chrono::TimeDelta;
use keyturn::{
    domain::{Owner, Reach},
    manage::api_keys::NewApiKey,
};
use serde_json::{Value, json};

use super::{KEYS, NOBODY, ORGANIZATIONS, acme, secret_of};
use crate::support::{Answer, ISSUER, Options, TestServer, new_key, problem};

const METADATA: &str = "/.well-known/oauth-protected-resource";

async fn with_header(server: &TestServer, value: &str) -> Answer {
    let request = Request::get(ORGANIZATIONS).header("authorization", value);
    server.send(request.body(Body::empty()).unwrap()).await
}

fn challenge(error: &str) -> String {
    format!("Bearer realm=\"keyturn\"{error}, resource_metadata=\"{ISSUER}{METADATA}\"")
}

#[tokio::test]
async fn br_01_br_10_pm_02_without_a_token_every_operation_says_where_to_get_one() {
    let server = TestServer::start().await;
    let description: Value = serde_json::from_str(&keyturn::http::api_description()).unwrap();
    let mut operations = 0;

    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, _) in methods.as_object().unwrap() {
            let filled: Vec<_> = path.split('/').collect();
            let filled = filled.iter().map(|it| if it.starts_with('{') { NOBODY } else { it });
            let uri = filled.collect::<Vec<_>>().join("/");
            let method: Method = method.to_uppercase().parse().unwrap();
            let request = Request::builder().method(&method).uri(&uri).body(Body::empty());

            let answer = server.send(request.unwrap()).await;

            assert_eq!(problem(&answer), (401, "unauthorized"), "{method} {uri}");
            assert_eq!(answer.header("www-authenticate"), challenge(""), "{method} {uri}");
            operations += 1;
        }
    }
    assert!(operations > 25, "only {operations} operations are described");
}

#[tokio::test]
async fn br_01_credentials_of_another_scheme_are_none() {
    let server = TestServer::start().await;

    for value in ["Basic Y2k6c2VjcmV0", "Bearer", "Bearer ", "Bearer-Token x", ""] {
        let answer = with_header(&server, value).await;

        assert_eq!(problem(&answer), (401, "unauthorized"), "{value:?}");
        assert_eq!(answer.header("www-authenticate"), challenge(""), "{value:?}");
    }
}

#[tokio::test]
async fn br_02_two_authorization_headers_are_a_malformed_request() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let token = format!("Bearer {}", caller.token);

    let twice = [("authorization", token.as_str())];
    let answer = caller.send(Method::GET, ORGANIZATIONS, &twice, None).await;

    assert_eq!(problem(&answer), (400, "invalid-request"));
}

#[tokio::test]
async fn br_03_what_is_no_token_of_ours_is_refused() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let foreign = acme(&TestServer::start().await).await.1.token;
    let (head, signature) = caller.token.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{head}.{flipped}{}", &signature[1..]);
    let unsigned = format!("{head}.");

    for token in [foreign.as_str(), &forged, &unsigned, "x", "a.b.c", &"x".repeat(8000)] {
        let answer = server.manage_by(token).get(ORGANIZATIONS).await;

        assert_eq!(problem(&answer), (401, "invalid-token"), "{token}");
        let expected = challenge(", error=\"invalid_token\"");
        assert_eq!(answer.header("www-authenticate"), expected, "{token}");
    }
}

#[tokio::test]
async fn br_03_a_token_works_until_the_second_it_expires() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;

    server.app.clock.advance(TimeDelta::seconds(359));
    server.app.catch_up().await.unwrap();
    let before = caller.get(ORGANIZATIONS).await;
    server.app.clock.advance(TimeDelta::seconds(1));
    server.app.catch_up().await.unwrap();
    let after = caller.get(ORGANIZATIONS).await;

    assert_eq!(before.status, 200, "{}", before.text);
    assert_eq!(problem(&after), (401, "invalid-token"));
}

#[tokio::test]
async fn br_03_a_token_for_another_audience_manages_nothing() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    server.resource("https://api.example.com", "keys:read organizations:read").await;
    let secret = secret_of(&server, acme, "owner", Reach::Subtree).await;

    for audience in ["api", "https://api.example.com"] {
        let form = [("pat", secret.reveal()), ("audience", audience)];
        let issued = server.post("/auth/v1/token", &form).await;
        let token = issued.body["access_token"].as_str().unwrap();

        let answer = server.manage_by(token).get(ORGANIZATIONS).await;

        assert_eq!(problem(&answer), (401, "invalid-token"), "{audience}");
    }
}

#[tokio::test]
async fn br_04_a_token_that_may_not_is_told_which_scope_it_lacks() {
    let server = TestServer::start().await;
    let (id, _) = acme(&server).await;
    let viewer = server.manage(&secret_of(&server, id, "viewer", Reach::Subtree).await).await;
    let secret = secret_of(&server, id, "owner", Reach::Subtree).await;
    let narrowed = server.manage_with(&secret, &[("scope", "keys:read")]).await;

    let by_role = viewer.post(ORGANIZATIONS, &json!({ "name": "x", "parent_id": id })).await;
    let by_scope = narrowed.get(ORGANIZATIONS).await;

    for (answer, scope) in [(by_role, "organizations:write"), (by_scope, "organizations:read")] {
        let expected =
            format!("Bearer realm=\"keyturn\", error=\"insufficient_scope\", scope=\"{scope}\"");
        assert_eq!(problem(&answer), (403, "insufficient-scope"));
        assert_eq!(answer.header("www-authenticate"), expected);
    }
}

#[tokio::test]
async fn br_05_a_token_in_the_url_or_in_the_body_is_not_seen() {
    let server = TestServer::start().await;
    let (id, caller) = acme(&server).await;
    let token = &caller.token;
    let in_query = format!("{ORGANIZATIONS}/{id}?access_token={token}");
    let in_body = Request::post(KEYS).header("content-type", "application/x-www-form-urlencoded");

    let query = server.get(&in_query).await;
    let body = in_body.body(Body::from(format!("access_token={token}"))).unwrap();
    let body = server.send(body).await;

    assert_eq!(problem(&query), (400, "invalid-request"));
    assert_eq!(problem(&body), (401, "unauthorized"));
}

#[tokio::test]
async fn br_08_the_scheme_is_read_in_any_case() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;

    for scheme in ["Bearer ", "bearer ", "BEARER ", "Bearer   "] {
        let answer = with_header(&server, &format!("{scheme}{}", caller.token)).await;

        assert_eq!(answer.status, 200, "{scheme:?}: {}", answer.text);
    }
}

#[tokio::test]
async fn br_09_nobody_keeps_what_was_answered() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;

    let answer = caller.get(ORGANIZATIONS).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn pm_01_the_server_says_who_issues_tokens_for_it() {
    let server = TestServer::start().await;

    let answer = server.get(METADATA).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let body = &answer.body;
    assert_eq!(body["resource"], ISSUER);
    assert_eq!(body["authorization_servers"], json!([ISSUER]));
    assert_eq!(body["bearer_methods_supported"], json!(["header"]));
    assert_eq!(body["jwks_uri"], format!("{ISSUER}/.well-known/jwks.json"));
    let scopes = body["scopes_supported"].as_array().unwrap();
    assert!(scopes.contains(&json!("keys:read")) && scopes.contains(&json!("members:write")));
}

#[tokio::test]
async fn pm_01_pm_02_of_an_issuer_with_a_path_it_stands_between_the_host_and_the_path() {
    let mut options = Options::default();
    let issuer = format!("{ISSUER}/tenant/one");
    options.settings.issuer.clone_from(&issuer);
    let server = TestServer::with(options).await;
    let place = format!("{METADATA}/tenant/one");

    let answer = server.get(&format!("/tenant/one{ORGANIZATIONS}")).await;
    let metadata = server.get(&place).await;

    assert_eq!(problem(&answer), (401, "unauthorized"));
    let named = format!("resource_metadata=\"{ISSUER}{place}\"");
    assert!(answer.header("www-authenticate").ends_with(&named));
    assert_eq!((metadata.status.as_u16(), &metadata.body["resource"]), (200, &json!(issuer)));
    assert_eq!(server.get(&format!("{METADATA}/tenant")).await.status, 404);
}

#[tokio::test]
async fn of_an_issuer_with_a_path_what_is_made_is_found_below_it() {
    let mut options = Options::default();
    options.settings.issuer = format!("{ISSUER}/tenant/one");
    let server = TestServer::with(options).await;
    let acme = server.root("acme").await;
    let roles = Some("owner".parse().unwrap());
    let new = crate::support::new_key(Owner::Organization(acme), "ci");
    let new = keyturn::manage::api_keys::NewApiKey { roles, reach: Reach::Subtree, ..new };
    let (_, secret) = server.make_key(new).await;
    let form = [("pat", secret.reveal())];
    let issued = server.post("/tenant/one/auth/v1/token", &form).await;
    let caller = server.manage_by(issued.body["access_token"].as_str().unwrap());

    let body = json!({ "name": "below", "parent_id": acme });
    let made = caller.post(&format!("/tenant/one{ORGANIZATIONS}"), &body).await;
    let place = made.header("location").strip_prefix(ISSUER).unwrap_or_default();
    let found = caller.get(place).await;

    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!((found.status.as_u16(), found.id()), (200, made.id()));
}

#[tokio::test]
async fn a_token_manages_only_from_where_its_key_may_be_used() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let networks = "127.0.0.0/8".parse().unwrap();
        let new = NewApiKey {
            allowed_networks: networks,
            ..new_key(Owner::Organization(acme), "manager")
        };
        let caller = server.manage(&server.make_key(new).await.1).await;

        let here = caller.get(KEYS).await;
        let mut request = Request::get(KEYS)
            .header("authorization", format!("Bearer {}", caller.token))
            .header("x-forwarded-for", "192.0.2.1")
            .body(Body::empty())
            .unwrap();
        let proxy = std::net::SocketAddr::from(([10, 0, 0, 1], 50_000));
        request.extensions_mut().insert(axum::extract::ConnectInfo(proxy));
        let elsewhere = server.send(request).await;

        assert_eq!(here.status, 200, "{}: {}", server.engine, here.text);
        assert_eq!(problem(&elsewhere), (401, "invalid-token"));
    }
}
