//! The `idempotency_keys` table: what was made by requests that are sent again when an answer was
//! lost.

use std::ops::Range;

use super::{StoreError, Tx};
use crate::{clock::Timestamp, domain::Once};

statements! {
    INSERT = "
        insert into idempotency_keys (actor, key, fingerprint, made, created_at)
        values ($1, $2, $3, $4, $5)";

    FIND = "
        select fingerprint, made from idempotency_keys where actor = $1 and key = $2";

    OLDEST = "
        select min(created_at) from idempotency_keys";

    COUNT = "
        select count(*) from idempotency_keys where created_at >= $1 and created_at < $2";

    PRUNE = "
        delete from idempotency_keys where created_at < $1 and (actor, key) in (
            select actor, key from idempotency_keys where created_at < $1
            order by created_at limit $2)";
}

/// What a request with this key has made before.
#[derive(Debug, PartialEq, Eq)]
pub struct Before {
    pub fingerprint: Vec<u8>,
    /// Its id.
    pub made: String,
}

/// Fails with [`StoreError::Conflict`] if the actor has used the key before.
pub async fn insert(
    tx: &mut Tx,
    actor: &str,
    once: &Once,
    made: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let fingerprint = &once.fingerprint[..];
    execute!(tx, INSERT(actor, once.key.as_str(), fingerprint, made, now.timestamp()))?;
    Ok(())
}

pub async fn find(tx: &mut Tx, actor: &str, once: &Once) -> Result<Option<Before>, StoreError> {
    let row: Option<(Vec<u8>, String)> =
        fetch!(tx, FIND(actor, once.key.as_str()) => fetch_optional)?;
    Ok(row.map(|(fingerprint, made)| Before { fingerprint, made }))
}

/// The moment of the oldest row.
pub async fn oldest(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let (at,): (Option<i64>,) = fetch!(tx, OLDEST() => fetch_one)?;
    super::moment_if_any("idempotency_keys.created_at", at)
}

/// How many rows are from this time.
pub async fn count(tx: &mut Tx, during: &Range<Timestamp>) -> Result<i64, StoreError> {
    let (from, until) = (during.start.timestamp(), during.end.timestamp());
    let (rows,): (i64,) = fetch!(tx, COUNT(from, until) => fetch_one)?;
    Ok(rows)
}

/// Deletes up to so many of the oldest rows, if they are older than `before`; gives how many.
pub async fn prune(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(before.timestamp(), most))?)
}
