//! Every statement means something to every engine.

use keyturn::store::{STATEMENTS, Store};
use sqlx::{Executor as _, SqlSafeStr as _};

use crate::engines;

#[tokio::test]
async fn every_statement_prepares_on_every_engine() {
    for engine in engines().await {
        for (name, sql) in STATEMENTS.iter().copied().flatten() {
            let prepared = match &engine.store {
                Store::Sqlite { pool, .. } => pool.prepare(sql.into_sql_str()).await.map(drop),
                Store::Postgres { pool, .. } => pool.prepare(sql.into_sql_str()).await.map(drop),
            };
            assert!(prepared.is_ok(), "{} {name}: {prepared:?}{sql}", engine.name);
        }
    }
}

/// What the portable subset of SQL leaves out.
#[test]
fn no_statement_says_what_only_one_engine_understands() {
    let banned =
        ["now()", "current_timestamp", "for update", "?", "ilike", "::", "nextval", "json"];
    for (name, sql) in STATEMENTS.iter().copied().flatten() {
        for word in banned {
            assert!(!sql.to_lowercase().contains(word), "{name} says {word}:{sql}");
        }
    }
}

#[test]
fn every_file_of_the_store_lists_its_statements() {
    let declared: usize = std::fs::read_dir("src/store")
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .filter(|text| text.contains("\nstatements! {"))
        .count();

    assert_eq!(declared, STATEMENTS.len(), "a file is missing in `store::STATEMENTS`");
}
