//! The `webhooks` table: where organizations hear of what happens to their keys.

use sqlx::types::Uuid;

use super::{Store, StoreError, Tx, moment, moment_if_any, parse, sight_columns};
use crate::domain::{OrganizationId, SecretOrigin, Sight, Version, Webhook, WebhookId};

statements! {
    INSERT = "
        insert into webhooks (
            id, organization_id, url, events, secret_generation, secret_made_by, secret_made_at,
            created_at, disabled_at, version)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

    FIND = "
        select id, organization_id, url, events, secret_generation, secret_made_by, secret_made_at,
            created_at, disabled_at, version
        from webhooks where id = $1";

    LIST = "
        with recursive seen (id) as (
            select id from organizations where id = $1
            union all
            select o.id from organizations o join seen on o.parent_id = seen.id where $2
        )
        select id, organization_id, url, events, secret_generation, secret_made_by, secret_made_at,
            created_at, disabled_at, version
        from webhooks where $3 or organization_id in (select id from seen)
        order by created_at, id";

    HEARING = "
        with recursive line (id, parent_id) as (
            select id, parent_id from organizations where id = $1
            union all
            select o.id, o.parent_id from organizations o join line on o.id = line.parent_id
        )
        select w.id, w.organization_id, w.url, w.events, w.secret_generation, w.secret_made_by,
            w.secret_made_at, w.created_at, w.disabled_at, w.version
        from webhooks w join line on w.organization_id = line.id
        where w.disabled_at is null order by w.created_at, w.id";

    COUNT_OF = "
        select count(*) from webhooks where organization_id = $1";

    UPDATE = "
        update webhooks set url = $3, events = $4, secret_generation = $5, secret_made_by = $6,
            secret_made_at = $7, disabled_at = $8, version = version + 1
        where id = $1 and version = $2";

    REMOVE = "
        delete from webhooks where id = $1 and version = $2";
}

row! {
    struct Row {
        id: Uuid,
        organization_id: Uuid,
        url: String,
        events: String,
        secret_generation: i64,
        secret_made_by: String,
        secret_made_at: i64,
        created_at: i64,
        disabled_at: Option<i64>,
        version: i64,
    }
}

impl TryFrom<Row> for Webhook {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: WebhookId(row.id),
            organization_id: OrganizationId(row.organization_id),
            url: row.url,
            events: parse("webhooks.events", &row.events)?,
            secret: SecretOrigin {
                generation: row.secret_generation,
                made_by: row.secret_made_by,
                made_at: moment("webhooks.secret_made_at", row.secret_made_at)?,
            },
            created_at: moment("webhooks.created_at", row.created_at)?,
            disabled_at: moment_if_any("webhooks.disabled_at", row.disabled_at)?,
            version: Version(row.version),
        })
    }
}

pub async fn insert(tx: &mut Tx, webhook: &Webhook) -> Result<(), StoreError> {
    execute!(
        tx,
        INSERT(
            webhook.id.0,
            webhook.organization_id.0,
            webhook.url.as_str(),
            webhook.events.to_string(),
            webhook.secret.generation,
            webhook.secret.made_by.as_str(),
            webhook.secret.made_at.timestamp(),
            webhook.created_at.timestamp(),
            webhook.disabled_at.map(|at| at.timestamp()),
            webhook.version.0,
        )
    )?;
    Ok(())
}

pub async fn find(tx: &mut Tx, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND(id.0) => fetch_optional)?;
    row.map(Webhook::try_from).transpose()
}

/// [`find`] outside any transaction.
pub async fn look_up(store: &Store, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
    let row: Option<Row> = fetch_alone!(store, FIND(id.0) => fetch_optional)?;
    row.map(Webhook::try_from).transpose()
}

/// Those within sight, oldest first.
pub async fn list(tx: &mut Tx, sight: Sight) -> Result<Vec<Webhook>, StoreError> {
    let (everything, organization, below, _) = sight_columns(sight);
    let rows: Vec<Row> = fetch!(tx, LIST(organization, below, everything) => fetch_all)?;
    rows.into_iter().map(Webhook::try_from).collect()
}

/// Those of the organization and of all above it that are not disabled.
pub async fn hearing(tx: &mut Tx, id: OrganizationId) -> Result<Vec<Webhook>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, HEARING(id.0) => fetch_all)?;
    rows.into_iter().map(Webhook::try_from).collect()
}

/// How many the organization itself has.
pub async fn count_of(tx: &mut Tx, id: OrganizationId) -> Result<i64, StoreError> {
    let (count,): (i64,) = fetch!(tx, COUNT_OF(id.0) => fetch_one)?;
    Ok(count)
}

/// Writes what may change, and counts the version up. Tells whether the webhook was still in the
/// version given.
pub async fn update(tx: &mut Tx, webhook: &Webhook) -> Result<bool, StoreError> {
    let changed = execute!(
        tx,
        UPDATE(
            webhook.id.0,
            webhook.version.0,
            webhook.url.as_str(),
            webhook.events.to_string(),
            webhook.secret.generation,
            webhook.secret.made_by.as_str(),
            webhook.secret.made_at.timestamp(),
            webhook.disabled_at.map(|at| at.timestamp()),
        )
    )?;
    Ok(changed == 1)
}

/// Tells whether the webhook was still in the version given.
pub async fn remove(tx: &mut Tx, webhook: &Webhook) -> Result<bool, StoreError> {
    Ok(execute!(tx, REMOVE(webhook.id.0, webhook.version.0))? == 1)
}
