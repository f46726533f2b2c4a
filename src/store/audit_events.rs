//! The `audit_events` table: every change of state, written in its transaction.

use sqlx::types::Uuid;

use super::{StoreError, Tx};
use crate::domain::AuditEvent;

statements! {
    INSERT = "
        insert into audit_events (
            id, at, actor, action, subject, organization_id, source, request_id, detail)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    OF_SUBJECT = "
        select id, at, actor, action, detail from audit_events
        where subject = $1 order by at, id";
}

pub async fn insert(tx: &mut Tx, event: &AuditEvent) -> Result<(), StoreError> {
    execute!(
        tx,
        INSERT(
            event.id,
            event.at.timestamp(),
            event.actor.to_string(),
            event.action,
            event.subject.as_str(),
            event.organization_id.map(|id| id.0),
            event.source.map(|source| source.to_string()),
            event.request_id,
            event.detail.to_string(),
        )
    )?;
    Ok(())
}

/// An event as it is read back.
#[derive(Debug, PartialEq, Eq)]
pub struct Recorded {
    pub id: Uuid,
    /// Seconds since 1970.
    pub at: i64,
    pub actor: String,
    pub action: String,
    /// JSON.
    pub detail: String,
}

row! {
    struct Row { id: Uuid, at: i64, actor: String, action: String, detail: String }
}

/// What happened to one thing, oldest first.
pub async fn of_subject(tx: &mut Tx, subject: &str) -> Result<Vec<Recorded>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, OF_SUBJECT(subject) => fetch_all)?;
    let recorded = |row: Row| Recorded {
        id: row.id,
        at: row.at,
        actor: row.actor,
        action: row.action,
        detail: row.detail,
    };
    Ok(rows.into_iter().map(recorded).collect())
}
