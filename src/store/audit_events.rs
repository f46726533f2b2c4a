//! The `audit_events` table: every change of state, written in its transaction and chained to the
//! one before it.

use aws_lc_rs::digest::{Context, SHA256};
use sqlx::types::Uuid;

use super::{Page, StoreError, Tx, counters, moment, parse};
use crate::{
    clock::Timestamp,
    domain::{Actor, AuditEvent, OrganizationId, Sight, printable},
};

statements! {
    ANCHOR = "
        select number, hash from audit_anchors order by number desc limit 1";

    INSERT = "
        insert into audit_events (id, at, actor, action, subject, organization_id, source,
            request_id, detail, number, hash, actor_email)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

    HASH_OF = "
        select hash from audit_events where number = $1";

    LIST = "
        with recursive seen (id) as (
            select id from organizations where id = $1
            union all
            select o.id from organizations o join seen on o.parent_id = seen.id where $2
        )
        select id, at, actor, action, subject, organization_id, source, request_id, detail, number,
            hash, actor_email
        from audit_events
        where number < $3
            and ($4 or organization_id in (select id from seen)
                or ($12 and organization_id is null))
            and (organization_id = $5 or $5 is null)
            and (subject = $6 or $6 is null)
            and (actor = $7 or $7 is null)
            and (action = $8 or $8 is null)
            and (at >= $9 or $9 is null)
            and (at < $10 or $10 is null)
            and (actor_email = $13 or $13 is null)
        order by number desc limit $11";
}

row! {
    /// An event as the table holds it: the chain is over these very texts.
    pub(super) struct Row {
        pub(super) id: Uuid,
        at: i64,
        actor: String,
        actor_email: Option<String>,
        action: String,
        subject: String,
        organization_id: Option<Uuid>,
        source: Option<String>,
        request_id: Option<Uuid>,
        detail: String,
        pub(super) number: i64,
        pub(super) hash: Vec<u8>,
    }
}

/// An event that was recorded, with its place in the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub number: i64,
    pub event: AuditEvent,
    /// Over this event and, by the hash before it, all earlier ones.
    pub hash: Vec<u8>,
}

impl TryFrom<Row> for Recorded {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let source = row.source.map(|source| parse("audit_events.source", &source)).transpose()?;
        let detail = serde_json::from_str(&row.detail);
        let event = AuditEvent {
            id: row.id,
            at: moment("audit_events.at", row.at)?,
            actor: parse("audit_events.actor", &row.actor)?,
            actor_email: row.actor_email,
            action: row.action.into(),
            subject: row.subject,
            organization_id: row.organization_id.map(OrganizationId),
            source,
            request_id: row.request_id,
            detail: detail.map_err(|_| StoreError::Corrupt("audit_events.detail"))?,
        };
        Ok(Self { number: row.number, event, hash: row.hash })
    }
}

impl Row {
    fn of(event: &AuditEvent, number: i64) -> Self {
        Self {
            id: event.id,
            at: event.at.timestamp(),
            actor: printable(&event.actor.to_string()).into_owned(),
            actor_email: event.actor_email.as_deref().map(|email| printable(email).into_owned()),
            action: printable(&event.action).into_owned(),
            subject: printable(&event.subject).into_owned(),
            organization_id: event.organization_id.map(|id| id.0),
            source: event.source.map(|source| source.to_string()),
            request_id: event.request_id,
            detail: event.detail.to_string(),
            number,
            hash: Vec::new(),
        }
    }

    /// SHA-256 over the hash of the event before it and each column with its length, so that no
    /// two rows read alike.
    pub(super) fn hash_after(&self, previous: &[u8]) -> Vec<u8> {
        let mut hash = Context::new(&SHA256);
        let mut add = |bytes: Option<&[u8]>| {
            let length = bytes.map_or(u64::MAX, |bytes| bytes.len() as u64);
            hash.update(&length.to_be_bytes());
            hash.update(bytes.unwrap_or_default());
        };
        add(Some(previous));
        add(Some(&self.number.to_be_bytes()));
        add(Some(self.id.as_bytes()));
        add(Some(&self.at.to_be_bytes()));
        for text in [&self.actor, &self.action, &self.subject, &self.detail] {
            add(Some(text.as_bytes()));
        }
        add(self.organization_id.as_ref().map(|id| &id.as_bytes()[..]));
        add(self.source.as_deref().map(str::as_bytes));
        add(self.request_id.as_ref().map(|id| &id.as_bytes()[..]));
        // Events of older versions have no such column.
        if let Some(email) = &self.actor_email {
            add(Some(email.as_bytes()));
        }
        hash.finish().as_ref().to_vec()
    }
}

/// The hash before the first event.
const BEGINNING: [u8; 32] = [0; 32];

/// Number and hash of the newest event that was deleted; of the beginning, if none was.
pub(super) async fn anchor(tx: &mut Tx) -> Result<(i64, Vec<u8>), StoreError> {
    let anchor: Option<(i64, Vec<u8>)> = fetch!(tx, ANCHOR() => fetch_optional)?;
    Ok(anchor.unwrap_or_else(|| (0, BEGINNING.to_vec())))
}

/// Writes the event as the next of the chain. Called last in a transaction: until it ends, no one
/// else gets a number.
pub(super) async fn append(tx: &mut Tx, event: &AuditEvent) -> Result<(), StoreError> {
    let number = counters::next(tx, counters::AUDIT_EVENTS).await?;
    let before: Option<(Vec<u8>,)> = fetch!(tx, HASH_OF(number - 1) => fetch_optional)?;
    let before = match before {
        Some((hash,)) => hash,
        None => anchor(tx).await?.1,
    };
    let row = Row::of(event, number);
    let hash = row.hash_after(&before);
    execute!(
        tx,
        INSERT(
            row.id,
            row.at,
            row.actor,
            row.action,
            row.subject,
            row.organization_id,
            row.source,
            row.request_id,
            row.detail,
            row.number,
            hash,
            row.actor_email,
        )
    )?;
    Ok(())
}

/// Which events to list. What is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub organization: Option<OrganizationId>,
    /// `key:…`, `user:…`, `organization:…`.
    pub subject: Option<String>,
    pub actor: Option<Actor>,
    /// The audit address of a key that did it.
    pub actor_email: Option<String>,
    pub action: Option<String>,
    pub from: Option<Timestamp>,
    /// The first moment no longer wanted.
    pub until: Option<Timestamp>,
}

/// The events within sight that come before this number, newest first; `unowned`: with those that
/// belong to no organization.
pub async fn list(
    tx: &mut Tx,
    sight: Sight,
    unowned: bool,
    filter: &Filter,
    page: Page<i64>,
) -> Result<Vec<Recorded>, StoreError> {
    let (everything, organization, below, _) = super::sight_columns(sight);
    let rows: Vec<Row> = fetch!(tx, LIST(
        organization,
        below,
        page.after.unwrap_or(i64::MAX),
        everything,
        filter.organization.map(|id| id.0),
        filter.subject.as_deref(),
        filter.actor.as_ref().map(ToString::to_string),
        filter.action.as_deref(),
        filter.from.map(|at| at.timestamp()),
        filter.until.map(|at| at.timestamp()),
        page.most,
        unowned,
        filter.actor_email.as_deref(),
    ) => fetch_all)?;
    rows.into_iter().map(Recorded::try_from).collect()
}
