//! Nothing that grows by itself grows for ever, and what goes is the oldest.

use std::collections::HashSet;

use chrono::TimeDelta;
use keyturn::{
    clock::Timestamp,
    domain::{
        Algorithm, ApiKeyId, Circumstances, Kept, Owner, RefusalRecord, Retention, SecretId,
        UserAgent,
    },
    manage::{Asker, signing_keys, upkeep::Upkeep},
    random::Random,
    store::{self, audit_chain, audit_chain::Chain},
};
use uuid::Uuid;

use crate::support::TestServer;

const FOR_EVER: Kept = Kept { age: None, rows: None };

fn days(days: i64) -> Kept {
    Kept { age: Some(TimeDelta::days(days)), rows: None }
}

fn rows(rows: u32) -> Kept {
    Kept { age: None, rows: Some(rows) }
}

fn upkeep(usage: Kept, refusals: Kept, audit: Kept) -> Upkeep {
    Upkeep::new(Retention { usage, refusals, audit })
}

async fn refuse(server: &TestServer, at: Timestamp) -> Uuid {
    let record = RefusalRecord {
        request_id: Random::System.id(at),
        at: at.timestamp(),
        reason: "key_expired".to_owned(),
        detail: "".into(),
        api_key_id: None,
        organization_id: None,
        source: "192.0.2.1".parse().unwrap(),
        user_agent: UserAgent::new("curl/8"),
        door: "/auth/v1/api-key/token".to_owned(),
    };
    let mut tx = server.app.store.write().await.unwrap();
    store::refusals::insert(&mut tx, &record).await.unwrap();
    server.app.commit(tx).await.unwrap();
    record.request_id
}

async fn found(server: &TestServer, ids: &[Uuid]) -> Vec<Uuid> {
    let mut tx = server.app.store.read().await.unwrap();
    let mut found = Vec::new();
    for id in ids {
        found.extend(store::refusals::find(&mut tx, *id).await.unwrap().map(|it| it.request_id));
    }
    found
}

/// So many secrets, each used once in this minute.
async fn use_secrets(server: &TestServer, at: Timestamp, count: usize) {
    let circumstances = Circumstances {
        minute: at.timestamp() / 60,
        source: "192.0.2.1".parse().unwrap(),
        user_agent: UserAgent::new("curl/8"),
        outcome: "issued".into(),
    };
    let uses: Vec<_> = (0..count).map(|_| (SecretId(Random::System.id(at)), 1)).collect();
    let mut tx = server.app.store.write().await.unwrap();
    store::usage::add(&mut tx, &circumstances, &uses).await.unwrap();
    server.app.commit(tx).await.unwrap();
}

/// How many rows of usage are from so many hours ago, and from the hour after.
async fn used(server: &TestServer, hours_ago: i64) -> i64 {
    let from = server.app.clock.now() - TimeDelta::hours(hours_ago);
    let mut tx = server.app.store.read().await.unwrap();
    store::usage::count(&mut tx, &(from..from + TimeDelta::hours(1))).await.unwrap()
}

#[tokio::test]
async fn what_is_too_old_goes_and_the_rest_stays() {
    for server in TestServer::on_each_engine().await {
        let now = server.app.clock.now();
        let old = refuse(&server, now - TimeDelta::days(31)).await;
        let young = refuse(&server, now - TimeDelta::days(30)).await;
        use_secrets(&server, now - TimeDelta::days(91), 2500).await;
        use_secrets(&server, now - TimeDelta::days(89), 3).await;

        upkeep(days(90), days(30), FOR_EVER).run(&server.app).await.unwrap();

        assert_eq!(found(&server, &[old, young]).await, [young], "{}", server.engine);
        let left = [used(&server, 91 * 24).await, used(&server, 89 * 24).await];
        assert_eq!(left, [0, 3], "{}", server.engine);
    }
}

#[tokio::test]
async fn beyond_their_number_the_oldest_go_first() {
    for server in TestServer::on_each_engine().await {
        let now = server.app.clock.now();
        let mut refused = Vec::new();
        // Hours apart, minutes apart, and within one second.
        for age in [4000, 3000, 400, 300, 200, 5, 4, 3, 0, 0] {
            refused.push(refuse(&server, now - TimeDelta::minutes(age)).await);
        }
        let mut upkeep = upkeep(FOR_EVER, rows(6), FOR_EVER);

        upkeep.run(&server.app).await.unwrap();
        let left = found(&server, &refused).await;
        // The second time, what was counted before is not counted again.
        for age in [2, 1] {
            refused.push(refuse(&server, now - TimeDelta::minutes(age)).await);
        }
        upkeep.run(&server.app).await.unwrap();
        upkeep.run(&server.app).await.unwrap();

        assert_eq!(left, refused[4..10], "{}", server.engine);
        assert_eq!(found(&server, &refused).await, refused[6..], "{}", server.engine);
    }
}

#[tokio::test]
async fn a_number_of_rows_holds_exactly_however_many_are_too_many() {
    for server in TestServer::on_each_engine().await {
        let now = server.app.clock.now();
        for (hours_ago, count) in [(30, 1200), (20, 1500), (10, 700), (0, 40)] {
            use_secrets(&server, now - TimeDelta::hours(hours_ago), count).await;
        }
        let mut upkeep = upkeep(rows(1000), FOR_EVER, FOR_EVER);

        upkeep.run(&server.app).await.unwrap();

        let mut left = Vec::new();
        for hours_ago in [30, 20, 10, 0] {
            left.push(used(&server, hours_ago).await);
        }
        assert_eq!(left, [0, 260, 700, 40], "{}", server.engine);
    }
}

#[tokio::test]
async fn rows_from_the_future_are_the_newest_and_go_last() {
    for server in TestServer::on_each_engine().await {
        let now = server.app.clock.now();
        let past = refuse(&server, now - TimeDelta::days(1)).await;
        let future = refuse(&server, now + TimeDelta::days(400)).await;

        upkeep(FOR_EVER, rows(1), FOR_EVER).run(&server.app).await.unwrap();

        assert_eq!(found(&server, &[past, future]).await, [future], "{}", server.engine);
    }
}

#[tokio::test]
async fn a_shortened_audit_trail_is_still_whole() {
    for server in TestServer::on_each_engine().await {
        for number in 0..12 {
            server.root(&format!("organization-{number}")).await;
        }
        let mut upkeep = upkeep(FOR_EVER, FOR_EVER, rows(5));

        upkeep.run(&server.app).await.unwrap();

        let mut tx = server.app.store.read().await.unwrap();
        let whole = audit_chain::verify(&mut tx).await.unwrap();
        assert!(matches!(whole, Chain::Whole { events: 5, .. }), "{}: {whole:?}", server.engine);
        drop(tx);
        server.root("another").await;
        upkeep.run(&server.app).await.unwrap();
        let mut tx = server.app.store.read().await.unwrap();
        let whole = audit_chain::verify(&mut tx).await.unwrap();
        let newest = audit_chain::verify_newest(&mut tx, 2).await.unwrap();
        assert!(matches!(whole, Chain::Whole { events: 5, .. }), "{}: {whole:?}", server.engine);
        assert!(matches!(newest, Chain::Whole { events: 2, .. }), "{}: {newest:?}", server.engine);
    }
}

#[tokio::test]
async fn fx_10_what_waits_in_the_journal_is_never_deleted_uncounted() {
    for server in TestServer::on_each_engine().await {
        let id = Random::System.id(server.app.clock.now() - TimeDelta::days(400));
        store::usage_journal::append(&server.app.store, id, "{}").await.unwrap();

        upkeep(days(90), rows(1), rows(1)).run(&server.app).await.unwrap();

        assert_eq!(server.count("usage_journal").await, 1, "{}", server.engine);
    }
}

async fn secrets(server: &TestServer, id: ApiKeyId) -> Vec<(i64, bool)> {
    let mut tx = server.app.store.read().await.unwrap();
    let secrets = store::api_key_secrets::of_key(&mut tx, id).await.unwrap();
    secrets.iter().map(|secret| (secret.status_index, secret.dies_at.is_some())).collect()
}

#[tokio::test]
async fn a_replaced_secret_goes_with_its_usage_and_the_newest_of_a_key_never() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, _) = server.key(acme, "ci").await;
        let (revoked, _) = server.key(acme, "old").await;
        server.rotate(key.id, TimeDelta::zero()).await;
        server.rotate(revoked.id, TimeDelta::zero()).await;
        server.revoke(revoked.id).await;
        let mut upkeep = upkeep(days(90), FOR_EVER, FOR_EVER);

        server.app.clock.advance(TimeDelta::days(90));
        upkeep.run(&server.app).await.unwrap();
        let young =
            [secrets(&server, key.id).await.len(), secrets(&server, revoked.id).await.len()];
        server.app.clock.advance(TimeDelta::minutes(1));
        upkeep.run(&server.app).await.unwrap();

        assert_eq!(young, [2, 2], "{}", server.engine);
        assert_eq!(secrets(&server, key.id).await, [(3, false)], "{}", server.engine);
        assert_eq!(secrets(&server, revoked.id).await.len(), 1, "{}", server.engine);
        let (next, _) = server.key(acme, "next").await;
        assert_eq!(secrets(&server, next.id).await, [(5, false)], "no place is given again");
    }
}

#[tokio::test]
async fn a_signing_key_goes_a_year_after_its_end_and_the_newest_never() {
    for server in TestServer::on_each_engine().await {
        let kept = async || {
            let keys = signing_keys::list(&server.app, &Asker::keyturn()).await.unwrap();
            let of_es256 = keys.into_iter().filter(|key| key.algorithm == Algorithm::Es256);
            of_es256.map(|key| key.generation).collect::<Vec<_>>()
        };
        let mut upkeep = upkeep(FOR_EVER, FOR_EVER, FOR_EVER);
        signing_keys::rotate(&server.app, &Asker::keyturn(), Algorithm::Es256).await.unwrap();
        server.app.clock.advance(TimeDelta::days(1));
        let all = signing_keys::list(&server.app, &Asker::keyturn()).await.unwrap();
        for key in all.iter().filter(|key| key.generation == 2) {
            signing_keys::revoke(&server.app, &Asker::keyturn(), &key.signing_key_id)
                .await
                .unwrap();
        }
        let before = kept().await;

        server.app.clock.advance(TimeDelta::days(366));
        upkeep.run(&server.app).await.unwrap();

        let after = kept().await;
        let gone: HashSet<_> = before.iter().filter(|it| !after.contains(it)).collect();
        assert_eq!(gone, HashSet::from([&1, &2]), "{}: {before:?} {after:?}", server.engine);
        assert!(after.contains(before.last().unwrap()), "{}: {after:?}", server.engine);
    }
}
