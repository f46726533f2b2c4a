//! A table that is locked for longer than a statement may wait: nothing is told as done that is not.

use axum::{
    body::Body,
    http::{Method, Request},
};
use keyturn::{domain::Owner, manage::api_keys::NewApiKey};
use serde_json::json;

use crate::{
    leaks::{REVOKE, REVOKE_FOUND},
    support::{TestServer, encoded, new_key, post},
};

/// Ends three keys in three ways while the table is locked.
async fn check(table: &'static str) {
    let mut servers = TestServer::on_each_engine().await;
    let Some(server) = servers.pop().filter(|server| server.engine == "postgres") else { return };
    let acme = Owner::Organization(server.acme().await);
    let roles = Some("owner".parse().unwrap());
    let new = NewApiKey { roles, ..new_key(acme, "owner") };
    let (_, owner) = server.make_key(new).await;
    let caller = server.manage(&owner).await;
    let (_, given_up) = server.key(acme, "given-up").await;
    let (_, found) = server.key(acme, "found").await;
    let (revoked, revoked_secret) = server.key(acme, "revoked").await;
    let report = Request::post(REVOKE_FOUND).header("content-type", "application/json");
    let report = report.body(Body::from(
        json!({ "secrets": [found.reveal()], "place": "https://paste.example/1" }).to_string(),
    ));
    let lock = server.lock_the_table(table).await;

    let form = encoded(&[("secret", given_up.reveal())]);
    let path = format!("/api/v1/api-keys/{}/revoke", revoked.id);
    let (first, second, third) = tokio::join!(
        server.send(post(REVOKE, &form)),
        server.send(report.unwrap()),
        caller.send(Method::POST, &path, &[("if-match", "*")], None),
    );
    drop(lock);

    let ended = [("given-up", given_up, first), ("found", found, second)];
    for (name, secret, answer) in ended.into_iter().chain([("revoked", revoked_secret, third)]) {
        let what = format!("{table} is locked, {name}: {} {}", answer.status, answer.text);
        let works = server.exchange(name, &secret).await.status == 200;
        assert_eq!(works, answer.status == 503, "{what}");
        assert!(answer.status == 503 || answer.status.is_success(), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ending_that_a_lock_prevents_is_never_told_as_done() {
    tokio::join!(
        check("organizations"),
        check("roles"),
        check("refresh_families"),
        check("webhooks"),
        check("outbox"),
    );
}
