//! The `former_key_encryption_keys` table. Each key in it is wrapped by the one in use.

use super::{StoreError, Tx, moment};
use crate::clock::Timestamp;

statements! {
    LIST = "
        select id, wrapped, wrapped_by, replaced_at
        from former_key_encryption_keys order by replaced_at, id";

    INSERT = "
        insert into former_key_encryption_keys (id, wrapped, wrapped_by, replaced_at)
        values ($1, $2, $3, $4)";

    SET_WRAPPED = "
        update former_key_encryption_keys set wrapped = $2, wrapped_by = $3 where id = $1";
}

/// A key-encryption key that was replaced, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerKeyRecord {
    pub id: String,
    pub wrapped: Vec<u8>,
    /// Of the key that opens it.
    pub wrapped_by: String,
    pub replaced_at: Timestamp,
}

row! {
    struct Row {
        id: String,
        wrapped: Vec<u8>,
        wrapped_by: String,
        replaced_at: i64,
    }
}

/// The oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<FormerKeyRecord>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, LIST() => fetch_all)?;
    let read = |row: Row| {
        let replaced_at = moment("former_key_encryption_keys.replaced_at", row.replaced_at)?;
        let Row { id, wrapped, wrapped_by, .. } = row;
        Ok(FormerKeyRecord { id, wrapped, wrapped_by, replaced_at })
    };
    rows.into_iter().map(read).collect()
}

pub async fn insert(tx: &mut Tx, key: &FormerKeyRecord) -> Result<(), StoreError> {
    let FormerKeyRecord { id, wrapped, wrapped_by, replaced_at } = key;
    let (id, by, at) = (id.as_str(), wrapped_by.as_str(), replaced_at.timestamp());
    execute!(tx, INSERT(id, wrapped.as_slice(), by, at))?;
    Ok(())
}

/// The same key, wrapped by another.
pub async fn set_wrapped(
    tx: &mut Tx,
    id: &str,
    wrapped: &[u8],
    wrapped_by: &str,
) -> Result<(), StoreError> {
    execute!(tx, SET_WRAPPED(id, wrapped, wrapped_by))?;
    Ok(())
}
