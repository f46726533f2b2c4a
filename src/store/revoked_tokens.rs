//! The `revoked_tokens` table: access tokens that were revoked before their time.

use sqlx::types::Uuid;

use super::{Reader, StoreError, Tx};
use crate::{clock::Timestamp, domain::Change};

statements! {
    INSERT = "
        insert into revoked_tokens (id, expires_at) values ($1, $2) on conflict (id) do nothing";

    FIND = "
        select expires_at from revoked_tokens where id = $1";

    ANY = "
        select expires_at from revoked_tokens order by expires_at desc limit 1";

    PRUNE = "
        delete from revoked_tokens where id in (
            select id from revoked_tokens where expires_at < $1 order by expires_at limit $2)";
}

/// Kept until the token would be dead anyway; tells whether it was not revoked before.
pub async fn insert(tx: &mut Tx, id: Uuid, expires_at: Timestamp) -> Result<bool, StoreError> {
    tx.changes(Change::Token { id });
    Ok(execute!(tx, INSERT(id, expires_at.timestamp()))? == 1)
}

pub async fn is_revoked(by: impl Into<Reader<'_>>, id: Uuid) -> Result<bool, StoreError> {
    let row: Option<(i64,)> = fetch_by!(by, FIND(id) => fetch_optional)?;
    Ok(row.is_some())
}

/// Whether there is any: mostly there is none, and then no token needs to be looked up.
pub async fn are_there_any(by: impl Into<Reader<'_>>) -> Result<bool, StoreError> {
    let row: Option<(i64,)> = fetch_by!(by, ANY() => fetch_optional)?;
    Ok(row.is_some())
}

/// Deletes up to so many of those that are dead anyway; gives how many.
pub async fn prune(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(before.timestamp(), most))?)
}
