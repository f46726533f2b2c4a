//! Bringing a database up to date, also twice, also at once, and not from the future.

use keyturn::{
    domain::Sight,
    store::{Page, organizations},
};

use crate::{empty_engines, engines, now, organization};

#[tokio::test]
async fn migrating_twice_is_harmless() {
    for engine in engines().await {
        let acme = engine.organization().await;

        engine.store.migrate().await.unwrap();

        let mut tx = engine.store.read().await.unwrap();
        let kept = organizations::list(&mut tx, Sight::Everything, None, Page::ALL).await.unwrap();
        assert_eq!(kept, [acme], "{}", engine.name);
        drop(tx);
        engine.store.check_migrated().await.unwrap();
    }
}

#[tokio::test]
async fn two_who_migrate_at_once_get_along() {
    for engine in empty_engines().await {
        let other = engine.other_store().await;

        let (here, there) = tokio::join!(engine.store.migrate(), other.migrate());

        assert!(here.is_ok() && there.is_ok(), "{}: {here:?} {there:?}", engine.name);
        engine.store.check_migrated().await.unwrap();
    }
}

#[tokio::test]
async fn fi_13_a_database_without_tables_says_what_to_do() {
    for engine in empty_engines().await {
        let told = engine.store.check_migrated().await.unwrap_err();

        assert!(told.to_string().contains("run `keyturn migrate`"), "{}: {told}", engine.name);
    }
}

#[tokio::test]
async fn fi_13_a_newer_database_is_refused_and_left_alone() {
    for engine in engines().await {
        engine
            .sql(
                "insert into _sqlx_migrations
                    (version, description, success, checksum, execution_time)
                select 9999, description, success, checksum, execution_time
                from _sqlx_migrations where version = 1",
            )
            .await;

        let migrated = engine.store.migrate().await.unwrap_err();
        let checked = engine.store.check_migrated().await.unwrap_err();

        for told in [migrated, checked] {
            let told = told.to_string();
            let says = told.contains("newer keyturn") && told.contains("9999");
            assert!(says, "{}: {told}", engine.name);
        }
        let mut tx = engine.store.write().await.unwrap();
        organizations::insert(&mut tx, &organization("acme", None)).await.unwrap();
        tx.commit(now()).await.unwrap();
    }
}
