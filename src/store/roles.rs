//! The `roles` table: what organizations define beside the built-in roles.

use std::{collections::BTreeMap, sync::Arc};

use sqlx::types::Uuid;

use super::{StoreError, Tx, parse};
use crate::domain::{Change, OrganizationId, Role, RoleName, Scopes};

statements! {
    SET = "
        insert into roles (organization_id, name, scopes) values ($1, $2, $3)
        on conflict (organization_id, name) do update set scopes = excluded.scopes";

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

    LIST = "
        select organization_id, name, scopes from roles order by organization_id, name";
}

/// Defines the role or changes what it means, for its organization and everything below.
pub async fn set(tx: &mut Tx, role: &Role) -> Result<(), StoreError> {
    let scopes = role.scopes.to_string();
    execute!(tx, SET(role.organization_id.0, role.name.as_str(), scopes.as_str()))?;
    tx.changes(Change::Organizations);
    Ok(())
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

/// Every role that some organization defines.
pub async fn list(tx: &mut Tx) -> Result<Vec<Role>, StoreError> {
    let rows: Vec<(Uuid, String, String)> = fetch!(tx, LIST() => fetch_all)?;
    rows.into_iter()
        .map(|(organization_id, name, scopes)| {
            Ok(Role {
                organization_id: OrganizationId(organization_id),
                name: parse("roles.name", &name)?,
                scopes: parse("roles.scopes", &scopes)?,
            })
        })
        .collect()
}
