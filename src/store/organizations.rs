//! The `organizations` table.

use sqlx::types::Uuid;

use super::{StoreError, Tx, moment, moment_if_any, parse, roles};
use crate::{
    clock::Timestamp,
    domain::{Change, Lineage, Organization, OrganizationId, OrganizationName},
};

statements! {
    INSERT = "
        insert into organizations (id, parent_id, name, created_at, disabled_at)
        values ($1, $2, $3, $4, $5)";

    FIND = "
        select id, parent_id, name, created_at, disabled_at from organizations where id = $1";

    LIST = "
        select id, parent_id, name, created_at, disabled_at from organizations
        order by created_at, id";

    LINE = "
        with recursive line (id, parent_id, name, created_at, disabled_at, depth) as (
            select id, parent_id, name, created_at, disabled_at, 0
            from organizations where id = $1
            union all
            select o.id, o.parent_id, o.name, o.created_at, o.disabled_at, line.depth + 1
            from organizations o join line on o.id = line.parent_id
        )
        select id, parent_id, name, created_at, disabled_at from line order by depth";

    DISABLE = "
        update organizations set disabled_at = $2 where id = $1";
}

row! {
    struct Row {
        id: Uuid,
        parent_id: Option<Uuid>,
        name: String,
        created_at: i64,
        disabled_at: Option<i64>,
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
        )
    )?;
    tx.changes(Change::Organizations);
    Ok(())
}

pub async fn find(tx: &mut Tx, id: OrganizationId) -> Result<Option<Organization>, StoreError> {
    let row: Option<Row> = fetch!(tx, FIND(id.0) => fetch_optional)?;
    row.map(Organization::try_from).transpose()
}

/// All of them, oldest first.
pub async fn list(tx: &mut Tx) -> Result<Vec<Organization>, StoreError> {
    let rows: Vec<Row> = fetch!(tx, LIST() => fetch_all)?;
    rows.into_iter().map(Organization::try_from).collect()
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

/// Disables it and everything below it, or enables it again with `None`.
pub async fn disable(
    tx: &mut Tx,
    id: OrganizationId,
    at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    tx.changes(Change::Organizations);
    Ok(execute!(tx, DISABLE(id.0, at.map(|at| at.timestamp())))? == 1)
}
