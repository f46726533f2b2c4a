//! The `api_keys` table.

use sqlx::types::Uuid;

use super::{Page, StoreError, Tx, moment, moment_if_any, parse};
use crate::{
    clock::Timestamp,
    domain::{
        ApiKey, ApiKeyId, Change, KeyName, OrganizationId, Owner, Sight, Status, Text, UserId,
        Version,
    },
};

statements! {
    INSERT = "
        insert into api_keys (
            id, organization_id, user_id, name, description, roles, reach, allowed_networks,
            created_at, expires_at, disabled_at, locked_at, revoked_at, when_leaked, proof, version)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

    FIND = "
        select id, organization_id, user_id, name, description, roles, reach, allowed_networks,
            created_at, expires_at, disabled_at, locked_at, revoked_at, when_leaked, proof, version
        from api_keys where id = $1";

    NAMED = "
        select id, organization_id, user_id, name, description, roles, reach, allowed_networks,
            created_at, expires_at, disabled_at, locked_at, revoked_at, when_leaked, proof, version
        from api_keys where name = $1 order by created_at, id";

    LIST = "
        with recursive seen (id) as (
            select id from organizations where id = $1
            union all
            select o.id from organizations o join seen on o.parent_id = seen.id where $2
        )
        select id, organization_id, user_id, name, description, roles, reach, allowed_networks,
            created_at, expires_at, disabled_at, locked_at, revoked_at, when_leaked, proof, version
        from api_keys
        where id > $3
            and ($4 or organization_id in (select id from seen) or user_id = $5)
            and (organization_id = $6 or $6 is null)
            and (user_id = $7 or $7 is null)
            and (name = $8 or $8 is null)
            and (expires_at <= $9 or $9 is null)
            and (created_at < $10 and not exists (
                select 1 from api_key_secrets s
                where s.api_key_id = api_keys.id and s.last_used_minute >= $11) or $10 is null)
            and ($12 = case
                when revoked_at is not null then 'revoked'
                when expires_at <= $13 then 'expired'
                when disabled_at is not null then 'disabled'
                else 'active' end or $12 is null)
        order by id limit $14";

    COUNT_IN_TREE = "
        with recursive tree (id) as (
            select id from organizations where id = $1
            union all
            select o.id from organizations o join tree on o.parent_id = tree.id
        )
        select count(*) from api_keys
        where organization_id in (select id from tree) and revoked_at is null";

    COUNT = "
        select count(*) from api_keys where organization_id = $1 and revoked_at is null";

    HASHES = "
        select hash from api_key_secrets where api_key_id = $1";

    UPDATE = "
        update api_keys set description = $3, roles = $4, reach = $5, allowed_networks = $6,
            expires_at = $7, disabled_at = $8, locked_at = $9, revoked_at = $10,
            when_leaked = $11, proof = $12, version = version + 1
        where id = $1 and version = $2";

    DELETE = "
        delete from api_keys where id = $1 and version = $2";
}

row! {
    pub(super) struct Row {
        id: Uuid,
        organization_id: Option<Uuid>,
        user_id: Option<Uuid>,
        name: String,
        description: String,
        roles: Option<String>,
        reach: String,
        allowed_networks: String,
        created_at: i64,
        expires_at: Option<i64>,
        disabled_at: Option<i64>,
        locked_at: Option<i64>,
        revoked_at: Option<i64>,
        when_leaked: String,
        proof: String,
        version: i64,
    }
}

impl TryFrom<Row> for ApiKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let owner = match (row.organization_id, row.user_id) {
            (Some(id), None) => Owner::Organization(OrganizationId(id)),
            (None, Some(id)) => Owner::User(UserId(id)),
            _ => return Err(StoreError::Corrupt("api_keys.organization_id")),
        };
        Ok(Self {
            id: ApiKeyId(row.id),
            owner,
            name: parse("api_keys.name", &row.name)?,
            description: Text::from_stored(row.description),
            roles: row.roles.map(|roles| parse("api_keys.roles", &roles)).transpose()?,
            reach: parse("api_keys.reach", &row.reach)?,
            allowed_networks: parse("api_keys.allowed_networks", &row.allowed_networks)?,
            created_at: moment("api_keys.created_at", row.created_at)?,
            expires_at: moment_if_any("api_keys.expires_at", row.expires_at)?,
            disabled_at: moment_if_any("api_keys.disabled_at", row.disabled_at)?,
            locked_at: moment_if_any("api_keys.locked_at", row.locked_at)?,
            revoked_at: moment_if_any("api_keys.revoked_at", row.revoked_at)?,
            when_leaked: parse("api_keys.when_leaked", &row.when_leaked)?,
            proof: parse("api_keys.proof", &row.proof)?,
            version: Version(row.version),
        })
    }
}

/// An owner as its two columns.
fn columns(owner: Owner) -> (Option<Uuid>, Option<Uuid>) {
    match owner {
        Owner::Organization(id) => (Some(id.0), None),
        Owner::User(id) => (None, Some(id.0)),
    }
}

/// Fails with [`StoreError::Conflict`] if the owner has a key of this name.
pub async fn insert(tx: &mut Tx, key: &ApiKey) -> Result<(), StoreError> {
    let (organization_id, user_id) = columns(key.owner);
    execute!(
        tx,
        INSERT(
            key.id.0,
            organization_id,
            user_id,
            key.name.as_str(),
            key.description.as_str(),
            key.roles.as_ref().map(ToString::to_string),
            key.reach.to_string(),
            key.allowed_networks.to_string(),
            key.created_at.timestamp(),
            key.expires_at.map(|at| at.timestamp()),
            key.disabled_at.map(|at| at.timestamp()),
            key.locked_at.map(|at| at.timestamp()),
            key.revoked_at.map(|at| at.timestamp()),
            key.when_leaked.as_str(),
            key.proof.to_string(),
            key.version.0,
        )
    )?;
    Ok(())
}

pub async fn find(tx: &mut Tx, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND(id.0) => fetch_optional)?;
    row.map(ApiKey::try_from).transpose()
}

/// The keys of this name, no matter who owns them, oldest first.
pub async fn named(tx: &mut Tx, name: &KeyName) -> Result<Vec<ApiKey>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, NAMED(name.as_str()) => fetch_all)?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// Which keys to list. What is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub organization: Option<OrganizationId>,
    pub user: Option<UserId>,
    pub name: Option<KeyName>,
    pub status: Option<Status>,
    /// Those that will have expired by then.
    pub expires_by: Option<Timestamp>,
    /// Those neither made nor used since then, as far as is known: a use is remembered up to two
    /// hours too early.
    pub unused_since: Option<Timestamp>,
}

/// The keys within sight after the one with this id, oldest first.
pub async fn list(
    tx: &mut Tx,
    sight: Sight,
    filter: &Filter,
    page: Page<ApiKeyId>,
    now: Timestamp,
) -> Result<Vec<ApiKey>, StoreError> {
    let (everything, organization, below, user) = super::sight_columns(sight);
    let unused_since = filter.unused_since.map(|at| at.timestamp());
    let rows: Vec<Row> = fetch!(tx, LIST(
        organization,
        below,
        page.after.map_or(Uuid::nil(), |id| id.0),
        everything,
        user,
        filter.organization.map(|id| id.0),
        filter.user.map(|id| id.0),
        filter.name.as_ref().map(KeyName::as_str),
        filter.expires_by.map(|at| at.timestamp()),
        unused_since,
        unused_since.map(|at| at / 60),
        filter.status.map(Status::as_str),
        now.timestamp(),
        page.most,
    ) => fetch_all)?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// How many keys that are not revoked belong to the organization and those below it.
pub async fn count_in_tree(tx: &mut Tx, root: OrganizationId) -> Result<i64, StoreError> {
    let (count,): (i64,) = fetch!(tx, COUNT_IN_TREE(root.0) => fetch_one)?;
    Ok(count)
}

/// How many keys that are not revoked belong to this very organization.
pub async fn count(tx: &mut Tx, organization: OrganizationId) -> Result<i64, StoreError> {
    let (count,): (i64,) = fetch!(tx, COUNT(organization.0) => fetch_one)?;
    Ok(count)
}

/// Writes all that may change of a key, unless it was changed since it was read; tells whether it
/// was written. Every node forgets the key.
pub async fn update(tx: &mut Tx, key: &ApiKey) -> Result<bool, StoreError> {
    let changed = execute!(
        tx,
        UPDATE(
            key.id.0,
            key.version.0,
            key.description.as_str(),
            key.roles.as_ref().map(ToString::to_string),
            key.reach.to_string(),
            key.allowed_networks.to_string(),
            key.expires_at.map(|at| at.timestamp()),
            key.disabled_at.map(|at| at.timestamp()),
            key.locked_at.map(|at| at.timestamp()),
            key.revoked_at.map(|at| at.timestamp()),
            key.when_leaked.as_str(),
            key.proof.to_string(),
        )
    )?;
    mark_changed(tx, key.id).await?;
    Ok(changed == 1)
}

/// Deletes the key with its secrets, unless it was changed since it was read; tells whether it was
/// written.
pub async fn delete(tx: &mut Tx, key: &ApiKey) -> Result<bool, StoreError> {
    mark_changed(tx, key.id).await?;
    Ok(execute!(tx, DELETE(key.id.0, key.version.0))? == 1)
}

/// Tells every node to forget the key, by whichever of its secrets it knows it.
pub(super) async fn mark_changed(tx: &mut Tx, id: ApiKeyId) -> Result<(), StoreError> {
    let hashes: Vec<(Vec<u8>,)> = fetch!(tx, HASHES(id.0) => fetch_all)?;
    for (hash,) in hashes {
        let hash = hash.try_into().map_err(|_| StoreError::Corrupt("api_key_secrets.hash"))?;
        tx.changes(Change::secret(&hash));
    }
    Ok(())
}
