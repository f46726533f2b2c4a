//! The `outbox` table: messages that wait for their delivery.

use std::ops::Range;

use sqlx::types::Uuid;

use super::{Store, StoreError, Tx, moment, parse};
use crate::{
    clock::Timestamp,
    domain::{Channel, Message, MessageId, OrganizationId, Recipient, WebhookId},
};

statements! {
    INSERT = "
        insert into outbox (
            id, kind, recipient, organization_id, subject, body, created_at, next_attempt_at)
        values ($1, $2, $3, $4, $5, $6, $7, $7)";

    DUE = "
        select id, kind, recipient, organization_id, subject, body, created_at, attempts
        from (
            select id, kind, recipient, organization_id, subject, body, created_at, attempts,
                next_attempt_at,
                row_number() over (partition by recipient order by next_attempt_at, id) as place
            from outbox
            where kind = $1 and next_attempt_at <= $2
                and delivered_at is null and given_up_at is null
        ) as due
        where place = 1 order by next_attempt_at, id limit $3";

    TAKE = "
        update outbox set attempts = attempts + 1, next_attempt_at = $3
        where id = $1 and attempts = $2 and delivered_at is null and given_up_at is null";

    DELIVERED = "
        update outbox set delivered_at = $2, last_error = null where id = $1";

    POSTPONE = "
        update outbox set next_attempt_at = $2, last_error = $3 where id = $1";

    POSTPONE_OTHERS = "
        update outbox set next_attempt_at = $3
        where kind = $1 and recipient = $2 and next_attempt_at < $3
            and delivered_at is null and given_up_at is null";

    GIVE_UP = "
        update outbox set given_up_at = $2, last_error = $3 where id = $1";

    OF_RECIPIENT = "
        select id, subject, created_at, next_attempt_at, attempts, delivered_at, given_up_at,
            last_error
        from outbox where recipient = $1 order by created_at desc, id desc limit $2";

    OLDEST = "
        select min(created_at) from outbox";

    COUNT = "
        select count(*) from outbox where created_at >= $1 and created_at < $2";

    PRUNE = "
        delete from outbox where id in (
            select id from outbox where created_at < $1 order by created_at limit $2)";
}

/// Written into the transaction that makes the change it tells of.
pub async fn insert(tx: &mut Tx, message: &Message) -> Result<(), StoreError> {
    execute!(
        tx,
        INSERT(
            message.id.0,
            message.recipient.channel().as_str(),
            column(&message.recipient),
            message.organization_id.map(|id| id.0),
            message.subject.as_str(),
            message.body.as_str(),
            message.created_at.timestamp(),
        )
    )?;
    Ok(())
}

fn column(recipient: &Recipient) -> String {
    match recipient {
        Recipient::Email(email) => email.to_string(),
        Recipient::Webhook(id) => id.to_string(),
    }
}

/// A message with how often its delivery was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub message: Message,
    pub attempts: i64,
}

row! {
    struct WaitingRow {
        id: Uuid,
        kind: String,
        recipient: String,
        organization_id: Option<Uuid>,
        subject: String,
        body: String,
        created_at: i64,
        attempts: i64,
    }
}

impl TryFrom<WaitingRow> for Waiting {
    type Error = StoreError;

    fn try_from(row: WaitingRow) -> Result<Self, StoreError> {
        let recipient = match row.kind.as_str() {
            "email" => Recipient::Email(parse("outbox.recipient", &row.recipient)?),
            "webhook" => {
                Recipient::Webhook(parse::<WebhookId>("outbox.recipient", &row.recipient)?)
            }
            _ => return Err(StoreError::Corrupt("outbox.kind")),
        };
        let message = Message {
            id: MessageId(row.id),
            recipient,
            organization_id: row.organization_id.map(OrganizationId),
            subject: row.subject,
            body: row.body,
            created_at: moment("outbox.created_at", row.created_at)?,
        };
        Ok(Self { message, attempts: row.attempts })
    }
}

/// What is to be delivered now: of each recipient the message that has waited longest.
pub async fn due(
    store: &Store,
    channel: Channel,
    now: Timestamp,
    most: i64,
) -> Result<Vec<Waiting>, StoreError> {
    let rows: Vec<WaitingRow> =
        fetch_alone!(store, DUE(channel.as_str(), now.timestamp(), most) => fetch_all)?;
    rows.into_iter().map(Waiting::try_from).collect()
}

/// Begins an attempt: no one else begins one before `until`. Tells whether we were first.
pub async fn take(store: &Store, waiting: &Waiting, until: Timestamp) -> Result<bool, StoreError> {
    let (id, attempts) = (waiting.message.id.0, waiting.attempts);
    Ok(execute_alone!(store, TAKE(id, attempts, until.timestamp()))? == 1)
}

pub async fn delivered(store: &Store, id: MessageId, at: Timestamp) -> Result<(), StoreError> {
    execute_alone!(store, DELIVERED(id.0, at.timestamp()))?;
    Ok(())
}

/// Lets the next attempt be made later. The error must quote nothing that a stranger sent.
pub async fn postpone(
    store: &Store,
    id: MessageId,
    until: Timestamp,
    error: &str,
) -> Result<(), StoreError> {
    execute_alone!(store, POSTPONE(id.0, until.timestamp(), error))?;
    Ok(())
}

/// Lets no attempt be made for this recipient before `until`.
pub async fn postpone_all_for(
    store: &Store,
    recipient: &Recipient,
    until: Timestamp,
) -> Result<(), StoreError> {
    let (kind, recipient) = (recipient.channel().as_str(), column(recipient));
    execute_alone!(store, POSTPONE_OTHERS(kind, recipient.as_str(), until.timestamp()))?;
    Ok(())
}

/// Ends the attempts.
pub async fn give_up(
    store: &Store,
    id: MessageId,
    at: Timestamp,
    error: &str,
) -> Result<(), StoreError> {
    execute_alone!(store, GIVE_UP(id.0, at.timestamp(), error))?;
    Ok(())
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    pub id: MessageId,
    pub subject: String,
    pub created_at: Timestamp,
    pub attempts: i64,
    pub state: State,
    pub last_error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// For an attempt not before this moment.
    Waiting(Timestamp),
    Delivered(Timestamp),
    GivenUp(Timestamp),
}

row! {
    struct FateRow {
        id: Uuid,
        subject: String,
        created_at: i64,
        next_attempt_at: i64,
        attempts: i64,
        delivered_at: Option<i64>,
        given_up_at: Option<i64>,
        last_error: Option<String>,
    }
}

impl TryFrom<FateRow> for Fate {
    type Error = StoreError;

    fn try_from(row: FateRow) -> Result<Self, StoreError> {
        let state = match (row.delivered_at, row.given_up_at) {
            (Some(at), _) => State::Delivered(moment("outbox.delivered_at", at)?),
            (None, Some(at)) => State::GivenUp(moment("outbox.given_up_at", at)?),
            (None, None) => State::Waiting(moment("outbox.next_attempt_at", row.next_attempt_at)?),
        };
        Ok(Self {
            id: MessageId(row.id),
            subject: row.subject,
            created_at: moment("outbox.created_at", row.created_at)?,
            attempts: row.attempts,
            state,
            last_error: row.last_error,
        })
    }
}

/// The newest first.
pub async fn of_recipient(
    tx: &mut Tx,
    recipient: &Recipient,
    most: i64,
) -> Result<Vec<Fate>, StoreError> {
    let recipient = column(recipient);
    let rows: Vec<FateRow> = fetch!(tx, OF_RECIPIENT(recipient.as_str(), most) => fetch_all)?;
    rows.into_iter().map(Fate::try_from).collect()
}

/// When the oldest message was made.
pub async fn oldest(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let (at,): (Option<i64>,) = fetch!(tx, OLDEST() => fetch_one)?;
    super::moment_if_any("outbox.created_at", at)
}

/// How many messages were made in this time.
pub async fn count(tx: &mut Tx, during: &Range<Timestamp>) -> Result<i64, StoreError> {
    let (from, until) = (during.start.timestamp(), during.end.timestamp());
    let (rows,): (i64,) = fetch!(tx, COUNT(from, until) => fetch_one)?;
    Ok(rows)
}

/// Deletes up to so many of the oldest messages, if they were made before this moment, whatever
/// became of them; gives how many.
pub async fn prune(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    Ok(execute!(tx, PRUNE(before.timestamp(), most))?)
}
