//! The `api_keys` table.

use sqlx::types::Uuid;

use super::{StoreError, Tx, api_key_secrets, moment, moment_if_any, parse};
use crate::{
    clock::Timestamp,
    domain::{ApiKey, ApiKeyId, KeyName, OrganizationId, Owner, Roles, UserId},
};

statements! {
    INSERT = "
        insert into api_keys (
            id, organization_id, user_id, name, description, roles, reach, allowed_networks,
            created_at, expires_at, disabled_at, revoked_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

    FIND = "
        select id, organization_id, user_id, name, description, roles, reach, allowed_networks,
            created_at, expires_at, disabled_at, revoked_at
        from api_keys where id = $1";

    NAMED = "
        select id, organization_id, user_id, name, description, roles, reach, allowed_networks,
            created_at, expires_at, disabled_at, revoked_at
        from api_keys where name = $1 order by created_at, id";

    LIST = "
        select id, organization_id, user_id, name, description, roles, reach, allowed_networks,
            created_at, expires_at, disabled_at, revoked_at
        from api_keys order by created_at, id";

    COUNT_IN_TREE = "
        with recursive tree (id) as (
            select id from organizations where id = $1
            union all
            select o.id from organizations o join tree on o.parent_id = tree.id
        )
        select count(*) from api_keys
        where organization_id in (select id from tree) and revoked_at is null";

    REVOKE = "
        update api_keys set revoked_at = $2 where id = $1 and revoked_at is null";

    DISABLE = "
        update api_keys set disabled_at = $2 where id = $1";

    SET_EXPIRY = "
        update api_keys set expires_at = $2 where id = $1";

    SET_ROLES = "
        update api_keys set roles = $2 where id = $1";
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
        revoked_at: Option<i64>,
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
            description: row.description,
            roles: row.roles.map(|roles| parse("api_keys.roles", &roles)).transpose()?,
            reach: parse("api_keys.reach", &row.reach)?,
            allowed_networks: parse("api_keys.allowed_networks", &row.allowed_networks)?,
            created_at: moment("api_keys.created_at", row.created_at)?,
            expires_at: moment_if_any("api_keys.expires_at", row.expires_at)?,
            disabled_at: moment_if_any("api_keys.disabled_at", row.disabled_at)?,
            revoked_at: moment_if_any("api_keys.revoked_at", row.revoked_at)?,
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
            key.revoked_at.map(|at| at.timestamp()),
        )
    )?;
    Ok(())
}

pub async fn find(tx: &mut Tx, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND(id.0) => fetch_optional)?;
    row.map(ApiKey::try_from).transpose()
}

/// The keys of this name, whoever owns them, oldest first.
pub async fn named(tx: &mut Tx, name: &KeyName) -> Result<Vec<ApiKey>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, NAMED(name.as_str()) => fetch_all)?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// All of them, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<ApiKey>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, LIST() => fetch_all)?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// How many keys that are not revoked belong to the organization and those below it.
pub async fn count_in_tree(tx: &mut Tx, root: OrganizationId) -> Result<i64, StoreError> {
    let (count,): (i64,) = fetch!(tx, COUNT_IN_TREE(root.0) => fetch_one)?;
    Ok(count)
}

/// Tells whether the key was still there to revoke; the first revocation wins.
pub async fn revoke(tx: &mut Tx, id: ApiKeyId, at: Timestamp) -> Result<bool, StoreError> {
    let done = execute!(tx, REVOKE(id.0, at.timestamp()))? == 1;
    api_key_secrets::mark_changed(tx, id).await?;
    Ok(done)
}

/// Disables the key, or enables it again with `None`.
pub async fn disable(tx: &mut Tx, id: ApiKeyId, at: Option<Timestamp>) -> Result<bool, StoreError> {
    let done = execute!(tx, DISABLE(id.0, at.map(|at| at.timestamp())))? == 1;
    api_key_secrets::mark_changed(tx, id).await?;
    Ok(done)
}

/// Lets the key expire at another moment, or never.
pub async fn set_expiry(
    tx: &mut Tx,
    id: ApiKeyId,
    at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let done = execute!(tx, SET_EXPIRY(id.0, at.map(|at| at.timestamp())))? == 1;
    api_key_secrets::mark_changed(tx, id).await?;
    Ok(done)
}

/// Takes effect at the next exchange, with the same secret.
pub async fn set_roles(tx: &mut Tx, id: ApiKeyId, roles: &Roles) -> Result<bool, StoreError> {
    let done = execute!(tx, SET_ROLES(id.0, roles.to_string()))? == 1;
    api_key_secrets::mark_changed(tx, id).await?;
    Ok(done)
}
