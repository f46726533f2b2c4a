//! The `usage_journal` table: what was used and refused, one row a commit, until it is folded.

use sqlx::types::Uuid;

use super::{Store, StoreError, Tx, moment};
use crate::clock::Timestamp;

statements! {
    APPEND = "
        insert into usage_journal (id, batch) values ($1, $2)";

    TAKE = "
        delete from usage_journal
        where id in (select id from usage_journal order by id limit $1)
        returning id, batch";

    FIRST = "
        select id, batch from usage_journal order by id limit 1";

    DELETE = "
        delete from usage_journal where id = $1";
}

/// Durable when this returns.
pub async fn append(store: &Store, id: Uuid, batch: &str) -> Result<(), StoreError> {
    execute_alone!(store, APPEND(id, batch))?;
    Ok(())
}

/// [`append`] as a part of a larger transaction.
pub async fn append_in(tx: &mut Tx, id: Uuid, batch: &str) -> Result<(), StoreError> {
    execute!(tx, APPEND(id, batch))?;
    Ok(())
}

/// Takes the oldest batches out. Anyone who commits this has to have counted them: no one else gets
/// them.
pub async fn take(tx: &mut Tx, most: i64) -> Result<Vec<(Uuid, String)>, StoreError> {
    Ok(fetch!(tx, TAKE(most) => fetch_all)?)
}

/// The batch that waits longest, left where it is.
pub async fn first(tx: &mut Tx) -> Result<Option<(Uuid, String)>, StoreError> {
    Ok(fetch!(tx, FIRST() => fetch_optional)?)
}

/// Takes one batch out. Anyone who commits this has to have kept what it says elsewhere. Tells
/// whether it was still there.
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, StoreError> {
    Ok(execute!(tx, DELETE(id))? == 1)
}

/// When the batch was written that waits longest.
pub async fn oldest(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let first = first(tx).await?;
    first.map(|(id, _)| moment("usage_journal.id", written_at(id))).transpose()
}

/// Ids begin with the milliseconds they were made in (RFC 9562, section 5.7).
const MILLISECONDS_SHIFT: u32 = 80;

fn written_at(id: Uuid) -> i64 {
    i64::try_from(id.as_u128() >> MILLISECONDS_SHIFT).expect("48 bits") / 1000
}
