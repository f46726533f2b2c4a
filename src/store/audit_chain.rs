//! The chain over `audit_events`, from the event in `audit_anchors` on: read on, verified, and
//! shortened at its beginning.

use sqlx::types::Uuid;

use super::{
    StoreError, Tx,
    audit_events::{Recorded, Row, anchor},
    counters,
};
use crate::clock::Timestamp;

statements! {
    CHAIN = "
        select id, at, actor, action, subject, organization_id, source, request_id, detail, number,
            hash, actor_email
        from audit_events where number > $1 order by number limit $2";

    FIRST_SINCE = "
        select min(number) from audit_events where at >= $1";

    HASHED = "
        select number from audit_events where hash = $1
        union all
        select number from audit_anchors where hash = $1";

    UNCHAINED = "
        select count(*) from audit_events where number is null";

    HASH_AT = "
        select hash from audit_events where number = $1";

    LAST_TO_GO = "
        select max(number) from (
            select number, at from audit_events where number is not null
            order by number limit 1000) as oldest
        where at < $1 or number <= $2";

    SET_ANCHOR = "
        insert into audit_anchors (number, hash)
        select number, hash from audit_events where number = $1
        on conflict (number) do nothing";

    DROP_ANCHORS = "
        delete from audit_anchors where number < $1";

    PRUNE = "
        delete from audit_events where number <= $1";

    PRUNE_UNCHAINED = "
        delete from audit_events where id in (
            select id from audit_events where number is null and at < $1 limit 1000)";
}

/// How many events are read at once.
const AT_ONCE: i64 = 1000;

/// Up to 1000 events that come after this number, oldest first: the trail without gaps.
pub async fn onwards(tx: &mut Tx, after: i64) -> Result<Vec<Recorded>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, CHAIN(after, AT_ONCE) => fetch_all)?;
    rows.into_iter().map(Recorded::try_from).collect()
}

/// The number of the first event since then; `None` where there is none.
pub async fn first_since(tx: &mut Tx, at: Timestamp) -> Result<Option<i64>, StoreError> {
    let (number,): (Option<i64>,) = fetch!(tx, FIRST_SINCE(at.timestamp()) => fetch_one)?;
    Ok(number)
}

/// The number of the event with this hash, also where it was the last that was deleted for its age.
pub async fn number_of(tx: &mut Tx, hash: &[u8]) -> Result<Option<i64>, StoreError> {
    let found: Option<(i64,)> = fetch!(tx, HASHED(hash) => fetch_optional)?;
    Ok(found.map(|(number,)| number))
}

/// How the chain was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    Whole {
        events: i64,
        /// Written before there was a chain.
        unchained: i64,
        /// Over all of it: anyone who keeps a copy elsewhere notices a chain written anew.
        head: Vec<u8>,
    },
    /// The first event that is not what was written. `None` where it cannot even be read.
    Altered { number: i64, id: Option<Uuid> },
    /// Events from this number on that are not there.
    Missing { number: i64 },
}

/// Goes along the whole chain.
pub async fn verify(tx: &mut Tx) -> Result<Chain, StoreError> {
    let (number, hash) = anchor(tx).await?;
    verify_after(tx, number, hash).await
}

/// Goes along the newest of the chain only; `events` of the answer counts these.
pub async fn verify_newest(tx: &mut Tx, most: i64) -> Result<Chain, StoreError> {
    let (begins_after, hash) = anchor(tx).await?;
    let number = counters::value(tx, counters::AUDIT_EVENTS).await? - most;
    if number <= begins_after {
        return verify_after(tx, begins_after, hash).await;
    }
    let found: Result<Option<(Vec<u8>,)>, _> = fetch!(tx, HASH_AT(number) => fetch_optional);
    match found {
        Err(sqlx::Error::ColumnDecode { .. }) => Ok(Chain::Altered { number, id: None }),
        found => match found? {
            Some((hash,)) => verify_after(tx, number, hash).await,
            None => Ok(Chain::Missing { number }),
        },
    }
}

async fn verify_after(
    tx: &mut Tx,
    mut number: i64,
    mut head: Vec<u8>,
) -> Result<Chain, StoreError> {
    let (mut events, mut most) = (0, AT_ONCE);
    loop {
        let rows: Result<Vec<Row>, _> = fetch!(tx, CHAIN(number, most) => fetch_all);
        let rows = match rows {
            // One of them is no event at all: which, is seen one by one.
            Err(sqlx::Error::ColumnDecode { .. }) if most > 1 => {
                most = 1;
                continue;
            }
            Err(sqlx::Error::ColumnDecode { .. }) => {
                return Ok(Chain::Altered { number: number + 1, id: None });
            }
            rows => rows?,
        };
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if row.number != number + 1 {
                return Ok(Chain::Missing { number: number + 1 });
            }
            if row.hash_after(&head) != row.hash {
                return Ok(Chain::Altered { number: row.number, id: Some(row.id) });
            }
            (number, head) = (row.number, row.hash);
            events += 1;
        }
    }
    if counters::value(tx, counters::AUDIT_EVENTS).await? != number {
        return Ok(Chain::Missing { number: number + 1 });
    }
    let (unchained,): (i64,) = fetch!(tx, UNCHAINED() => fetch_one)?;
    Ok(Chain::Whole { events, unchained, head })
}

/// Deletes up to 1000 of the oldest events: those from before this moment, and those beyond this
/// many of the newest. As many from before there was a chain, by their age. Gives how many rows
/// went. The chain goes on from the last of them.
///
/// Events are numbered without gaps, so nothing has to be counted.
pub async fn prune(
    tx: &mut Tx,
    before: Option<Timestamp>,
    most: Option<i64>,
) -> Result<u64, StoreError> {
    let before = before.map_or(i64::MIN, |at| at.timestamp());
    let newest = counters::value(tx, counters::AUDIT_EVENTS).await?;
    let superfluous = most.map_or(0, |most| newest - most);
    let unchained = execute!(tx, PRUNE_UNCHAINED(before))?;
    let last: (Option<i64>,) = fetch!(tx, LAST_TO_GO(before, superfluous) => fetch_one)?;
    let Some(last) = last.0 else { return Ok(unchained) };
    execute!(tx, SET_ANCHOR(last))?;
    execute!(tx, DROP_ANCHORS(last))?;
    Ok(unchained + execute!(tx, PRUNE(last))?)
}
