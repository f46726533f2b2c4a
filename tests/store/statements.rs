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
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| std::fs::read_to_string(path).unwrap())
        .filter(|text| text.contains("\nstatements! {"))
        .count();

    assert_eq!(declared, STATEMENTS.len(), "a file is missing in `store::STATEMENTS`");
}

/// The macros of `store::macros` bind what is a `Parameter`, and so does each call of `bind`. A copy
/// of a whole database (`store::transfer`) binds what another one holds.
#[test]
fn fx_10_no_statement_binds_what_is_no_parameter() {
    for entry in std::fs::read_dir("src/store").unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let file = path.file_name().unwrap().to_string_lossy();
        for bound in text.split(".bind(").skip(1).filter(|_| file != "macros.rs") {
            let line = bound.lines().next().unwrap();
            assert!(line.contains(".bound()"), "{file}: {line}");
        }
        let by_macro = text.matches(".bind($").count();
        let safely =
            text.matches(".bind($crate::store::parameter::Parameter::bound($arg))").count();
        assert_eq!(by_macro, safely, "{file}");
    }
}
