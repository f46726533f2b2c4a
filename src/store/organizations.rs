//! The `organizations` table.

use sqlx::types::Uuid;

use super::{Page, StoreError, Tx, memberships, moment, moment_if_any, parse, roles};
use crate::domain::{
    Change, Lineage, Organization, OrganizationId, OrganizationName, Sight, Version,
};

statements! {
    INSERT = "
        insert into organizations (id, parent_id, name, created_at, disabled_at, version)
        values ($1, $2, $3, $4, $5, $6)";

    FIND = "
        select id, parent_id, name, created_at, disabled_at, version
        from organizations where id = $1";

    LIST = "
        with recursive seen (id) as (
            select id from organizations where id = $1
            union all
            select o.id from organizations o join seen on o.parent_id = seen.id where $2
        )
        select id, parent_id, name, created_at, disabled_at, version from organizations
        where id > $3 and ($4 or id in (select id from seen)) and (parent_id = $5 or $5 is null)
        order by id limit $6";

    LINE = "
        with recursive line (id, parent_id, name, created_at, disabled_at, version, depth) as (
            select id, parent_id, name, created_at, disabled_at, version, 0
            from organizations where id = $1
            union all
            select o.id, o.parent_id, o.name, o.created_at, o.disabled_at, o.version, line.depth + 1
            from organizations o join line on o.id = line.parent_id
        )
        select id, parent_id, name, created_at, disabled_at, version from line order by depth";

    OPERATORS = "
        select id from organizations where runs_server = 1";

    NO_OPERATORS = "
        update organizations set runs_server = null where runs_server = 1";

    SET_OPERATORS = "
        update organizations set runs_server = 1 where id = $1 and parent_id is null";

    UPDATE = "
        update organizations set name = $3, disabled_at = $4, version = version + 1
        where id = $1 and version = $2";

    DELETE_MEMBERSHIPS = "
        delete from memberships where organization_id = $1";

    DELETE_ROLES = "
        delete from roles where organization_id = $1";

    DELETE = "
        delete from organizations where id = $1 and version = $2";
}

row! {
    struct Row {
        id: Uuid,
        parent_id: Option<Uuid>,
        name: String,
        created_at: i64,
        disabled_at: Option<i64>,
        version: i64,
    }
}

impl TryFrom<Row> for Organization {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: OrganizationId(row.id),
            parent_id: row.parent_id.map(OrganizationId),
            name: parse::<OrganizationName>("organizations.name", &row.name)?,
            created_at: moment("organizations.created_at", row.created_at)?,
            disabled_at: moment_if_any("organizations.disabled_at", row.disabled_at)?,
            version: Version(row.version),
        })
    }
}

/// Fails with [`StoreError::Conflict`] if a sibling has the name.
pub async fn insert(tx: &mut Tx, organization: &Organization) -> Result<(), StoreError> {
    execute!(
        tx,
        INSERT(
            organization.id.0,
            organization.parent_id.map(|id| id.0),
            organization.name.as_str(),
            organization.created_at.timestamp(),
            organization.disabled_at.map(|at| at.timestamp()),
            organization.version.0,
        )
    )?;
    tx.changes(Change::Organizations);
    Ok(())
}

pub async fn find(tx: &mut Tx, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND(id.0) => fetch_optional)?;
    row.map(Organization::try_from).transpose()
}

/// Those within sight after the one with this id, oldest first; of one parent, if that is named.
pub async fn list(
    tx: &mut Tx,
    sight: Sight,
    parent: Option<OrganizationId>,
    page: Page<OrganizationId>,
) -> Result<Vec<Organization>, StoreError> {
    let (everything, organization, below, _) = super::sight_columns(sight);
    let after = page.after.map_or(Uuid::nil(), |id| id.0);
    let parent = parent.map(|id| id.0);
    let rows: Vec<Row> =
        fetch!(tx, LIST(organization, below, after, everything, parent, page.most) => fetch_all)?;
    rows.into_iter().map(Organization::try_from).collect()
}

/// The organization that runs the server; `None` where there is no organization yet.
pub async fn operators(tx: &mut Tx) -> Result<Option<OrganizationId>, StoreError> {
    let row: Option<(Uuid,)> = fetch!(tx, OPERATORS() => fetch_optional)?;
    Ok(row.map(|(id,)| OrganizationId(id)))
}

/// Lets this organization run the server, in place of the one that did. Tells whether it is there,
/// as the root of a tree.
pub async fn set_operators(tx: &mut Tx, id: OrganizationId) -> Result<bool, StoreError> {
    tx.changes(Change::Organizations);
    execute!(tx, NO_OPERATORS())?;
    Ok(execute!(tx, SET_OPERATORS(id.0))? == 1)
}

/// The organization with what it inherits; `None` if there is no such organization.
pub async fn lineage(tx: &mut Tx, id: OrganizationId) -> Result<Option<Lineage>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, LINE(id.0) => fetch_all)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let line = rows.into_iter().map(Organization::try_from).collect::<Result<_, _>>()?;
    Ok(Some(Lineage { line, roles: roles::inherited_by(tx, id).await? }))
}

/// Writes all that may change, unless it was changed since it was read; tells whether it was
/// written. Fails with [`StoreError::Conflict`] if a sibling has the name.
pub async fn update(tx: &mut Tx, organization: &Organization) -> Result<bool, StoreError> {
    let Organization { id, version, name, disabled_at, .. } = organization;
    let disabled_at = disabled_at.map(|at| at.timestamp());
    tx.changes(Change::Organizations);
    Ok(execute!(tx, UPDATE(id.0, version.0, name.as_str(), disabled_at))? == 1)
}

/// Deletes it with its roles and memberships, unless it was changed since it was read; tells
/// whether it was written. Nothing else may belong to it.
pub async fn delete(tx: &mut Tx, organization: &Organization) -> Result<bool, StoreError> {
    let Organization { id, version, .. } = organization;
    for user in memberships::users_of(tx, *id).await? {
        tx.changes(Change::User { id: user });
    }
    execute!(tx, DELETE_MEMBERSHIPS(id.0))?;
    execute!(tx, DELETE_ROLES(id.0))?;
    tx.changes(Change::Organizations);
    Ok(execute!(tx, DELETE(id.0, version.0))? == 1)
}
