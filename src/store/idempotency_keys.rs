//! The `idempotency_keys` table: what was made by requests that are sent again when an answer was
//! lost.

use super::{StoreError, Tx};
use crate::{clock::Timestamp, domain::Once};

statements! {
    INSERT = "
        insert into idempotency_keys (actor, key, fingerprint, made, created_at)
        values ($1, $2, $3, $4, $5)";

    FIND = "
        select fingerprint, made from idempotency_keys where actor = $1 and key = $2";

    PRUNE = "
        delete from idempotency_keys where created_at < $1 and (actor, key) in (
            select actor, key from idempotency_keys where created_at < $1
            order by created_at limit 1000)";
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

/// Deletes up to 1000 rows that are older than `before`; gives how many rows that were.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(before.timestamp()))?)
}
