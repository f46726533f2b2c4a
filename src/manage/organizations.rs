//! Makes organizations, and defines the roles they have beside the built-in ones.

use serde_json::json;

use super::{Asker, Change, Rejection, audit, taken};
use crate::{
    app::App,
    domain::{Organization, OrganizationId, OrganizationName, Role},
    store::{self, Tx},
};

/// Makes an organization; with a parent, a sub-organization.
pub async fn create(
    app: &App,
    asker: &Asker,
    name: OrganizationName,
    parent_id: Option<OrganizationId>,
) -> Result<Organization, Rejection> {
    let mut tx = app.store.write().await?;
    let organization = add(app, &mut tx, asker, name, parent_id).await?;
    app.commit(tx).await?;
    Ok(organization)
}

/// [`create`] as a part of a larger transaction.
pub(super) async fn add(
    app: &App,
    tx: &mut Tx,
    asker: &Asker,
    name: OrganizationName,
    parent_id: Option<OrganizationId>,
) -> Result<Organization, Rejection> {
    let now = app.clock.now();
    let id = OrganizationId(app.random.id(now));
    let organization = Organization { id, parent_id, name, created_at: now, disabled_at: None };
    if let Some(parent_id) = parent_id {
        let parent = store::organizations::find(tx, parent_id).await?;
        parent.ok_or(Rejection::NotFound("organization"))?;
    }
    store::organizations::insert(tx, &organization).await.map_err(taken("an organization"))?;
    let change = Change {
        action: "organization.created",
        subject: format!("organization:{id}"),
        organization_id: Some(id),
        detail: json!({ "name": organization.name, "parent_id": parent_id }),
    };
    audit(app, tx, asker, change).await?;
    Ok(organization)
}

pub async fn list(app: &App) -> Result<Vec<Organization>, Rejection> {
    let mut tx = app.store.read().await?;
    Ok(store::organizations::list(&mut tx).await?)
}

/// Disables the organization and everything below it; enables it again.
pub async fn set_enabled(
    app: &App,
    asker: &Asker,
    id: OrganizationId,
    enabled: bool,
) -> Result<(), Rejection> {
    let mut tx = app.store.write().await?;
    let at = (!enabled).then(|| app.clock.now());
    if !store::organizations::disable(&mut tx, id, at).await? {
        return Err(Rejection::NotFound("organization"));
    }
    let change = Change {
        action: if enabled { "organization.enabled" } else { "organization.disabled" },
        subject: format!("organization:{id}"),
        organization_id: Some(id),
        detail: json!({}),
    };
    audit(app, &mut tx, asker, change).await?;
    Ok(app.commit(tx).await?)
}

/// Every role that an organization defines.
pub async fn list_roles(app: &App) -> Result<Vec<Role>, Rejection> {
    let mut tx = app.store.read().await?;
    Ok(store::roles::list(&mut tx).await?)
}

/// Defines a role for an organization and everything below it, or changes what it means.
pub async fn define_role(app: &App, asker: &Asker, role: Role) -> Result<(), Rejection> {
    if role.name.built_in().is_some() {
        return Err(Rejection::BuiltInRole(role.name));
    }
    let mut tx = app.store.write().await?;
    let organization = store::organizations::find(&mut tx, role.organization_id).await?;
    organization.ok_or(Rejection::NotFound("organization"))?;
    store::roles::set(&mut tx, &role).await?;
    let change = Change {
        action: "role.defined",
        subject: format!("role:{}", role.name),
        organization_id: Some(role.organization_id),
        detail: json!({ "scopes": role.scopes.to_string() }),
    };
    audit(app, &mut tx, asker, change).await?;
    Ok(app.commit(tx).await?)
}
