//! The `roles` table: what organizations define beside the built-in roles.

use std::{collections::BTreeMap, sync::Arc};

use sqlx::types::Uuid;

use super::{StoreError, Tx, parse};
use crate::domain::{Change, OrganizationId, Role, RoleName, Scopes, Sight, Version};

statements! {
    INSERT = "
        insert into roles (organization_id, name, scopes, version) values ($1, $2, $3, $4)
        on conflict (organization_id, name) do nothing";

    UPDATE = "
        update roles set scopes = $3, version = $4
        where organization_id = $1 and name = $2 and version = $4 - 1";

    INHERITED = "
        with recursive line (id, parent_id, depth) as (
            select id, parent_id, 0 from organizations where id = $1
            union all
            select o.id, o.parent_id, line.depth + 1
            from organizations o join line on o.id = line.parent_id
        )
        select roles.name, roles.scopes
        from roles join line on roles.organization_id = line.id
        order by line.depth desc";

    FIND = "
        select organization_id, name, scopes, version from roles
        where organization_id = $1 and name = $2";

    LIST = "
        with recursive seen (id) as (
            select id from organizations where id = $1
            union all
            select o.id from organizations o join seen on o.parent_id = seen.id where $2
        )
        select organization_id, name, scopes, version from roles
        where $3 or organization_id in (select id from seen)
        order by organization_id, name";

    HOLD = "
        with recursive line (id, parent_id) as (
            select id, parent_id from organizations where id = $1
            union all
            select o.id, o.parent_id from organizations o join line on o.id = line.parent_id
        )
        update roles set version = version
        where name = $2 and organization_id in (select id from line)";

    KEYS_WITH = "
        with recursive below (id) as (
            select id from organizations where id = $1
            union all
            select o.id from organizations o join below on o.parent_id = below.id
        )
        select id, name from api_keys
        where revoked_at is null and organization_id in (select id from below)
            and replace(' ' || roles || ' ', ' ' || $2 || ' ', '') <> ' ' || roles || ' '
        order by id limit 20";

    MEMBERS_WITH = "
        with recursive below (id) as (
            select id from organizations where id = $1
            union all
            select o.id from organizations o join below on o.parent_id = below.id
        )
        select u.id, u.email from memberships m join users u on u.id = m.user_id
        where m.organization_id in (select id from below) and m.role = $2
        order by u.id limit 20";

    DELETE = "
        delete from roles where organization_id = $1 and name = $2 and version = $3";
}

/// Defines the role or changes what it means, for its organization and everything below, unless it
/// was changed since it was read; tells whether it was written.
pub async fn set(tx: &mut Tx, role: &Role) -> Result<bool, StoreError> {
    let Role { organization_id, name, scopes, version } = role;
    tx.changes(Change::Organizations);
    let scopes = scopes.to_string();
    let written = if *version == Version::FIRST {
        execute!(tx, INSERT(organization_id.0, name.as_str(), scopes.as_str(), version.0))?
    } else {
        execute!(tx, UPDATE(organization_id.0, name.as_str(), scopes.as_str(), version.0))?
    };
    Ok(written == 1)
}

/// The roles an organization has by itself and from above; the nearest definition of a name.
pub(super) async fn inherited_by(
    tx: &mut Tx,
    id: OrganizationId,
) -> Result<BTreeMap<RoleName, Arc<Scopes>>, StoreError> {
    let rows: Vec<(String, String)> = fetch!(tx, INHERITED(id.0) => fetch_all)?;
    rows.into_iter()
        .map(|(name, scopes)| {
            Ok((parse("roles.name", &name)?, Arc::new(parse("roles.scopes", &scopes)?)))
        })
        .collect()
}

row! {
    struct Row { organization_id: Uuid, name: String, scopes: String, version: i64 }
}

impl TryFrom<Row> for Role {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            organization_id: OrganizationId(row.organization_id),
            name: parse("roles.name", &row.name)?,
            scopes: parse("roles.scopes", &row.scopes)?,
            version: Version(row.version),
        })
    }
}

/// As this organization itself defines it.
pub async fn find(
    tx: &mut Tx,
    organization: OrganizationId,
    name: &RoleName,
) -> Result<Option<Role>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND(organization.0, name.as_str()) => fetch_optional)?;
    row.map(Role::try_from).transpose()
}

/// Every role that an organization within sight defines.
pub async fn list(tx: &mut Tx, sight: Sight) -> Result<Vec<Role>, StoreError> {
    let (everything, organization, below, _) = super::sight_columns(sight);
    let rows: Vec<Row> = fetch!(tx, LIST(organization, below, everything) => fetch_all)?;
    rows.into_iter().map(Role::try_from).collect()
}

/// Keeps every definition of this role, here and above, until the transaction has ended: what the
/// role means is read after this, and anyone who deletes one sees who has been given it.
pub async fn hold(
    tx: &mut Tx,
    organization: OrganizationId,
    name: &RoleName,
) -> Result<(), StoreError> {
    execute!(tx, HOLD(organization.0, name.as_str()))?;
    Ok(())
}

/// Keys and members, by id and name, that have a role of this name here or below; not more than 20
/// of either.
pub async fn used_by(
    tx: &mut Tx,
    organization: OrganizationId,
    name: &RoleName,
) -> Result<(Vec<(Uuid, String)>, Vec<(Uuid, String)>), StoreError> {
    let keys = fetch!(tx, KEYS_WITH(organization.0, name.as_str()) => fetch_all)?;
    let members = fetch!(tx, MEMBERS_WITH(organization.0, name.as_str()) => fetch_all)?;
    Ok((keys, members))
}

/// Deletes the role, unless it was changed since it was read; tells whether it was written.
pub async fn delete(tx: &mut Tx, role: &Role) -> Result<bool, StoreError> {
    let Role { organization_id, name, version, .. } = role;
    tx.changes(Change::Organizations);
    Ok(execute!(tx, DELETE(organization_id.0, name.as_str(), version.0))? == 1)
}
