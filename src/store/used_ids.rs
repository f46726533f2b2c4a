//! The `used_ids` table: what counts only once.

use super::{StoreError, Tx};
use crate::clock::Timestamp;

statements! {
    CLAIM = "
        insert into used_ids (hash, expires_at) values ($1, $2) on conflict (hash) do nothing";

    PRUNE = "
        delete from used_ids where hash in (
            select hash from used_ids where expires_at < $1 order by expires_at limit $2)";
}

/// Tells whether this is the first time. One conditional write: of many at once, on whatever node,
/// one is the first.
pub async fn claim(tx: &mut Tx, hash: &[u8], until: Timestamp) -> Result<bool, StoreError> {
    Ok(execute!(tx, CLAIM(hash, until.timestamp()))? == 1)
}

/// Deletes up to so many of those that would not count anyway; gives how many.
pub async fn prune(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(before.timestamp(), most))?)
}
