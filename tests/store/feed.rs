//! The change feed: numbered in the order of the commits, whoever commits.

use chrono::TimeDelta;
use keyturn::{
    domain::{Change, UserId},
    store::{
        Store,
        change_feed::{self, Broken, Mark, Onwards},
        changes,
    },
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

async fn end(store: &Store) -> Mark {
    change_feed::end(store).await.unwrap().0
}

async fn onwards(store: &Store, from: &Mark) -> Onwards {
    change_feed::onwards(store, from).await.unwrap().0
}

/// What comes after the mark, and the mark behind it.
async fn read(store: &Store, from: &Mark) -> (Vec<Option<Change>>, Mark) {
    match onwards(store, from).await {
        Onwards::Continues { changes, mark } => (changes, mark),
        Onwards::Broken(why) => panic!("the feed does not continue: {why}"),
    }
}

#[tokio::test]
async fn what_changed_comes_back_in_order() {
    for engine in engines().await {
        let user = Change::User { id: UserId(id()) };
        let secret = Change::Secret { hash: id() };
        let all = [user, secret, Change::Organizations, Change::Resources, Change::SigningKeys];
        let beginning = end(&engine.store).await;

        for change in &all {
            commit(&engine.store, std::slice::from_ref(change)).await;
        }
        let (changes, mark) = read(&engine.store, &beginning).await;

        assert_eq!(changes, all.map(Some), "{}", engine.name);
        assert_eq!((mark.number(), &mark), (5, &end(&engine.store).await));
        assert_eq!(read(&engine.store, &mark).await, (Vec::new(), mark));
    }
}

#[tokio::test]
async fn a_transaction_tells_each_change_once_and_only_if_it_commits() {
    for engine in engines().await {
        let beginning = end(&engine.store).await;
        let mut tx = engine.store.write().await.unwrap();
        tx.changes(Change::Resources);
        tx.changes(Change::Resources);
        drop(tx);
        let after_rollback = read(&engine.store, &beginning).await;

        let mut tx = engine.store.write().await.unwrap();
        tx.changes(Change::Resources);
        tx.changes(Change::Organizations);
        tx.changes(Change::Resources);
        tx.commit(now()).await.unwrap();

        assert_eq!(after_rollback, (Vec::new(), beginning.clone()), "{}", engine.name);
        let (changes, mark) = read(&engine.store, &beginning).await;
        assert_eq!((changes.len(), mark.number()), (2, 2), "no number is lost");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_never_sees_a_number_before_the_one_below_it() {
    const WRITERS: i64 = 8;
    const COMMITS: i64 = 12;
    const TOTAL: i64 = WRITERS * COMMITS * 2;
    for engine in engines().await {
        let other = engine.other_store().await;
        let beginning = end(&engine.store).await;
        let mut writers = JoinSet::new();
        for number in 0..WRITERS {
            let store = if number % 2 == 0 { engine.store.clone() } else { other.clone() };
            writers.spawn(async move {
                for _ in 0..COMMITS {
                    commit(&store, &[Change::User { id: UserId(id()) }, Change::Resources]).await;
                }
            });
        }

        let mut mark = beginning;
        while mark.number() < TOTAL {
            if writers.is_empty() {
                assert_eq!(end(&engine.store).await.number(), TOTAL);
            }
            let (changes, to) = read(&engine.store, &mark).await;
            let numbers = usize::try_from(to.number() - mark.number()).unwrap();
            assert_eq!(numbers, changes.len(), "{}: one was skipped", engine.name);
            mark = to;
            while let Some(done) = writers.try_join_next() {
                done.unwrap();
            }
        }

        assert_eq!(mark.number(), TOTAL, "{}", engine.name);
    }
}

#[tokio::test]
async fn pruning_keeps_the_last_change_whatever_its_age() {
    for engine in engines().await {
        let beginning = end(&engine.store).await;
        for _ in 0..3 {
            commit(&engine.store, &[Change::Resources]).await;
        }
        let mark = end(&engine.store).await;

        let mut tx = engine.store.write().await.unwrap();
        let young = changes::prune(&mut tx, now(), 1000).await.unwrap();
        let old = changes::prune(&mut tx, now() + TimeDelta::days(1), 1000).await.unwrap();
        tx.commit(now()).await.unwrap();
        commit(&engine.store, &[Change::Resources]).await;

        assert_eq!((young, old), (0, 2), "{}", engine.name);
        let (changes, to) = read(&engine.store, &mark).await;
        assert_eq!((changes.len(), to.number()), (1, 4), "numbers go on");
        assert_eq!(onwards(&engine.store, &beginning).await, Onwards::Broken(Broken::Hole));
    }
}

#[tokio::test]
async fn a_change_from_a_newer_version_is_noticed_and_not_understood() {
    for engine in engines().await {
        let beginning = end(&engine.store).await;
        commit(&engine.store, &[Change::Resources]).await;
        engine.sql("update changes set change = '{\"changed\":\"moon\"}'").await;

        let (changes, _) = read(&engine.store, &beginning).await;

        assert_eq!(changes, [None], "{}", engine.name);
    }
}

/// What an operator, a restore or a failover does to the last two of four changes, and how many
/// changes are committed after that.
const BREAKS: [(&str, u8, Broken); 6] = [
    (
        "delete from changes where number > 2; update counters set value = 2 \
      where name = 'changes'",
        0,
        Broken::SetBack,
    ),
    (
        "delete from changes where number > 2; update counters set value = 2 \
      where name = 'changes'",
        2,
        Broken::Replaced,
    ),
    (
        "delete from changes where number > 2; update counters set value = 2 \
      where name = 'changes'",
        5,
        Broken::Replaced,
    ),
    ("delete from changes where number = 4", 0, Broken::Hole),
    ("delete from changes where number = 4", 3, Broken::Hole),
    ("delete from changes", 1, Broken::Hole),
];

#[tokio::test]
async fn fx_42_a_feed_that_does_not_continue_where_it_was_read_to_is_noticed() {
    for (done, commits, why) in BREAKS {
        for engine in engines().await {
            for _ in 0..4 {
                commit(&engine.store, &[Change::Resources]).await;
            }
            let mark = end(&engine.store).await;

            engine.sql(done).await;
            for _ in 0..commits {
                commit(&engine.store, &[Change::Resources]).await;
            }

            let found = onwards(&engine.store, &mark).await;
            assert_eq!(found, Onwards::Broken(why), "{}: {done}, then {commits}", engine.name);
            let anew = end(&engine.store).await;
            assert_eq!(read(&engine.store, &anew).await, (Vec::new(), anew), "{}", engine.name);
        }
    }
}

#[tokio::test]
async fn fx_11_a_restore_begins_a_new_epoch() {
    for engine in engines().await {
        let empty = end(&engine.store).await;
        let mut tx = engine.store.write().await.unwrap();
        change_feed::begin_epoch(&mut tx).await.unwrap();
        tx.commit(now()).await.unwrap();
        let found = onwards(&engine.store, &empty).await;

        assert_eq!(found, Onwards::Broken(Broken::OtherEpoch), "{}", engine.name);
    }
    let (one, other) = (engines().await, engines().await);
    for (one, other) in one.iter().zip(&other) {
        let found = onwards(&other.store, &end(&one.store).await).await;
        assert_eq!(found, Onwards::Broken(Broken::OtherEpoch), "{}: another database", one.name);
    }
}
