//! The change feed: numbered in the order of the commits, whoever commits.

use chrono::TimeDelta;
use keyturn::{
    domain::{Change, UserId},
    store::{Store, changes},
};
use tokio::task::JoinSet;

use crate::{engines, id, now};

async fn commit(store: &Store, changed: &[Change]) {
    let mut tx = store.write().await.unwrap();
    for change in changed {
        tx.changes(change.clone());
    }
    assert_eq!(tx.commit(now()).await.unwrap(), changed);
}

async fn numbers(store: &Store, after: i64) -> Vec<i64> {
    let rows = changes::after(store, after).await.unwrap();
    rows.into_iter().map(|(number, _)| number).collect()
}

#[tokio::test]
async fn what_changed_comes_back_in_order() {
    for engine in engines().await {
        let user = Change::User { id: UserId(id()) };
        let secret = Change::Secret { hash: id() };
        let all = [user, secret, Change::Organizations, Change::Resources, Change::SigningKeys];

        for change in &all {
            commit(&engine.store, std::slice::from_ref(change)).await;
        }
        let rows = changes::after(&engine.store, 2).await.unwrap();

        let expected = (3..).zip(all[2..].iter().cloned().map(Some)).collect::<Vec<_>>();
        assert_eq!(rows, expected, "{}", engine.name);
        assert_eq!(changes::last(&engine.store).await.unwrap(), 5);
        assert_eq!(changes::after(&engine.store, 5).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_transaction_tells_each_change_once_and_only_if_it_commits() {
    for engine in engines().await {
        let mut tx = engine.store.write().await.unwrap();
        tx.changes(Change::Resources);
        tx.changes(Change::Resources);
        drop(tx);
        let after_rollback = numbers(&engine.store, 0).await;

        let mut tx = engine.store.write().await.unwrap();
        tx.changes(Change::Resources);
        tx.changes(Change::Organizations);
        tx.changes(Change::Resources);
        tx.commit(now()).await.unwrap();

        assert_eq!(after_rollback, [] as [i64; 0], "{}", engine.name);
        assert_eq!(numbers(&engine.store, 0).await, [1, 2], "no number is lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_never_sees_a_number_before_the_one_below_it() {
    const WRITERS: i64 = 8;
    const COMMITS: i64 = 12;
    const TOTAL: i64 = WRITERS * COMMITS * 2;
    for engine in engines().await {
        let other = engine.other_store().await;
        let mut writers = JoinSet::new();
        for number in 0..WRITERS {
            let store = if number % 2 == 0 { engine.store.clone() } else { other.clone() };
            writers.spawn(async move {
                for _ in 0..COMMITS {
                    commit(&store, &[Change::User { id: UserId(id()) }, Change::Resources]).await;
                }
            });
        }

        let mut last = 0;
        while last < TOTAL {
            if writers.is_empty() {
                assert_eq!(changes::last(&engine.store).await.unwrap(), TOTAL);
            }
            for number in numbers(&engine.store, last).await {
                assert_eq!(number, last + 1, "{}: one was skipped", engine.name);
                last = number;
            }
            while let Some(done) = writers.try_join_next() {
                done.unwrap();
            }
        }

        assert_eq!(last, TOTAL, "{}", engine.name);
    }
}

#[tokio::test]
async fn pruning_keeps_the_last_change_whatever_its_age() {
    for engine in engines().await {
        for _ in 0..3 {
            commit(&engine.store, &[Change::Resources]).await;
        }

        let mut tx = engine.store.write().await.unwrap();
        let young = changes::prune(&mut tx, now(), 1000).await.unwrap();
        let old = changes::prune(&mut tx, now() + TimeDelta::days(1), 1000).await.unwrap();
        tx.commit(now()).await.unwrap();

        assert_eq!((young, old), (0, 2), "{}", engine.name);
        assert_eq!(numbers(&engine.store, 0).await, [3]);
        commit(&engine.store, &[Change::Resources]).await;
        assert_eq!(numbers(&engine.store, 3).await, [4], "numbers go on");
    }
}

#[tokio::test]
async fn a_change_from_a_newer_version_is_noticed_and_not_understood() {
    for engine in engines().await {
        commit(&engine.store, &[Change::Resources]).await;
        engine.sql("update changes set change = '{\"changed\":\"moon\"}'").await;

        let rows = changes::after(&engine.store, 0).await.unwrap();

        assert_eq!(rows, [(1, None)], "{}", engine.name);
    }
}
