//! The `refusals` table: why a request was refused, under the id its caller was given.

use std::ops::Range;

use sqlx::types::Uuid;

use super::{StoreError, Tx, parse};
use crate::{
    clock::Timestamp,
    domain::{ApiKeyId, OrganizationId, RefusalRecord, UserAgent},
};

statements! {
    INSERT = "
        insert into refusals (
            request_id, at, reason, detail, api_key_id, organization_id, source, user_agent, door)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (request_id) do nothing";

    FIND = "
        select request_id, at, reason, detail, api_key_id, organization_id, source, user_agent,
            door
        from refusals where request_id = $1";

    OLDEST = "
        select min(at) from refusals";

    COUNT = "
        select count(*) from refusals where at >= $1 and at < $2";

    PRUNE = "
        delete from refusals where request_id in (
            select request_id from refusals where at < $1 order by at limit $2)";
}

row! {
    struct Row {
        request_id: Uuid,
        at: i64,
        reason: String,
        detail: String,
        api_key_id: Option<Uuid>,
        organization_id: Option<Uuid>,
        source: String,
        user_agent: String,
        door: String,
    }
}

pub async fn insert(tx: &mut Tx, refusal: &RefusalRecord) -> Result<(), StoreError> {
    execute!(
        tx,
        INSERT(
            refusal.request_id,
            refusal.at,
            refusal.reason.as_str(),
            refusal.detail.as_str(),
            refusal.api_key_id.map(|id| id.0),
            refusal.organization_id.map(|id| id.0),
            refusal.source.to_string(),
            refusal.user_agent.as_str(),
            refusal.door.as_str(),
        )
    )?;
    Ok(())
}

pub async fn find(tx: &mut Tx, request_id: Uuid) -> Result<Option<RefusalRecord>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND(request_id) => fetch_optional)?;
    row.map(|row| {
        Ok(RefusalRecord {
            request_id: row.request_id,
            at: row.at,
            reason: row.reason,
            detail: row.detail.into(),
            api_key_id: row.api_key_id.map(ApiKeyId),
            organization_id: row.organization_id.map(OrganizationId),
            source: parse("refusals.source", &row.source)?,
            user_agent: UserAgent::new(&row.user_agent),
            door: row.door,
        })
    })
    .transpose()
}

/// The moment of the oldest row.
pub async fn oldest(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let (at,): (Option<i64>,) = fetch!(tx, OLDEST() => fetch_one)?;
    super::moment_if_any("refusals.at", at)
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
