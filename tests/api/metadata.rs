//! What is said about the server: checks MD-01 to MD-08, but MD-04, which `advertised` holds.

use axum::{body::Body, http::Request};

use crate::support::{ISSUER, TestServer};

const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";
const JWKS: &str = "/.well-known/jwks.json";

#[tokio::test]
async fn md_01_md_03_the_issuer_is_where_the_metadata_was_found() {
    let (server, _) = TestServer::with_key().await;

    for path in [OPENID, OAUTH] {
        let answer = server.get(path).await;

        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.body["issuer"], ISSUER);
        for (name, value) in answer.body.as_object().unwrap() {
            assert!(!value.is_null(), "{name}: no value, so no member");
            // None, and required to be said (RFC 8414, section 2).
            let is_empty = value.as_array().is_some_and(Vec::is_empty);
            assert_eq!(is_empty, name == "response_types_supported", "{name}");
        }
    }
}

#[tokio::test]
async fn md_02_an_issuer_with_a_path_is_found_wherever_clients_look() {
    let server = TestServer::tenant().await;
    let places = [
        "/tenant/one/.well-known/openid-configuration",
        "/.well-known/openid-configuration/tenant/one",
        "/.well-known/oauth-authorization-server/tenant/one",
        "/tenant/one/.well-known/oauth-authorization-server",
    ];

    for place in places {
        let answer = server.get(place).await;

        assert_eq!(answer.status, 200, "{place}");
        assert_eq!(answer.body["issuer"], format!("{ISSUER}/tenant/one"), "{place}");
    }
    for elsewhere in [OPENID, OAUTH, "/.well-known/openid-configuration/tenant"] {
        assert_eq!(server.get(elsewhere).await.status, 404, "{elsewhere}");
    }
}

#[tokio::test]
async fn fx_40_an_issuer_with_a_path_answers_below_it_whether_it_is_ready() {
    let server = TestServer::tenant().await;

    for probe in ["/readyz", "/healthz", "/tenant/one/readyz", "/tenant/one/healthz"] {
        assert_eq!(server.get(probe).await.status, 200, "{probe}");
    }
    assert_eq!(server.get("/tenant/one/metrics").await.status, 404);
}

#[tokio::test]
async fn md_02_the_doors_of_an_issuer_with_a_path_are_below_it() {
    let server = TestServer::tenant().await;
    let acme = keyturn::domain::Owner::Organization(server.acme().await);
    let (_, secret) = server.key(acme, "ci").await;
    let form = [("name", "ci"), ("secret", secret.reveal())];

    let below = server.post("/tenant/one/auth/v1/api-key/token", &form).await;
    let beside = server.post("/auth/v1/api-key/token", &form).await;
    let get = server.get("/tenant/one/auth/v1/api-key/token").await;
    let jwks = server.get("/tenant/one/.well-known/jwks.json").await;

    assert_eq!(below.status, 200, "{}", below.text);
    assert_eq!((beside.status.as_u16(), get.status.as_u16()), (404, 405));
    let token = below.body["access_token"].as_str().unwrap();
    let claims = crate::support::verified(token, &jwks.text).unwrap();
    assert_eq!(claims["iss"], format!("{ISSUER}/tenant/one"));
}

#[tokio::test]
async fn md_05_md_06_each_document_has_what_its_specification_requires() {
    let (server, _) = TestServer::with_key().await;

    let oauth = server.get(OAUTH).await.body;
    let openid = server.get(OPENID).await.body;

    for document in [&oauth, &openid] {
        for name in [
            "issuer",
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "response_types_supported",
            "grant_types_supported",
        ] {
            assert!(!document[name].is_null(), "{name}");
        }
        let methods = document["token_endpoint_auth_methods_supported"].as_array().unwrap();
        let known = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
        assert_eq!(methods, &known);
        let algorithms = &document["token_endpoint_auth_signing_alg_values_supported"];
        assert!(algorithms.as_array().unwrap().iter().any(|it| it == "ES256"), "{algorithms}");
        assert!(!algorithms.to_string().contains("none"), "{algorithms}");
        assert!(!algorithms.to_string().contains("HS"), "{algorithms}");
        let scopes = document["scopes_supported"].as_array().unwrap();
        assert!(scopes.iter().any(|scope| scope == "read"), "{scopes:?}");
        assert!(scopes.is_sorted_by_key(|scope| scope.as_str()), "{scopes:?}");
    }
    let algorithms = openid["id_token_signing_alg_values_supported"].as_array().unwrap();
    assert!(algorithms.iter().any(|algorithm| algorithm == "RS256"));
    assert_eq!(openid["subject_types_supported"], serde_json::json!(["public"]));
}

#[tokio::test]
async fn md_07_fx_35_anybody_may_read_and_keep_it_for_a_while() {
    let (server, _) = TestServer::with_key().await;

    for path in [OPENID, OAUTH, JWKS] {
        let first = server.get(path).await;
        let etag = first.header("etag").to_owned();
        let again = |tags: String| {
            let request = Request::get(path).header("if-none-match", tags);
            server.send(request.body(Body::empty()).unwrap())
        };
        let known = again(etag.clone()).await;
        let weak = again(format!("\"other\", W/{etag}")).await;
        let compressed = again(format!("{}-gzip\"", etag.trim_end_matches('"'))).await;
        let unknown = again("\"other\"".to_owned()).await;

        assert_eq!(first.header("cache-control"), "public, max-age=900", "{path}");
        assert_eq!(first.header("pragma"), "", "{path}");
        assert!(etag.starts_with('"') && etag.ends_with('"'), "{path}: {etag}");
        for answer in [&known, &weak, &compressed] {
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""), "{path}");
            assert_eq!(answer.header("etag"), etag, "{path}");
            assert_eq!(answer.header("cache-control"), "public, max-age=900", "{path}");
        }
        assert_eq!((unknown.status.as_u16(), unknown.text), (200, first.text), "{path}");
    }
}

#[tokio::test]
async fn md_07_fx_39f_pages_of_any_origin_may_read_it() {
    let (plain, tenant) = (TestServer::start().await, TestServer::tenant().await);
    let inserted = [OPENID, OAUTH].map(|document| format!("{document}/tenant/one"));
    let below = [OPENID, OAUTH, JWKS].map(|document| format!("/tenant/one{document}"));
    let cases = [OPENID, OAUTH, JWKS].map(|path| (&plain, path.to_owned()));
    let of_tenant = inserted.into_iter().chain(below).map(|path| (&tenant, path));

    for (server, path) in cases.into_iter().chain(of_tenant) {
        let request = Request::get(&path).header("origin", "https://app.example");
        let read = server.send(request.body(Body::empty()).unwrap()).await;
        let request = Request::options(&path)
            .header("origin", "https://app.example")
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "mcp-protocol-version");
        let asked = server.send(request.body(Body::empty()).unwrap()).await;

        assert_eq!(read.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(asked.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(asked.header("access-control-allow-methods"), "GET", "{path}");
        assert_eq!(asked.header("access-control-allow-headers"), "*", "{path}");
        assert!(read.header("access-control-expose-headers").contains("x-request-id"), "{path}");
    }
}

#[tokio::test]
async fn md_08_what_a_caller_claims_to_have_called_changes_nothing() {
    let (server, _) = TestServer::with_key().await;

    for path in [OPENID, OAUTH, JWKS] {
        let honest = server.get(path).await;
        let spoofed = Request::get(path)
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "http")
            .header("x-forwarded-prefix", "/evil")
            .header("forwarded", "host=evil.example;proto=http");
        let spoofed = server.send(spoofed.body(Body::empty()).unwrap()).await;
        let absolute = Request::get(format!("http://evil.example{path}"));
        let absolute = server.send(absolute.body(Body::empty()).unwrap()).await;

        assert_eq!(spoofed.text, honest.text, "{path}");
        assert_eq!(absolute.text, honest.text, "{path}");
        assert_eq!(spoofed.header("etag"), honest.header("etag"), "{path}");
    }
}

#[tokio::test]
async fn jw_09_metadata_is_served_without_the_database() {
    for server in TestServer::on_each_engine().await {
        server.lose_the_database().await;

        for path in [OPENID, OAUTH] {
            let answer = server.get(path).await;

            assert_eq!(answer.status, 200, "{} {path}", server.engine);
            assert_eq!(answer.body["issuer"], ISSUER);
            // FX-50: what is not known is not said.
            assert!(answer.body["scopes_supported"].is_null(), "{}", answer.text);
        }
    }
}
