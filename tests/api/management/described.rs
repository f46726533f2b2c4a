//! The description of the API: for programs, and for people.

use std::collections::BTreeSet;

use axum::http::{Method, Request};
use serde_json::Value;

use crate::support::{ISSUER, TestServer};

/// Every operation, with its method and path.
fn operations(api: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = api["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap();
            methods.iter().map(|(method, it)| (method.as_str(), path.as_str(), it))
        })
        .collect()
}

/// Whatever a `$ref` names.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|it| references(it, found));
        }
        Value::Array(items) => items.iter().for_each(|it| references(it, found)),
        _ => (),
    }
}

#[tokio::test]
async fn the_description_is_public_and_kept_by_its_tag() {
    let server = TestServer::start().await;

    let answer = server.get("/api/openapi.json").await;
    let known = Request::get("/api/openapi.json").header("if-none-match", answer.header("etag"));
    let again = server.send(known.body(axum::body::Body::empty()).unwrap()).await;

    assert_eq!((answer.status, again.status), (200.try_into().unwrap(), 304.try_into().unwrap()));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=900");
    assert_eq!(answer.body["openapi"], "3.1.0");
    assert_eq!(answer.body["servers"][0]["url"], ISSUER);
    assert!(again.text.is_empty());
}

#[tokio::test]
async fn every_operation_is_described_whole() {
    let server = TestServer::start().await;

    let api = server.get("/api/openapi.json").await.body;

    let tags: BTreeSet<_> = api["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .map(Value::to_string)
        .collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&api) {
        let place = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].to_string()), "{place}: its id is taken");
        assert!(tags.contains(&operation["tags"][0].to_string()), "{place}: no such tag");
        assert!(operation["summary"].as_str().is_some_and(|it| it.len() < 90), "{place}: summary");
        let scope = operation["security"][0]["token"][0].as_str().unwrap_or_default();
        assert!(scope.contains(':') || path == "/api/v1/whoami", "{place}: no scope");
        for status in ["4XX", "5XX"] {
            assert!(operation["responses"][status].is_object(), "{place}: no {status}");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let named = format!("{place}: {}", parameter["name"]);
            let in_path = path.contains(&format!("{{{}}}", parameter["name"].as_str().unwrap()));
            assert_eq!(parameter["in"] == "path", in_path, "{named}");
            assert!(parameter["schema"].is_object(), "{named}");
        }
    }
    let mut found = BTreeSet::new();
    references(&api, &mut found);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(api.pointer(pointer).is_some(), "nothing is called {reference}");
    }
}

#[tokio::test]
async fn every_operation_asks_for_a_token_first() {
    let server = TestServer::start().await;
    let api = server.get("/api/openapi.json").await.body;

    for (method, path, _) in operations(&api) {
        let method: Method = method.to_uppercase().parse().unwrap();
        let path = path.replace(['{', '}'], "");
        let request = Request::builder().method(&method).uri(&path);
        let answer = server.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text);
        assert!(answer.header("www-authenticate").starts_with("Bearer "), "{method} {path}");
    }
}

#[tokio::test]
async fn the_page_for_people_is_swagger_ui_and_asks_no_other_server() {
    let server = TestServer::start().await;

    let page = server.get("/api/docs").await;

    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                  connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";
    let headers = [
        ("content-security-policy", policy),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000"),
    ];
    for (name, value) in headers {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert!(page.header("permissions-policy").contains("camera=()"));
    for banned in ["<style", " style=", "javascript:", "onclick", "://"] {
        assert!(!page.text.contains(banned), "{banned}");
    }
    let files = [
        ("docs/swagger-ui.css", "text/css"),
        ("docs/swagger-ui-bundle.js", "text/javascript"),
        ("docs/start.js", "text/javascript"),
    ];
    for (name, kind) in files {
        assert!(page.text.contains(&format!("\"{name}\"")), "{name}");
        // What is compressed is no text.
        let head = Request::head(format!("/api/{name}")).body(axum::body::Body::empty());
        let file = server.send(head.unwrap()).await;
        assert_eq!(file.status, 200, "{name}");
        assert!(file.header("content-type").starts_with(kind), "{name}");
        assert!(!file.header("etag").is_empty(), "{name}");
    }
    let start = server.get("/api/docs/start.js").await.text;
    assert!(start.contains("url: \"openapi.json\""), "{start}");
}
