//! The `clients` table.

use sqlx::types::Uuid;

use super::{
    Page, Store, StoreError, Tx, client_secrets, counters, moment, moment_if_any, parse,
    sight_columns,
};
use crate::domain::{
    Change, Client, ClientId, ClientTerms, KnownClient, OrganizationId, SecretHash, Sight, Version,
};

statements! {
    INSERT = "
        insert into clients (
            id, organization_id, name, terms, created_at, disabled_at, status_index, registration,
            version)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    FIND = "
        select id, organization_id, name, terms, created_at, disabled_at, status_index,
            registration, version
        from clients where id = $1";

    NAMED = "
        select id, organization_id, name, terms, created_at, disabled_at, status_index,
            registration, version
        from clients where name = $1 order by created_at, id";

    LIST = "
        with recursive seen (id) as (
            select id from organizations where id = $1
            union all
            select o.id from organizations o join seen on o.parent_id = seen.id where $2
        )
        select id, organization_id, name, terms, created_at, disabled_at, status_index,
            registration, version
        from clients
        where id > $3 and ($4 or organization_id in (select id from seen))
            and (organization_id = $5 or $5 is null)
        order by id limit $6";

    COUNT = "
        select count(*) from clients where organization_id = $1";

    UPDATE = "
        update clients set name = $3, terms = $4, disabled_at = $5, registration = $6,
            version = version + 1
        where id = $1 and version = $2";

    DELETE = "
        delete from clients where id = $1 and version = $2";
}

row! {
    struct Row {
        id: Uuid,
        organization_id: Uuid,
        name: String,
        terms: String,
        created_at: i64,
        disabled_at: Option<i64>,
        status_index: i64,
        registration: Option<Vec<u8>>,
        version: i64,
    }
}

impl TryFrom<Row> for Client {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let hash = |bytes: Vec<u8>| {
            SecretHash::try_from(bytes).map_err(|_| StoreError::Corrupt("clients.registration"))
        };
        Ok(Self {
            id: ClientId(row.id),
            organization_id: OrganizationId(row.organization_id),
            name: parse("clients.name", &row.name)?,
            terms: read_terms(&row.terms)?,
            created_at: moment("clients.created_at", row.created_at)?,
            disabled_at: moment_if_any("clients.disabled_at", row.disabled_at)?,
            status_index: row.status_index,
            registration: row.registration.map(hash).transpose()?,
            version: Version(row.version),
        })
    }
}

fn read_terms(text: &str) -> Result<ClientTerms, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt("clients.terms"))
}

fn written(terms: &ClientTerms) -> Result<String, StoreError> {
    serde_json::to_string(terms).map_err(|_| StoreError::Corrupt("clients.terms"))
}

/// Gives the client its place in the status list, which is never given again.
///
/// Fails with [`StoreError::Conflict`] if the organization has a client of this name.
pub async fn insert(tx: &mut Tx, client: Client) -> Result<Client, StoreError> {
    let status_index = counters::next(tx, counters::STATUS_INDEX).await?;
    let terms = written(&client.terms)?;
    execute!(
        tx,
        INSERT(
            client.id.0,
            client.organization_id.0,
            client.name.as_str(),
            terms.as_str(),
            client.created_at.timestamp(),
            client.disabled_at.map(|at| at.timestamp()),
            status_index,
            client.registration.as_ref().map(SecretHash::as_bytes),
            client.version.0,
        )
    )?;
    tx.changes(Change::Client { id: client.id });
    Ok(Client { status_index, ..client })
}

pub async fn find(tx: &mut Tx, id: ClientId) -> Result<Option<Client>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND(id.0) => fetch_optional)?;
    row.map(Client::try_from).transpose()
}

/// The client with its secrets, as an exchange needs it.
pub async fn known(store: &Store, id: ClientId) -> Result<Option<KnownClient>, StoreError> {
    let mut tx = store.read().await?;
    let Some(client) = find(&mut tx, id).await? else { return Ok(None) };
    let secrets = client_secrets::of_client(&mut tx, id).await?;
    Ok(Some(KnownClient { client, secrets }))
}

/// Those of this name, whichever organization they belong to.
pub async fn named(tx: &mut Tx, name: &str) -> Result<Vec<Client>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, NAMED(name) => fetch_all)?;
    rows.into_iter().map(Client::try_from).collect()
}

/// Those within sight, of one organization if it is named; oldest first.
pub async fn list(
    tx: &mut Tx,
    sight: Sight,
    organization: Option<OrganizationId>,
    page: Page<ClientId>,
) -> Result<Vec<Client>, StoreError> {
    let (everything, top, below, _) = sight_columns(sight);
    let after = page.after.map_or(Uuid::nil(), |id| id.0);
    let organization = organization.map(|id| id.0);
    let rows: Vec<Row> = fetch!(
        tx,
        LIST(top, below, after, everything, organization, page.most) => fetch_all
    )?;
    rows.into_iter().map(Client::try_from).collect()
}

pub async fn count(tx: &mut Tx, organization: OrganizationId) -> Result<i64, StoreError> {
    let (count,): (i64,) = fetch!(tx, COUNT(organization.0) => fetch_one)?;
    Ok(count)
}

/// Unless somebody has changed it since it was read: tells whether nobody has.
pub async fn update(tx: &mut Tx, client: &Client) -> Result<bool, StoreError> {
    tx.changes(Change::Client { id: client.id });
    let terms = written(&client.terms)?;
    let disabled_at = client.disabled_at.map(|at| at.timestamp());
    let registration = client.registration.as_ref().map(SecretHash::as_bytes);
    let (id, version) = (client.id.0, client.version.0);
    let changed = execute!(
        tx,
        UPDATE(id, version, client.name.as_str(), terms.as_str(), disabled_at, registration)
    )?;
    Ok(changed == 1)
}

/// With its secrets and its refresh tokens. Tells whether nobody has changed it since it was read.
pub async fn delete(tx: &mut Tx, client: &Client) -> Result<bool, StoreError> {
    tx.changes(Change::Client { id: client.id });
    Ok(execute!(tx, DELETE(client.id.0, client.version.0))? == 1)
}
