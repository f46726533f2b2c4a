//! What gateways are told of who stands before them: checks BR-01 to BR-09, and keys that are used
//! directly.

mod proofs;

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request, request},
};
use chrono::TimeDelta;
use keyturn::{
    domain::{OrganizationId, Owner, ProofDemand, Secret, Source, Thumbprint},
    manage::api_keys::NewApiKey,
    signing::{AccessToken, Confirmation, TokenType},
};
use uuid::Uuid;

use crate::support::{Answer, Client, TestServer, encoded, new_key, post, verified};

const VERIFY: &str = "/auth/v1/verify?resource=api";
const TOLD: [&str; 7] = [
    "x-keyturn-subject",
    "x-keyturn-client",
    "x-keyturn-organization",
    "x-keyturn-scope",
    "x-keyturn-roles",
    "x-keyturn-user",
    "x-keyturn-expires",
];

async fn ask(server: &TestServer, url: &str, headers: &[(&str, &str)]) -> Answer {
    ask_by(server, Request::get(url), headers).await
}

async fn ask_by(
    server: &TestServer,
    mut request: request::Builder,
    headers: &[(&str, &str)],
) -> Answer {
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

/// Sends it from this address.
async fn from(server: &TestServer, peer: &str, mut request: Request<Body>) -> Answer {
    let peer = SocketAddr::new(peer.parse().unwrap(), 50_000);
    request.extensions_mut().insert(ConnectInfo(peer));
    server.send(request).await
}

/// Asks with this behind `Authorization: Bearer`.
async fn bearer(server: &TestServer, url: &str, credential: &str) -> Answer {
    ask(server, url, &[("authorization", &format!("Bearer {credential}"))]).await
}

async fn token(server: &TestServer, secret: &Secret, audience: &str) -> String {
    let form = [("pat", secret.reveal()), ("audience", audience)];
    let answer = server.post("/auth/v1/token", &form).await;
    answer.body["access_token"].as_str().unwrap().to_owned()
}

/// Status, and what the challenge says.
fn refused(answer: &Answer) -> (u16, &str) {
    assert!(TOLD.iter().all(|name| !answer.headers.contains_key(*name)), "{:?}", answer.headers);
    (answer.status.as_u16(), answer.header("www-authenticate"))
}

const INVALID: &str = r#"Bearer realm="keyturn", error="invalid_token""#;

#[tokio::test]
async fn a_key_is_told_by_headers_and_its_use_is_counted() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;

        let answer = bearer(&server, VERIFY, secret.reveal()).await;

        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""), "{}", server.engine);
        let told = TOLD.map(|name| answer.header(name));
        let expected = [
            &format!("key:{}", key.id),
            &key.id.to_string(),
            &acme.to_string(),
            "read write",
            "manager",
            "",
            "1800000360",
        ];
        assert_eq!(told, expected);
        assert!(!answer.headers.contains_key("authorization"), "no token was wanted");
        assert_eq!(answer.header("cache-control"), "no-store", "BR-09");
        server.settle().await;
        let usage = server.dump().await;
        assert!(usage.contains("issued"), "{}: the use is counted", server.engine);
    }
}

#[tokio::test]
async fn a_key_becomes_a_token_to_pass_on() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;

        let url = format!("{VERIFY}&token=1");
        let answer = ask(&server, &url, &[("x-api-key", secret.reveal())]).await;

        assert_eq!(answer.status, 200, "{}", answer.text);
        let token = answer.header("authorization").strip_prefix("Bearer ").unwrap();
        let jwks = server.get("/.well-known/jwks.json").await;
        let claims = verified(token, &jwks.text).unwrap();
        assert_eq!((&claims["aud"], &claims["scope"]), (&"api".into(), &"read write".into()));
        assert_eq!(claims["sub"], format!("key:{}", key.id));
        let again = bearer(&server, &url, token).await;
        assert_eq!(again.status, 200, "{}: such a token passes itself", server.engine);
        assert_eq!(again.header("authorization"), format!("Bearer {token}"));
        assert_eq!(TOLD.map(|name| again.header(name)), TOLD.map(|name| answer.header(name)));
    }
}

#[tokio::test]
async fn a_users_key_tells_its_user() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let ada = server.user("ada@example.com", &[(acme, "viewer")]).await;
    let (_, secret) = server.key(Owner::User(ada), "laptop").await;

    let answer = bearer(&server, VERIFY, secret.reveal()).await;

    assert_eq!(answer.header("x-keyturn-user"), ada.to_string());
    assert_eq!(answer.header("x-keyturn-scope"), "read", "not more than the user may");
}

#[tokio::test]
async fn br_08_the_scheme_has_any_case_and_a_key_a_header_of_its_own() {
    let (server, secret) = TestServer::with_key().await;
    let secret = secret.reveal();

    for (name, value) in [
        ("authorization", format!("bearer {secret}")),
        ("authorization", format!("BEARER  {secret} ")),
        ("x-api-key", secret.to_owned()),
    ] {
        let answer = ask(&server, VERIFY, &[(name, &value)]).await;
        assert_eq!(answer.status, 200, "{name}");
    }
    let posted = Request::post(VERIFY);
    assert_eq!(ask_by(&server, posted, &[("x-api-key", secret)]).await.status, 200);
}

#[tokio::test]
async fn br_01_who_shows_nothing_is_asked_for_it_without_an_error() {
    let (server, _) = TestServer::with_key().await;

    for headers in [&[][..], &[("authorization", "Basic eDp5")], &[("cookie", "token=x")]] {
        let answer = ask(&server, VERIFY, headers).await;
        assert_eq!(refused(&answer), (401, r#"Bearer realm="keyturn""#), "{headers:?}");
    }
}

#[tokio::test]
async fn br_02_two_credentials_or_a_broken_header_are_a_bad_request() {
    let (server, secret) = TestServer::with_key().await;
    let bearer = format!("Bearer {}", secret.reveal());

    for headers in [
        &[("authorization", &*bearer), ("x-api-key", secret.reveal())][..],
        &[("authorization", &bearer), ("authorization", &bearer)],
        &[("x-api-key", secret.reveal()), ("x-api-key", secret.reveal())],
        &[("authorization", "Bearer ")],
        &[("authorization", "Bearer")],
        &[("x-api-key", "")],
    ] {
        let answer = ask(&server, VERIFY, headers).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{headers:?}");
    }
}

#[tokio::test]
async fn br_03_what_is_not_good_here_is_an_invalid_token() {
    let (server, secret) = TestServer::with_key().await;
    server.resource("other", "read").await;
    let (good, elsewhere) =
        (token(&server, &secret, "api").await, token(&server, &secret, "other").await);
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    let altered = format!("{signed}.{other}{}", &signature[1..]);
    let mistyped = crate::support::mistyped(&secret);

    for credential in [&*elsewhere, &altered, &mistyped, "a.b.c", "ktc_x", "password"] {
        let answer = bearer(&server, VERIFY, credential).await;
        assert_eq!(refused(&answer), (401, INVALID), "{credential}");
    }
    server.app.clock.advance(TimeDelta::minutes(6));
    let expired = bearer(&server, VERIFY, &good).await;
    assert_eq!(refused(&expired), (401, INVALID));
}

#[tokio::test]
async fn br_03_a_key_or_token_that_ended_does_not_pass_and_the_reason_is_on_record() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
        let token = token(&server, &secret, "api").await;
        server.disable(key.id).await;

        let of_key = bearer(&server, VERIFY, secret.reveal()).await;
        let of_token = bearer(&server, VERIFY, &token).await;

        assert_eq!(refused(&of_key), (401, INVALID), "{}", server.engine);
        assert_eq!(refused(&of_token), (401, INVALID), "{}", server.engine);
        server.settle().await;
        for answer in [of_key, of_token] {
            let recorded = server.refusal(&answer).await.unwrap();
            assert_eq!((&*recorded.reason, &*recorded.door), ("key_disabled", "/auth/v1/verify"));
            assert_eq!(recorded.api_key_id, Some(key.id));
        }
    }
}

#[tokio::test]
async fn a_revoked_token_does_not_pass() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let shop = server.obtaining_client(acme, "shop").await;
    let token = server.token_of(&shop).await;
    let before = bearer(&server, VERIFY, &token).await;
    server.end_token(&shop, &token).await;

    let after = bearer(&server, VERIFY, &token).await;

    assert_eq!(before.header("x-keyturn-subject"), format!("client:{}", shop.id));
    assert_eq!(refused(&after), (401, INVALID));
}

#[tokio::test]
async fn br_04_who_lacks_a_scope_is_told_which_are_needed() {
    let (server, secret) = TestServer::with_key().await;
    let with = async |scope: &str| {
        bearer(&server, &format!("{VERIFY}&scope={scope}"), secret.reveal()).await
    };

    let enough = with("write+read").await;
    let too_few = with("read+admin").await;

    assert_eq!(enough.status, 200);
    assert_eq!(enough.header("x-keyturn-scope"), "read write");
    let challenge = r#"Bearer realm="keyturn", error="insufficient_scope", scope="admin read""#;
    assert_eq!(refused(&too_few), (403, challenge));
    server.settle().await;
    let recorded = server.refusal(&too_few).await.unwrap();
    assert_eq!(recorded.reason, "too_few_scopes");
    assert!(recorded.detail.contains("scope admin is not among"), "{}", recorded.detail);
}

#[tokio::test]
async fn a_token_is_worth_what_is_left_of_it() {
    let (server, secret) = TestServer::with_key().await;
    let token = token(&server, &secret, "api").await;
    server.sql("update api_keys set roles = 'viewer'").await;
    server.app.directory.forget(&[keyturn::domain::Change::secret(&secret.hash())]);

    let answer = bearer(&server, VERIFY, &token).await;
    let writing = bearer(&server, &format!("{VERIFY}&scope=write"), &token).await;

    assert_eq!((answer.header("x-keyturn-scope"), answer.header("x-keyturn-roles")), ("read", ""));
    assert_eq!(writing.status, 403);
}

#[tokio::test]
async fn br_05_a_credential_in_the_url_is_not_taken() {
    let (server, secret) = TestServer::with_key().await;

    for name in ["access_token", "api_key", "pat", "key"] {
        let url = format!("{VERIFY}&{name}={}", secret.reveal());
        let answer = ask(&server, &url, &[]).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{name}");
    }
}

#[tokio::test]
async fn a_misspelt_demand_lets_nobody_pass() {
    let (server, secret) = TestServer::with_key().await;

    for query in ["scopes=admin", "resource=other", "token=yes", "scope=a++b", "Scope=admin"] {
        let answer = bearer(&server, &format!("{VERIFY}&{query}"), secret.reveal()).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{query}");
    }
    let unknown = bearer(&server, "/auth/v1/verify?resource=nowhere", secret.reveal()).await;
    assert_eq!(unknown.error(), (400, "invalid_target"));
}

#[tokio::test]
async fn the_allow_list_of_a_key_is_held_against_the_address_of_the_client() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let networks = "192.0.2.0/24 10.0.0.0/8".parse().unwrap();
    let new = NewApiKey { allowed_networks: networks, ..new_key(Owner::Organization(acme), "ci") };
    let (_, secret) = server.make_key(new).await;
    let form = [("pat", secret.reveal()), ("audience", "api")];
    let token = from(&server, "10.0.0.9", post("/auth/v1/token", &encoded(&form))).await;
    let token = token.body["access_token"].as_str().unwrap();

    for credential in [secret.reveal(), token] {
        let by = async |peer: &str, forwarded: &str| {
            let request = Request::get(VERIFY).header("x-forwarded-for", forwarded);
            let request = request.header("authorization", format!("Bearer {credential}"));
            from(&server, peer, request.body(Body::empty()).unwrap()).await
        };
        let allowed = by("10.0.0.7", "192.0.2.9").await;
        let refused = by("10.0.0.7", "198.51.100.1").await;
        let made_up = by("203.0.113.5", "192.0.2.9").await;

        assert_eq!(allowed.status, 200, "{}", allowed.text);
        assert_eq!(refused.status, 403, "{}", refused.text);
        assert_eq!(made_up.status, 403, "only proxies that are trusted are believed");
    }
}

#[tokio::test]
async fn dp_08_a_key_that_has_to_be_proved_does_not_pass_alone() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let new = new_key(Owner::Organization(acme), "ci");
    let (_, secret) = server.make_key(NewApiKey { proof: Some(ProofDemand::Any), ..new }).await;

    let answer = bearer(&server, VERIFY, secret.reveal()).await;

    assert_eq!(refused(&answer), (401, INVALID), "{}", answer.text);
}

#[tokio::test]
async fn dp_10_a_token_that_is_bound_to_a_key_is_no_bearer_token() {
    let (server, secret) = TestServer::with_key().await;
    let presented = server.app.directory.key(&secret.hash()).await.unwrap().unwrap();
    let Owner::Organization(acme) = presented.key.owner else { panic!("not an organization's") };
    let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I".parse().unwrap();
    let source = Source::Secret(presented.secret.id);
    let subject = format!("key:{}", presented.key.id);
    let bound = signed(&server, acme, &subject, source, Some(&jkt));
    let free = signed(&server, acme, &subject, source, None);

    let of_bound = bearer(&server, VERIFY, &bound).await;
    let of_free = bearer(&server, VERIFY, &free).await;

    assert_eq!(refused(&of_bound), (401, INVALID));
    assert_eq!(of_free.status, 200, "{}", of_free.text);
}

/// A token as an exchange could have made it.
fn signed(
    server: &TestServer,
    org: OrganizationId,
    sub: &str,
    source: Source,
    jkt: Option<&Thumbprint>,
) -> String {
    let now = server.app.clock.now();
    let claims = AccessToken {
        sub,
        aud: "api",
        client_id: "somebody",
        iat: now,
        exp: now + TimeDelta::minutes(5),
        jti: Uuid::from_u128(7),
        scope: "read",
        roles: &[],
        src: &[source],
        act: None,
        cnf: jkt.map(|jkt| Confirmation { jkt }),
        org: org.0,
        user_id: None,
        email: None,
    };
    let by = keyturn::domain::Algorithm::Es256;
    server.app.signer.sign(by, now, TokenType::AccessToken, &claims).unwrap()
}

#[tokio::test]
async fn gateways_that_pass_the_path_on_say_by_headers_what_they_want() {
    let (server, secret) = TestServer::with_key().await;
    let authorization = format!("Bearer {}", secret.reveal());
    let headers = [
        ("authorization", &*authorization),
        ("x-keyturn-want-resource", "api"),
        ("x-keyturn-want-scope", "read"),
        ("x-keyturn-want-token", "1"),
    ];

    for path in ["/", "/orders/7", "/orders?resource=other&scope=&access_token=x", "/auth/v1/token"]
    {
        for method in [Method::GET, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let url = format!("/auth/v1/verify{path}");
            let answer =
                ask_by(&server, Request::builder().method(method).uri(&url), &headers).await;
            assert_eq!(answer.status, 200, "{url} {}", answer.text);
            assert!(answer.header("authorization").starts_with("Bearer ey"));
        }
    }
    let url = "/auth/v1/verify/orders?resource=api";
    let without = ask(&server, url, &headers[..1]).await;
    assert_eq!(without.error(), (400, "invalid_request"), "only the gateway names the resource");
    let more = [headers[0], headers[1], ("x-keyturn-want-scope", "admin")];
    assert_eq!(ask(&server, url, &more).await.status, 403);
}

#[tokio::test]
async fn other_methods_are_none_of_the_gateways() {
    let (server, secret) = TestServer::with_key().await;
    let request = Request::delete(VERIFY);

    let answer = ask_by(&server, request, &[("x-api-key", secret.reveal())]).await;

    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn at_11_a_signed_answer_about_a_token_does_not_pass() {
    let (server, secret) = TestServer::with_key().await;
    let token = token(&server, &secret, "api").await;
    let presented = server.app.directory.key(&secret.hash()).await.unwrap().unwrap();
    let Owner::Organization(acme) = presented.key.owner else { panic!("not an organization's") };
    let api: Client = server.resource_server(acme, "the-api", &["api"]).await;
    let signed = server.introspect_signed(&api, &token).await;

    let answer = bearer(&server, VERIFY, &signed.text).await;

    assert_eq!(refused(&answer), (401, INVALID));
}

#[tokio::test]
async fn without_the_database_a_gateway_is_told_to_ask_again() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        server.lose_the_database().await;

        let answer = bearer(&server, VERIFY, secret.reveal()).await;

        assert_eq!(answer.error(), (503, "temporarily_unavailable"), "{}", server.engine);
    }
}

#[tokio::test]
async fn p1_a_key_that_another_node_revoked_does_not_pass_once_this_one_has_looked() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let acme = server.acme().await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
        other.app.catch_up().await.unwrap();
        let before = bearer(&other, VERIFY, secret.reveal()).await;

        server.revoke(key.id).await;
        other.app.catch_up().await.unwrap();
        let after = bearer(&other, VERIFY, secret.reveal()).await;

        assert_eq!(before.status, 200, "{}", other.engine);
        assert_eq!(refused(&after), (401, INVALID), "{}", other.engine);
    }
}
