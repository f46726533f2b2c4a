//! The `usage_quarantine` table: records of uses and refusals that could not be counted, kept until
//! someone has looked at them.

use std::ops::Range;

use sqlx::types::Uuid;

use super::{StoreError, Tx, moment_if_any};
use crate::clock::Timestamp;

statements! {
    INSERT = "
        insert into usage_quarantine (id, at, reason, batch) values ($1, $2, $3, $4)
        on conflict (id) do nothing";

    OLDEST = "
        select min(at) from usage_quarantine";

    COUNT = "
        select count(*) from usage_quarantine where at >= $1 and at < $2";

    ALL = "
        select count(*) from usage_quarantine";

    PRUNE = "
        delete from usage_quarantine where id in (
            select id from usage_quarantine where at < $1 order by at limit $2)";
}

/// Keeps a record as the journal had it, under its id there.
pub async fn insert(
    tx: &mut Tx,
    id: Uuid,
    at: Timestamp,
    reason: &str,
    batch: &str,
) -> Result<(), StoreError> {
    execute!(tx, INSERT(id, at.timestamp(), reason, batch))?;
    Ok(())
}

/// The moment of the oldest row.
pub async fn oldest(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let (at,): (Option<i64>,) = fetch!(tx, OLDEST() => fetch_one)?;
    moment_if_any("usage_quarantine.at", at)
}

/// How many rows are from this time.
pub async fn count(tx: &mut Tx, during: &Range<Timestamp>) -> Result<i64, StoreError> {
    let (from, until) = (during.start.timestamp(), during.end.timestamp());
    let (rows,): (i64,) = fetch!(tx, COUNT(from, until) => fetch_one)?;
    Ok(rows)
}

/// How many rows there are.
pub async fn all(tx: &mut Tx) -> Result<i64, StoreError> {
    let (rows,): (i64,) = fetch!(tx, ALL() => fetch_one)?;
    Ok(rows)
}

/// Deletes up to so many of the oldest rows, if they are older than `before`; gives how many.
pub async fn prune(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(before.timestamp(), most))?)
}
