//! The `usage_journal` table: what was used and refused, one row a commit, until it is folded.

use std::ops::Range;

use sqlx::types::Uuid;

use super::{Store, StoreError, Tx, moment};
use crate::clock::Timestamp;

statements! {
    APPEND = "
        insert into usage_journal (id, batch) values ($1, $2)";

    TAKE = "
        delete from usage_journal
        where id in (select id from usage_journal order by id limit $1)
        returning batch";

    FIRST = "
        select id, batch from usage_journal order by id limit 1";

    DELETE = "
        delete from usage_journal where id = $1";

    COUNT = "
        select count(*) from usage_journal where id >= $1 and id < $2";

    PRUNE = "
        delete from usage_journal where id in (
            select id from usage_journal where id < $1 order by id limit $2)";
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

/// Takes the oldest batches out. Whoever commits this has to have counted them: nobody else gets
/// them.
pub async fn take(tx: &mut Tx, most: i64) -> Result<Vec<String>, StoreError> {
    let rows: Vec<(String,)> = fetch!(tx, TAKE(most) => fetch_all)?;
    Ok(rows.into_iter().map(|(batch,)| batch).collect())
}

/// The batch that waits longest, left where it is.
pub async fn first(tx: &mut Tx) -> Result<Option<(Uuid, String)>, StoreError> {
    Ok(fetch!(tx, FIRST() => fetch_optional)?)
}

/// What the batch would have counted is lost.
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<(), StoreError> {
    execute!(tx, DELETE(id))?;
    Ok(())
}

/// When the batch was written that waits longest.
pub async fn oldest(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let first = first(tx).await?;
    first.map(|(id, _)| moment("usage_journal.id", written_at(id))).transpose()
}

/// How many batches were written in this time.
pub async fn count(tx: &mut Tx, during: &Range<Timestamp>) -> Result<i64, StoreError> {
    let (from, until) = (first_id(during.start), first_id(during.end));
    let (rows,): (i64,) = fetch!(tx, COUNT(from, until) => fetch_one)?;
    Ok(rows)
}

/// Deletes up to so many of the oldest batches, if they are older than `before`; gives how many.
/// What they would have counted is lost.
pub async fn prune(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(first_id(before), most))?)
}

/// Ids begin with the milliseconds they were made in (RFC 9562, section 5.7).
const MILLISECONDS_SHIFT: u32 = 80;

fn written_at(id: Uuid) -> i64 {
    i64::try_from(id.as_u128() >> MILLISECONDS_SHIFT).expect("48 bits") / 1000
}

/// No id that was made then or later is smaller.
fn first_id(at: Timestamp) -> Uuid {
    let millis = u128::try_from(at.timestamp_millis()).unwrap_or_default();
    let most = (1 << 48) - 1;
    Uuid::from_u128(millis.min(most) << MILLISECONDS_SHIFT)
}
