//! The `signing_keys` table. Private keys in it are wrapped.

use super::{StoreError, Tx, moment, moment_if_any, parse};
use crate::{
    clock::Timestamp,
    domain::{Algorithm, Change, SigningKey},
};

statements! {
    INSERT = "
        insert into signing_keys (
            signing_key_id, algorithm, generation, wrapped, wrapped_by, created_at, activates_at,
            retires_at, gone_at, revoked_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

    LIST = "
        select signing_key_id, algorithm, generation, wrapped, wrapped_by, created_at,
            activates_at, retires_at, gone_at, revoked_at
        from signing_keys order by algorithm, generation";

    LAST_GENERATION = "
        select max(generation) from signing_keys where algorithm = $1";

    SET_LIFE = "
        update signing_keys set activates_at = $2, retires_at = $3, gone_at = $4, revoked_at = $5
        where signing_key_id = $1";

    SET_WRAPPED = "
        update signing_keys set wrapped = $2, wrapped_by = $3 where signing_key_id = $1";

    PRUNE = "
        delete from signing_keys
        where (gone_at < $1 or revoked_at < $1) and generation < (
            select max(newer.generation) from signing_keys newer
            where newer.algorithm = signing_keys.algorithm)";
}

row! {
    struct Row {
        signing_key_id: String,
        algorithm: String,
        generation: i64,
        wrapped: Vec<u8>,
        wrapped_by: String,
        created_at: i64,
        activates_at: i64,
        retires_at: Option<i64>,
        gone_at: Option<i64>,
        revoked_at: Option<i64>,
    }
}

impl TryFrom<Row> for SigningKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            signing_key_id: row.signing_key_id,
            algorithm: parse("signing_keys.algorithm", &row.algorithm)?,
            generation: row.generation,
            wrapped: row.wrapped,
            wrapped_by: row.wrapped_by,
            created_at: moment("signing_keys.created_at", row.created_at)?,
            activates_at: moment("signing_keys.activates_at", row.activates_at)?,
            retires_at: moment_if_any("signing_keys.retires_at", row.retires_at)?,
            gone_at: moment_if_any("signing_keys.gone_at", row.gone_at)?,
            revoked_at: moment_if_any("signing_keys.revoked_at", row.revoked_at)?,
        })
    }
}

fn seconds(at: Option<Timestamp>) -> Option<i64> {
    at.map(|at| at.timestamp())
}

/// Fails with [`StoreError::Conflict`] if another node was first to make this generation.
pub async fn insert(tx: &mut Tx, key: &SigningKey) -> Result<(), StoreError> {
    execute!(
        tx,
        INSERT(
            key.signing_key_id.as_str(),
            key.algorithm.as_str(),
            key.generation,
            key.wrapped.as_slice(),
            key.wrapped_by.as_str(),
            key.created_at.timestamp(),
            key.activates_at.timestamp(),
            seconds(key.retires_at),
            seconds(key.gone_at),
            seconds(key.revoked_at),
        )
    )?;
    tx.changes(Change::SigningKeys);
    Ok(())
}

/// All of them, by algorithm, oldest first. A row that cannot be read is left out and reported, so
/// that the others go on signing.
pub async fn list(tx: &mut Tx) -> Result<Vec<SigningKey>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, LIST() => fetch_all)?;
    let read = |row: Row| {
        let signing_key_id = row.signing_key_id.clone();
        let damaged = |error| tracing::error!(%error, %signing_key_id, "a signing key is damaged");
        SigningKey::try_from(row).map_err(damaged).ok()
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// The generation of the newest key of this algorithm, readable or not; `None`: there never was
/// one. Anyone who makes the next one reads this before anything else, so that of two only one can.
pub async fn last_generation(tx: &mut Tx, algorithm: Algorithm) -> Result<Option<i64>, StoreError> {
    let (last,): (Option<i64>,) = fetch!(tx, LAST_GENERATION(algorithm.as_str()) => fetch_one)?;
    Ok(last)
}

/// Writes the moments of the key's life.
pub async fn set_life(tx: &mut Tx, key: &SigningKey) -> Result<(), StoreError> {
    execute!(
        tx,
        SET_LIFE(
            key.signing_key_id.as_str(),
            key.activates_at.timestamp(),
            seconds(key.retires_at),
            seconds(key.gone_at),
            seconds(key.revoked_at),
        )
    )?;
    tx.changes(Change::SigningKeys);
    Ok(())
}

/// The same key, wrapped by another key-encryption key. Nodes that have opened it go on with it.
pub async fn set_wrapped(
    tx: &mut Tx,
    signing_key_id: &str,
    wrapped: &[u8],
    wrapped_by: &str,
) -> Result<(), StoreError> {
    execute!(tx, SET_WRAPPED(signing_key_id, wrapped, wrapped_by))?;
    Ok(())
}

/// Deletes the keys that were gone before this moment; gives how many. The newest of an algorithm
/// stays, whatever became of it: generations go on from it.
pub async fn prune(tx: &mut Tx, gone_before: Timestamp) -> Result<u64, StoreError> {
    let rows = execute!(tx, PRUNE(gone_before.timestamp()))?;
    if rows > 0 {
        tx.changes(Change::SigningKeys);
    }
    Ok(rows)
}
