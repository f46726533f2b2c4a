//! What is not there, and how it is said.

use axum::http::Method;

use super::{KEYS, NOBODY, ORGANIZATIONS, USERS, acme};
use crate::support::{TestServer, problem};

#[tokio::test]
async fn a_path_that_is_none_is_a_problem_below_api() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let paths = [
        "/api/v1".to_owned(),
        "/api/v1/".to_owned(),
        "/api/v2/organizations".to_owned(),
        format!("{ORGANIZATIONS}/"),
        format!("{ORGANIZATIONS}/{NOBODY}/keys"),
        format!("{ORGANIZATIONS}/acme"),
        format!("{ORGANIZATIONS}/%00"),
        format!("{ORGANIZATIONS}/%FF"),
        format!("{USERS}/{NOBODY}x"),
        format!("{KEYS}/..%2f..%2fusers"),
        format!("{ORGANIZATIONS}/{NOBODY}/members/ann"),
        format!("{ORGANIZATIONS}/{NOBODY}/roles/a%00b"),
        format!("{ORGANIZATIONS}/{NOBODY}/roles/Viewer"),
    ];

    for path in paths {
        let answer = caller.get(&path).await;

        assert_eq!(problem(&answer), (404, "not-found"), "{path}");
        assert_eq!(answer.detail(), "there is no such path", "{path}");
    }
}

#[tokio::test]
async fn a_method_that_is_none_names_those_that_are() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let cases = [
        (Method::PUT, ORGANIZATIONS.to_owned(), ["GET", "POST"].as_slice()),
        (Method::DELETE, USERS.to_owned(), &["GET", "POST"]),
        (Method::DELETE, format!("{USERS}/{NOBODY}"), &["GET", "PATCH"]),
        (Method::POST, format!("{KEYS}/{NOBODY}"), &["GET", "PATCH", "DELETE"]),
        (Method::GET, format!("{KEYS}/{NOBODY}/revoke"), &["POST"]),
        (Method::PATCH, format!("{ORGANIZATIONS}/{NOBODY}/roles/x"), &["GET", "PUT", "DELETE"]),
        (Method::TRACE, KEYS.to_owned(), &["GET", "POST"]),
    ];

    for (method, path, allowed) in cases {
        let answer = caller.send(method.clone(), &path, &[], None).await;

        assert_eq!(problem(&answer), (405, "method-not-allowed"), "{method} {path}");
        let named: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
        for method in allowed {
            assert!(named.contains(method), "{path}: {named:?} lacks {method}");
        }
    }
}

#[tokio::test]
async fn without_its_database_the_server_asks_to_come_again() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        server.lose_the_database().await;

        let answer = caller.get(ORGANIZATIONS).await;

        assert_eq!(problem(&answer), (503, "unavailable"), "{}", server.engine);
        assert_eq!(answer.header("retry-after"), "1");
    }
}
