//! Nothing that a client could not hear counts against it: checks FX-44, FX-48, FX-54.

use chrono::TimeDelta;
use keyturn::{
    domain::{Owner, RefreshToken},
    ledger::Recording,
    store,
};

use super::{exchange, for_keys, refresh, refresh_token};
use crate::support::{Answer, Options, TestServer};

async fn given(server: &TestServer) -> String {
    let acme = server.acme().await;
    let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
    refresh_token(&exchange(server, &secret).await)
}

fn is_reuse(answer: &Answer) -> bool {
    answer.status == 400 && answer.body["error"] == "invalid_grant"
}

#[tokio::test]
async fn fx_44a_after_a_commit_that_was_answered_with_503_the_same_token_works_for_days() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let token = given(&server).await;
        // The commit took too long for an answer, and landed.
        let (now, id) = (server.app.clock.now(), token.parse::<RefreshToken>().unwrap().family);
        let mut tx = server.app.store.write().await.unwrap();
        assert!(store::refresh_families::advance(&mut tx, id, 1, now).await.unwrap());
        tx.commit(now).await.unwrap();

        server.app.clock.advance(TimeDelta::days(6));
        let first = refresh(&server, &token).await;
        server.app.clock.advance(TimeDelta::seconds(29));
        let within = refresh(&server, &token).await;
        server.app.clock.advance(TimeDelta::seconds(1));
        let after = refresh(&server, &token).await;

        assert_eq!(first.status, 200, "{}: {}", server.engine, first.text);
        assert_eq!(refresh_token(&within), refresh_token(&first), "{}", server.engine);
        assert!(is_reuse(&after), "{}: the grace counts from the first answer", server.engine);
    }
}

#[tokio::test]
async fn fx_44b_a_step_that_fails_after_the_use_counts_against_nobody() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let token = given(&server).await;

        server.app.signer.load(Vec::new());
        let failed = refresh(&server, &token).await;
        server.app.load_signing_keys().await.unwrap();
        server.app.clock.advance(TimeDelta::hours(1));
        let again = refresh(&server, &token).await;
        let next = refresh(&server, &refresh_token(&again)).await;

        assert!(failed.status.is_server_error(), "{}", failed.text);
        assert_eq!((again.status.as_u16(), next.status.as_u16()), (200, 200), "{}", server.engine);
    }
}

#[tokio::test]
async fn fx_44c_who_uses_a_successor_ends_the_grace_also_where_nobody_was_told_of_it() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let token = given(&server).await;
        let second = refresh(&server, &token).await;
        refresh(&server, &refresh_token(&second)).await;
        server.sql("update refresh_families set answered_at = null").await;

        assert!(is_reuse(&refresh(&server, &token).await), "{}", server.engine);
    }
}

#[tokio::test]
async fn fx_48a_nodes_whose_clocks_differ_give_one_successor_for_one_grace() {
    for is_late in [false, true] {
        let pairs = TestServer::pairs_on_each_engine_with(|| for_keys(true)).await;
        for (right, wrong) in pairs {
            let token = given(&right).await;
            wrong.app.clock.skew(TimeDelta::seconds(45));
            wrong.app.catch_up().await.unwrap();
            let (first, second) = if is_late { (&wrong, &right) } else { (&right, &wrong) };

            let lost = refresh(first, &token).await;
            first.app.ledger.settled().await.unwrap();
            let again = refresh(second, &token).await;
            for node in [first, second] {
                node.app.clock.advance(TimeDelta::seconds(30));
            }
            let after = refresh(second, &token).await;

            assert_eq!(again.status, 200, "{}: {}", right.engine, again.text);
            assert_eq!(refresh_token(&again), refresh_token(&lost), "{}", right.engine);
            assert!(is_reuse(&after), "{}: {}", right.engine, after.text);
        }
    }
}

#[tokio::test]
async fn fx_48b_a_clock_that_differs_from_the_databases_is_told() {
    let server = TestServer::start().await;

    let before = server.get("/readyz").await.body["clock_seconds_ahead"].clone();
    server.app.clock.skew(TimeDelta::seconds(-45));
    let after = server.get("/readyz").await.body["clock_seconds_ahead"].clone();

    assert_eq!((before, after), (0.into(), (-45).into()));
}

#[tokio::test]
async fn fx_54_what_was_refused_for_want_of_room_is_not_counted() {
    let options = || Options { recording: Recording::Soon, ..for_keys(true) };
    for server in TestServer::on_each_engine_with(options).await {
        let (full, empty) = match server.engine {
            "sqlite" => (
                "create trigger full before update on refresh_families \
                 begin select raise(abort, 'full'); end",
                "drop trigger full",
            ),
            _ => (
                "alter table refresh_families add constraint full_disk check (generation < 2)",
                "alter table refresh_families drop constraint full_disk",
            ),
        };
        let token = given(&server).await;

        server.sql(full).await;
        let refused = refresh(&server, &token).await;
        server.sql(empty).await;
        let again = refresh(&server, &token).await;

        assert_eq!(refused.error(), (503, "temporarily_unavailable"), "{}", server.engine);
        assert!(!refused.header("retry-after").is_empty(), "{}", server.engine);
        assert_eq!(again.status, 200, "{}: {}", server.engine, again.text);
        server.settle().await;
        let twice = server.count("usage where outcome = 'issued' and uses = 2").await;
        assert_eq!(twice, 1, "{}: the first exchange and one refresh", server.engine);
    }
}
