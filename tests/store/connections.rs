//! A connection is clean or closed: nothing that ends in the middle of a transaction is noticed by
//! the next one.

use std::{
    future::poll_fn,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use keyturn::{
    domain::Organization,
    store::{self, Options, Store, StoreError, counters},
};

use super::{Engine, engines, now, organization};

/// More than there are connections.
const ALL_CONNECTIONS: usize = 12;

async fn write(store: &Store, organization: &Organization) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    store::organizations::insert(&mut tx, organization).await?;
    store::organizations::lineage(&mut tx, organization.id).await?;
    tx.commit(now()).await.map(drop)
}

async fn read(store: &Store) -> Result<i64, StoreError> {
    let mut tx = store.read().await?;
    counters::value(&mut tx, counters::CHANGES).await?;
    counters::value(&mut tx, counters::AUDIT_EVENTS).await
}

/// Polls it so many times, then drops it. Tells whether it came to its end.
async fn cut_off<T>(after: usize, work: impl Future<Output = T>) -> bool {
    let mut work = pin!(work);
    let mut polls = 0;
    poll_fn(|context| {
        if polls == after {
            return Poll::Ready(false);
        }
        polls += 1;
        work.as_mut().poll(context).map(|_| true)
    })
    .await
}

/// What another process writes is seen by every connection at once, and what they write stays.
async fn check_that_all_are_clean(engine: &Engine, other: &Store, round: usize) {
    for number in 0..ALL_CONNECTIONS {
        let name = format!("beside-{round}-{number}");
        let beside = organization(&name, None);
        write(other, &beside).await.unwrap();
        let mut tx = engine.store.read().await.unwrap();
        let seen = store::organizations::lineage(&mut tx, beside.id).await.unwrap();
        assert!(seen.is_some(), "{}: {name} is not seen", engine.name);

        let own = organization(&format!("own-{round}-{number}"), None);
        write(&engine.store, &own).await.unwrap();
        let mut tx = other.read().await.unwrap();
        let kept = store::organizations::lineage(&mut tx, own.id).await.unwrap();
        assert!(kept.is_some(), "{}: own-{round}-{number} was not committed", engine.name);
    }
}

#[tokio::test]
async fn fx_41_a_transaction_cut_off_at_any_point_leaves_no_trace_in_the_pool() {
    for engine in engines().await {
        let other = engine.other_store().await;
        for round in 0.. {
            let name = format!("cut-{round}");
            let wrote = cut_off(round, write(&engine.store, &organization(&name, None))).await;
            let was_read = cut_off(round, read(&engine.store)).await;

            if round % 4 == 0 {
                check_that_all_are_clean(&engine, &other, round).await;
            }
            if wrote && was_read {
                break;
            }
        }
    }
}

#[tokio::test]
async fn fx_41_a_transaction_that_refused_a_statement_commits_nothing() {
    for engine in engines().await {
        let known = engine.organization().await;
        let mut tx = engine.store.write().await.unwrap();
        let first = organization("first", None);
        store::organizations::insert(&mut tx, &first).await.unwrap();

        let again = store::organizations::insert(&mut tx, &known).await;
        let committed = tx.commit(now()).await;

        assert!(matches!(again, Err(StoreError::Conflict)), "{}", engine.name);
        assert!(committed.is_err(), "{}", engine.name);
        let mut tx = engine.store.read().await.unwrap();
        let kept = store::organizations::lineage(&mut tx, first.id).await.unwrap();
        assert!(kept.is_none(), "{}", engine.name);
    }
}

#[tokio::test]
async fn fx_41_a_session_that_the_server_ended_is_replaced() {
    let engines = engines().await;
    let Some(engine) = engines.iter().find(|engine| engine.name == "postgres") else { return };
    read(&engine.store).await.unwrap();
    let mut tx = engine.store.write().await.unwrap();
    let other = engine.other_store().await;
    let Store::Postgres { pool, .. } = &other else { panic!("it is on PostgreSQL") };

    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query(end).execute(pool).await.unwrap();

    let cut = store::organizations::insert(&mut tx, &organization("cut", None)).await;
    assert!(matches!(cut, Err(StoreError::Unavailable(_))), "{cut:?}");
    drop(tx);
    for _ in 0..ALL_CONNECTIONS {
        read(&engine.store).await.unwrap();
    }
}

#[tokio::test]
async fn fx_51_a_database_file_that_was_replaced_is_not_used_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let url = format!("sqlite:{}", path.display());
    let store = Store::open(&url, Options::default()).await.unwrap();
    store.migrate().await.unwrap();
    let aside = folder.path().join("aside.db");
    let mut files = Vec::new();

    std::fs::rename(&path, &aside).unwrap();
    store.look().await.unwrap_err();
    files.push(write(&store, &organization("deleted", None)).await);
    std::fs::copy(&aside, &path).unwrap();
    store.look().await.unwrap_err();
    files.push(read(&store).await.map(drop));

    for refused in files {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    assert!(!store.is_whole());
    std::fs::rename(&aside, &path).unwrap();
    store.look().await.unwrap();
    write(&store, &organization("back", None)).await.unwrap();
}

#[tokio::test]
async fn fx_51_a_log_that_was_taken_away_from_under_the_database_is_noticed() {
    for end in ["-wal", "-shm"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyturn.db");
        let store = Store::open(&format!("sqlite:{}", path.display()), Options::default()).await;
        let store = store.unwrap();
        store.migrate().await.unwrap();
        write(&store, &organization("first", None)).await.unwrap();
        store.look().await.unwrap();
        let beside = folder.path().join(format!("keyturn.db{end}"));
        let aside = folder.path().join("aside");

        std::fs::rename(&beside, &aside).unwrap();
        store.look().await.unwrap_err();
        let refused = write(&store, &organization("lost", None)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");

        std::fs::rename(&aside, &beside).unwrap();
        store.look().await.unwrap();
        write(&store, &organization("back", None)).await.unwrap();
    }
}

/// Waits no longer for a lock than is said.
#[tokio::test]
async fn fx_49_a_statement_that_meets_a_lock_fails_within_its_deadline() {
    let within = Duration::from_millis(300);
    for engine in engines().await {
        let options =
            Options { statement_within: within, acquire_within: within, ..Options::default() };
        let store = Store::open(&engine.url, options).await.unwrap();
        let organization = engine.organization().await;
        let holder = engine.other_store().await;
        let mut held = holder.write().await.unwrap();
        store::organizations::delete(&mut held, &organization).await.unwrap();

        let began = Instant::now();
        for _ in 0..3 {
            let blocked = async {
                let mut tx = store.write().await?;
                store::organizations::delete(&mut tx, &organization).await.map(drop)
            };
            let refused = blocked.await;
            assert!(
                matches!(refused, Err(StoreError::Unavailable(_))),
                "{}: {refused:?}",
                engine.name
            );
        }
        assert!(began.elapsed() < Duration::from_secs(9), "{}: {:?}", engine.name, began.elapsed());

        drop(held);
        // The rollback is under way.
        let mut done = write(&store, &super::organization("again", None)).await;
        for _ in 0..20 {
            if done.is_err() {
                done = write(&store, &super::organization("again", None)).await;
            }
        }
        done.unwrap();
    }
}

#[tokio::test]
async fn fx_23a_the_log_of_sqlite_is_cut_after_a_long_reader_has_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyturn.db");
    let store =
        Store::open(&format!("sqlite:{}", path.display()), Options::default()).await.unwrap();
    store.migrate().await.unwrap();
    let log = || std::fs::metadata(folder.path().join("keyturn.db-wal")).unwrap().len();
    let text = "x".repeat(4000);
    let mut reader = store.read().await.unwrap();
    counters::value(&mut reader, counters::CHANGES).await.unwrap();

    let mut tx = store.write().await.unwrap();
    for _ in 0..5000 {
        store::usage_journal::append_in(&mut tx, super::id(), &text).await.unwrap();
    }
    tx.commit(now()).await.unwrap();
    let peak = log();
    drop(reader);
    for number in 0..5 {
        write(&store, &organization(&format!("later-{number}"), None)).await.unwrap();
        store.look().await.unwrap();
    }

    assert!(peak > 16 << 20, "{peak}");
    assert!(log() < 8 << 20, "{} of {peak}", log());
}

#[tokio::test]
async fn fx_23b_only_a_database_that_lacks_migrations_is_said_to_lack_them() {
    for engine in engines().await {
        engine.sql("alter table _sqlx_migrations rename column version to elsewhere").await;
        let told = engine.store.check_migrated().await.unwrap_err().to_string();
        assert!(told.contains("version"), "{}: {told}", engine.name);
        assert!(!told.contains("lacks migrations"), "{}: {told}", engine.name);
    }
    for engine in super::empty_engines().await {
        let told = engine.store.check_migrated().await.unwrap_err().to_string();
        assert!(told.contains("lacks migrations"), "{}: {told}", engine.name);
    }
}
