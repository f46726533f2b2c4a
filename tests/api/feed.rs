//! No node goes by what it remembers when the change feed has moved without it: checks FX-11, FX-42,
//! FX-43.

use std::{future::poll_fn, pin::pin, task::Poll};

use chrono::TimeDelta;
use keyturn::{
    domain::{Algorithm, Owner, Secret},
    manage::{Asker, signing_keys},
};

use crate::support::{Answer, TestServer};

const JWKS: &str = "/.well-known/jwks.json";

async fn secret(server: &TestServer) -> Secret {
    let acme = server.acme().await;
    server.key(Owner::Organization(acme), "ci").await.1
}

/// Which signing key signed the token.
fn kid(answer: &Answer) -> String {
    let token = answer.body["access_token"].as_str().unwrap();
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

async fn revoke_signing_key(server: &TestServer, kid: &str) {
    signing_keys::revoke(&server.app, &Asker::keyturn(), kid).await.unwrap();
}

/// Of the next ES256 key. Whichever signs is revoked.
async fn replace_signing_key(server: &TestServer) {
    let keys = signing_keys::list(&server.app, &Asker::keyturn()).await.unwrap();
    let is_good = |key: &&keyturn::domain::SigningKey| {
        key.algorithm == Algorithm::Es256 && key.revoked_at.is_none()
    };
    let last = keys.iter().rfind(is_good).unwrap();
    revoke_signing_key(server, &last.signing_key_id).await;
}

#[tokio::test]
async fn fx_42_nodes_go_by_a_copy_that_was_restored_under_them() {
    // Fewer changes than were lost, as many, and more: numbers are given out again.
    for changes_after in [0, 1, 3, 8] {
        for (server, other) in TestServer::pairs_on_each_engine().await {
            let acme = server.acme().await;
            let owner = Owner::Organization(acme);
            let (kept, secret) = server.key(owner, "kept").await;
            let jwks = server.get(JWKS).await.text;
            let copy = server.copy().await;
            let (_, lost) = server.key(owner, "lost").await;
            signing_keys::rotate(&server.app, &Asker::keyturn(), Algorithm::Es256).await.unwrap();
            for node in [&server, &other] {
                node.app.catch_up().await.unwrap();
                assert_eq!(node.exchange("lost", &lost).await.status, 200, "{}", server.engine);
                assert_eq!(node.exchange("kept", &secret).await.status, 200, "{}", server.engine);
            }

            server.restore(copy).await;
            server.revoke(kept.id).await;
            for number in 0..changes_after {
                server.key(owner, &format!("new-{number}")).await;
            }

            for node in [&server, &other] {
                let told = format!("{}, {changes_after} changes later", server.engine);
                node.app.catch_up().await.unwrap();
                assert_eq!(node.exchange("kept", &secret).await.status, 401, "{told}");
                assert_eq!(node.exchange("lost", &lost).await.status, 401, "{told}");
                assert_eq!(node.get(JWKS).await.text, jwks, "{told}");
            }
        }
    }
}

#[tokio::test]
async fn fx_11_a_node_that_read_further_than_the_database_goes_follows_it_again() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let acme = server.acme().await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
        other.app.catch_up().await.unwrap();
        assert_eq!(other.exchange("ci", &secret).await.status, 200, "{}", server.engine);

        // A standby lacked the last rows.
        let lost = "delete from changes where number > 2; \
                    update counters set value = 2 where name = 'changes'";
        server.sql(lost).await;
        server.revoke(key.id).await;
        other.app.catch_up().await.unwrap();

        assert_eq!(other.exchange("ci", &secret).await.status, 401, "{}", server.engine);
    }
}

#[tokio::test]
async fn fx_43a_signing_keys_that_could_not_be_loaded_are_loaded_the_next_time() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let secret = secret(&server).await;
        other.app.catch_up().await.unwrap();
        let revoked = kid(&other.exchange("ci", &secret).await);

        revoke_signing_key(&server, &revoked).await;
        server.sql("alter table signing_keys rename to lost").await;
        let failed = other.app.catch_up().await;
        server.sql("alter table lost rename to signing_keys").await;
        other.app.catch_up().await.unwrap();

        assert!(failed.is_err(), "{}", server.engine);
        assert_ne!(kid(&other.exchange("ci", &secret).await), revoked, "{}", server.engine);
        assert!(!other.get(JWKS).await.text.contains(&revoked), "{}", server.engine);
    }
}

#[tokio::test]
async fn fx_43b_a_node_that_cannot_do_what_a_change_asks_for_is_stale_and_signs_nothing() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let secret = secret(&server).await;
        other.app.catch_up().await.unwrap();
        let revoked = kid(&other.exchange("ci", &secret).await);

        revoke_signing_key(&server, &revoked).await;
        server.sql("alter table signing_keys rename to lost").await;
        other.app.clock.advance(TimeDelta::seconds(11));
        let failed = other.app.catch_up().await;
        let ready = other.get("/readyz").await;
        let answer = other.exchange("ci", &secret).await;

        assert!(failed.is_err(), "{}", server.engine);
        assert_eq!((ready.status.as_u16(), &ready.body["follows_changes"]), (503, &false.into()));
        assert!(answer.status.is_server_error(), "{}: {}", server.engine, answer.text);
    }
}

/// Polls a future so many times, then drops it; `None` if it was not done by then.
async fn cancelled<T>(after: u32, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut polls) = (pin!(future), 0);
    poll_fn(|context| {
        polls += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls > after => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn fx_43c_wherever_reading_on_is_cancelled_no_change_is_lost() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        for polls in 0..16 {
            replace_signing_key(&server).await;
            let _ = cancelled(polls, other.app.catch_up()).await;

            other.app.catch_up().await.unwrap();
            let (here, there) = (server.get(JWKS).await.text, other.get(JWKS).await.text);
            assert_eq!(here, there, "{}: cancelled after {polls} polls", server.engine);
        }
    }
}

#[tokio::test]
async fn fx_43d_a_change_that_could_not_be_carried_out_ends_trust_until_the_feed_was_read_anew() {
    for server in TestServer::on_each_engine().await {
        let app = &server.app;
        let begun = app.directory.read_on().await.unwrap().unwrap();

        app.directory.distrust();
        begun.complete();
        let before = server.get("/readyz").await;
        app.catch_up().await.unwrap();
        let after = server.get("/readyz").await;

        assert_eq!(
            (before.status.as_u16(), after.status.as_u16()),
            (503, 200),
            "{}",
            server.engine
        );
    }
}
