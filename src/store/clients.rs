//! The `clients` table.

use sqlx::types::Uuid;

use super::{
    Page, Store, StoreError, Tx, client_secrets, counters, moment, moment_if_any, parse,
    sight_columns,
};
use crate::domain::{
    Change, Client, ClientId, ClientTerms, KnownClient, OrganizationId, Registration, SecretHash,
    SecretId, SelfDescription, Sight, Version,
};

statements! {
    INSERT = "
        insert into clients (
            id, organization_id, name, terms, created_at, disabled_at, status_index, registration,
            registration_before, registration_secret, description, version)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

    FIND = "
        select id, organization_id, name, terms, created_at, disabled_at, status_index,
            registration, registration_before, registration_secret, description, version
        from clients where id = $1";

    NAMED = "
        select id, organization_id, name, terms, created_at, disabled_at, status_index,
            registration, registration_before, registration_secret, description, version
        from clients where name = $1 order by created_at, id";

    LIST = "
        with recursive seen (id) as (
            select id from organizations where id = $1
            union all
            select o.id from organizations o join seen on o.parent_id = seen.id where $2
        )
        select id, organization_id, name, terms, created_at, disabled_at, status_index,
            registration, registration_before, registration_secret, description, version
        from clients
        where id > $3 and ($4 or organization_id in (select id from seen))
            and (organization_id = $5 or $5 is null)
        order by id limit $6";

    IDS = "
        select id from clients where id > $1 order by id limit $2";

    COUNT = "
        select count(*) from clients where organization_id = $1 and registration is null";

    UPDATE = "
        update clients set name = $3, terms = $4, disabled_at = $5, registration = $6,
            registration_before = $7, registration_secret = $9, description = $8, version = version + 1
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
        registration_before: Option<Vec<u8>>,
        registration_secret: Option<Uuid>,
        description: Option<String>,
        version: i64,
    }
}

impl TryFrom<Row> for Client {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let before = hash("clients.registration_before", row.registration_before)?;
        let token = hash("clients.registration", row.registration)?;
        let secret = row.registration_secret.map(SecretId);
        Ok(Self {
            id: ClientId(row.id),
            organization_id: OrganizationId(row.organization_id),
            name: parse("clients.name", &row.name)?,
            terms: read_terms(&row.terms)?,
            created_at: moment("clients.created_at", row.created_at)?,
            disabled_at: moment_if_any("clients.disabled_at", row.disabled_at)?,
            status_index: row.status_index,
            registration: token.map(|token| Registration { token, before, secret }),
            description: read_description(row.description.as_deref())?,
            version: Version(row.version),
        })
    }
}

fn hash(column: &'static str, bytes: Option<Vec<u8>>) -> Result<Option<SecretHash>, StoreError> {
    let hash = bytes.map(SecretHash::try_from).transpose();
    hash.map_err(|_| StoreError::Corrupt(column))
}

fn read_terms(text: &str) -> Result<ClientTerms, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt("clients.terms"))
}

fn written(terms: &ClientTerms) -> Result<String, StoreError> {
    serde_json::to_string(terms).map_err(|_| StoreError::Corrupt("clients.terms"))
}

fn read_description(text: Option<&str>) -> Result<SelfDescription, StoreError> {
    let Some(text) = text else { return Ok(SelfDescription::default()) };
    serde_json::from_str(text).map_err(|_| StoreError::Corrupt("clients.description"))
}

/// Both tokens by which it manages itself.
fn tokens(client: &Client) -> (Option<&[u8]>, Option<&[u8]>) {
    let Some(Registration { token, before, .. }) = &client.registration else {
        return (None, None);
    };
    (Some(token.as_bytes()), before.as_ref().map(SecretHash::as_bytes))
}

fn secret(client: &Client) -> Option<Uuid> {
    client.registration.as_ref()?.secret.map(|id| id.0)
}

fn written_description(client: &Client) -> Result<Option<String>, StoreError> {
    let said = Some(&client.description).filter(|said| **said != SelfDescription::default());
    let text = said.map(serde_json::to_string).transpose();
    text.map_err(|_| StoreError::Corrupt("clients.description"))
}

/// Gives the client its place in the status list, which is never given again.
///
/// Fails with [`StoreError::Conflict`] if the organization has a client of this name.
pub async fn insert(tx: &mut Tx, client: Client) -> Result<Client, StoreError> {
    let status_index = counters::next(tx, counters::STATUS_INDEX).await?;
    let terms = written(&client.terms)?;
    let ((token, before), description) = (tokens(&client), written_description(&client)?);
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
            token,
            before,
            secret(&client),
            description.as_deref(),
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
pub async fn known(tx: &mut Tx, id: ClientId) -> Result<Option<KnownClient>, StoreError> {
    let Some(client) = find(tx, id).await? else { return Ok(None) };
    let secrets = client_secrets::of_client(tx, id).await?;
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

/// Those that did not register themselves.
pub async fn count(tx: &mut Tx, organization: OrganizationId) -> Result<i64, StoreError> {
    let (count,): (i64,) = fetch!(tx, COUNT(organization.0) => fetch_one)?;
    Ok(count)
}

/// The ids of all clients in their order: those that come after this one.
pub async fn ids(store: &Store, after: Uuid, most: i64) -> Result<Vec<ClientId>, StoreError> {
    let rows: Vec<(Uuid,)> = fetch_alone!(store, IDS(after, most) => fetch_all)?;
    Ok(rows.into_iter().map(|(id,)| ClientId(id)).collect())
}

/// Unless it was changed since it was read; tells whether it was written.
pub async fn update(tx: &mut Tx, client: &Client) -> Result<bool, StoreError> {
    tx.changes(Change::Client { id: client.id });
    let terms = written(&client.terms)?;
    let disabled_at = client.disabled_at.map(|at| at.timestamp());
    let ((token, before), description) = (tokens(client), written_description(client)?);
    let changed = execute!(
        tx,
        UPDATE(
            client.id.0,
            client.version.0,
            client.name.as_str(),
            terms.as_str(),
            disabled_at,
            token,
            before,
            description.as_deref(),
            secret(client),
        )
    )?;
    Ok(changed == 1)
}

/// With its secrets and its refresh tokens. Tells whether it was unchanged since it was read.
pub async fn delete(tx: &mut Tx, client: &Client) -> Result<bool, StoreError> {
    tx.changes(Change::Client { id: client.id });
    Ok(execute!(tx, DELETE(client.id.0, client.version.0))? == 1)
}
