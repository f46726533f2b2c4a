//! The `refusals` table: why a request was refused, under the id its caller was given.

use sqlx::types::Uuid;

use super::{StoreError, Tx, parse};
use crate::{
    clock::Timestamp,
    domain::{ApiKeyId, RefusalRecord, UserAgent},
};

statements! {
    INSERT = "
        insert into refusals (
            request_id, at, reason, detail, api_key_id, source, user_agent, door)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (request_id) do nothing";

    FIND = "
        select request_id, at, reason, detail, api_key_id, source, user_agent, door
        from refusals where request_id = $1";

    PRUNE = "
        delete from refusals where request_id in (
            select request_id from refusals where at < $1 order by at limit 1000)";
}

row! {
    struct Row {
        request_id: Uuid,
        at: i64,
        reason: String,
        detail: String,
        api_key_id: Option<Uuid>,
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
            detail: row.detail,
            api_key_id: row.api_key_id.map(ApiKeyId),
            source: parse("refusals.source", &row.source)?,
            user_agent: UserAgent::new(&row.user_agent),
            door: row.door,
        })
    })
    .transpose()
}

/// Deletes up to 1000 rows that are older than `before`; gives how many that were.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(before.timestamp()))?)
}
