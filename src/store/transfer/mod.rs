//! Copies a whole database into an empty one of either engine, and proves that both hold the same.
//!
//! The statements are built from the schema, unlike anywhere else in the store.

mod fingerprint;
mod manifest;
mod rows;
mod schema;

use std::collections::BTreeMap;

pub use self::{
    fingerprint::Fingerprint,
    manifest::{Manifest, create_file, open_file, read_manifest, write_manifest},
};
use self::{
    rows::{after, delete_all, insert, quoted, run},
    schema::{Table, compare, tables},
};
use super::{Options, Store, StoreError, Tx, change_feed, engine::Engine};
use crate::clock::Timestamp;

#[derive(Debug, thiserror::Error)]
pub enum TransferFailed {
    #[error("the target holds data: it has rows in {0}. Name an empty database")]
    TargetHasData(String),
    #[error("the two databases have different tables: use the same version of keyturn for both")]
    OtherSchema,
    #[error("table {0} of the copy differs from the original: nothing was copied, try again")]
    Differs(String),
    #[error(
        "the original was changed meanwhile, in {0}: nothing was copied. Stop every server on it, \
         then try again"
    )]
    Moved(String),
    #[error("column {table}.{column} has the unknown type {kind}")]
    UnknownType { table: String, column: String, kind: String },
    #[error("table {0}: the target refuses a row")]
    Refused(String, #[source] sqlx::Error),
    #[error("this is no backup made by keyturn")]
    NoBackup,
    #[error("the backup is damaged: table {0} does not hold what was written")]
    Damaged(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for TransferFailed {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What each table holds.
pub type Contents = BTreeMap<String, Fingerprint>;

/// What a copy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A record of one moment. The original may be in use; what comes later is not in it.
    Backup,
    /// Servers are to run on it. It begins a new epoch of the change feed, so that a node which
    /// followed the original reads everything anew. A change of the original while it is being
    /// copied would be lost, so it is refused.
    Successor,
}

/// Reads every table.
pub async fn contents(store: &Store) -> Result<Contents, TransferFailed> {
    let mut tx = store.read().await?;
    let tables = tables(&mut tx).await?;
    all_contents(&mut tx, &tables).await
}

/// Copies every row in one transaction: the target holds all or nothing. Gives what the original
/// holds. Both have been migrated by this version.
pub async fn copy(
    from: &Store,
    to: &Store,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Contents, TransferFailed> {
    let seeded = seeded().await?;
    let mut source = from.patient().read().await?;
    let mut target = to.patient().write().await?;
    let read_from = tables(&mut source).await?;
    let write_to = tables(&mut target).await?;
    compare(&read_from, &write_to)?;

    empty(&mut target, &write_to, &seeded).await?;
    let keys = check_foreign_keys_last(&mut target).await?;
    let mut copied = Contents::new();
    for (table, into) in read_from.iter().zip(&write_to) {
        let copy = copy_table(&mut source, &mut target, table, into).await?;
        copied.insert(table.name.clone(), copy);
    }
    check_foreign_keys_now(&mut target, &keys).await?;

    let written = all_contents(&mut target, &write_to).await?;
    if let Some(table) = first_difference(&copied, &written) {
        return Err(TransferFailed::Differs(table));
    }
    drop(source);
    if purpose == Purpose::Successor {
        let later = contents(from).await?;
        if let Some(table) = first_difference(&copied, &later) {
            return Err(TransferFailed::Moved(table));
        }
        change_feed::begin_epoch(&mut target).await?;
    }
    target.commit(now).await?;
    Ok(written)
}

/// The tables that every database has rows in from the beginning.
async fn seeded() -> Result<Vec<String>, TransferFailed> {
    let new = Store::open("sqlite::memory:", Options::default()).await?;
    new.migrate().await.map_err(|_| StoreError::Corrupt("a new database"))?;
    let contents = contents(&new).await?;
    Ok(contents.into_iter().filter(|(_, held)| held.rows > 0).map(|(table, _)| table).collect())
}

/// Refuses a target in use, and takes out what a new one has.
async fn empty(tx: &mut Tx, tables: &[Table], seeded: &[String]) -> Result<(), TransferFailed> {
    for table in tables {
        if seeded.contains(&table.name) {
            delete_all(tx, table).await?;
        } else if !after(tx, table, None).await?.is_empty() {
            return Err(TransferFailed::TargetHasData(table.name.clone()));
        }
    }
    Ok(())
}

async fn copy_table(
    source: &mut Tx,
    target: &mut Tx,
    table: &Table,
    into: &Table,
) -> Result<Fingerprint, TransferFailed> {
    let mut copied = Fingerprint::default();
    let mut last = None;
    loop {
        let mut rows = after(source, table, last.as_ref()).await?;
        copied.extend(&rows);
        insert(target, into, &rows).await?;
        match rows.pop() {
            Some(row) => last = Some(row),
            None => return Ok(copied),
        }
    }
}

async fn all_contents(tx: &mut Tx, tables: &[Table]) -> Result<Contents, TransferFailed> {
    let mut contents = Contents::new();
    for table in tables {
        let mut held = Fingerprint::default();
        let mut last = None;
        loop {
            let mut rows = after(tx, table, last.as_ref()).await?;
            held.extend(&rows);
            match rows.pop() {
                Some(row) => last = Some(row),
                None => break,
            }
        }
        contents.insert(table.name.clone(), held);
    }
    Ok(contents)
}

/// `None` where both hold the same.
pub(super) fn first_difference(one: &Contents, other: &Contents) -> Option<String> {
    let all = one.keys().chain(other.keys());
    all.into_iter().find(|table| one.get(*table) != other.get(*table)).cloned()
}

/// A foreign key of PostgreSQL: its table and its name.
type ForeignKey = (String, String);

const FOREIGN_KEYS: &str = "
    select t.relname::text, c.conname::text from pg_constraint c
    join pg_class t on t.oid = c.conrelid
    where c.contype = 'f' and t.relnamespace = current_schema()::regnamespace";

/// Lets rows come in any order until [`check_foreign_keys_now`]: organizations name each other.
async fn check_foreign_keys_last(tx: &mut Tx) -> Result<Vec<ForeignKey>, TransferFailed> {
    let keys: Vec<ForeignKey> = match &mut tx.engine {
        Engine::Sqlite(_) => {
            run(tx, "pragma defer_foreign_keys = on".to_owned()).await?;
            return Ok(Vec::new());
        }
        Engine::Postgres(held) => {
            let (progress, connection) = held.parts();
            progress.run(sqlx::query_as(FOREIGN_KEYS).fetch_all(connection)).await?
        }
    };
    for (table, name) in &keys {
        let (table, name) = (quoted(table), quoted(name));
        let change = "deferrable initially deferred";
        run(tx, format!("alter table {table} alter constraint {name} {change}")).await?;
    }
    Ok(keys)
}

async fn check_foreign_keys_now(tx: &mut Tx, keys: &[ForeignKey]) -> Result<(), TransferFailed> {
    if keys.is_empty() {
        // SQLite checks at the commit.
        return Ok(());
    }
    run(tx, "set constraints all immediate".to_owned()).await?;
    for (table, name) in keys {
        let (table, name) = (quoted(table), quoted(name));
        run(tx, format!("alter table {table} alter constraint {name} not deferrable")).await?;
    }
    Ok(())
}
