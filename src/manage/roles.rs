//! Defines the roles that organizations have beside the built-in ones.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Asker, Change, Judged, Obstacle, Rejection, audit, trusts};
use crate::{
    app::App,
    domain::{Below, Expected, Given, OrganizationId, Role, RoleName, Scopes, Sight, Version},
    store::{self, Page, Tx},
};

const READ: &str = "roles:read";
const WRITE: &str = "roles:write";

/// Every role that an organization within sight defines.
pub async fn list(app: &App, asker: &Asker) -> Result<Vec<Role>, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    Ok(store::roles::list(&mut tx, asker.sight()).await?)
}

/// A role that can be given in an organization.
#[derive(Clone, Debug)]
pub struct Known {
    pub name: RoleName,
    pub scopes: Scopes,
    pub origin: Origin,
}

/// Where a role is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    Own,
    /// `None`: above what the asker may know of.
    Above(Option<OrganizationId>),
}

/// The roles that can be given in this organization, by name: built in, its own, and those of the
/// organizations above it.
pub async fn known(
    app: &App,
    asker: &Asker,
    organization: OrganizationId,
    page: &Page<RoleName>,
) -> Result<Vec<Known>, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    let lineage = asker.organization(&mut tx, organization).await?;
    let in_sight = asker.authority.line_in_sight(&lineage);
    let mut known = BTreeMap::new();
    // The nearest definition of a name counts.
    for above in lineage.line.iter().rev() {
        let seen = in_sight.iter().any(|it| it.id == above.id);
        let is_own = above.id == organization;
        let origin = if is_own { Origin::Own } else { Origin::Above(seen.then_some(above.id)) };
        let alone = Sight::Of { organization: above.id, below: Below::Excluded, user: None };
        for Role { name, scopes, .. } in store::roles::list(&mut tx, alone).await? {
            known.insert(name.clone(), Known { name, scopes, origin });
        }
    }
    for (name, scopes) in RoleName::all_built_in() {
        known.insert(name.clone(), Known { name, scopes, origin: Origin::BuiltIn });
    }
    let most = usize::try_from(page.most).unwrap_or(usize::MAX);
    let comes_after = |role: &Known| page.after.as_ref().is_none_or(|after| role.name > *after);
    Ok(known.into_values().filter(comes_after).take(most).collect())
}

/// As this organization itself defines it.
pub async fn show(
    app: &App,
    asker: &Asker,
    organization: OrganizationId,
    name: &RoleName,
) -> Result<Role, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    asker.organization(&mut tx, organization).await?;
    let role = store::roles::find(&mut tx, organization, name).await?;
    role.ok_or(Rejection::NotFound("role"))
}

/// A role as someone wants it.
#[derive(Clone, Debug)]
pub struct Definition {
    pub organization_id: OrganizationId,
    pub name: RoleName,
    pub scopes: Scopes,
}

/// Defines a role for an organization and everything below it, or changes what it means.
pub async fn define(
    app: &App,
    asker: &Asker,
    expected: &Expected,
    new: Definition,
) -> Result<Role, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let role = set(app, &mut tx, asker, expected, new).await?;
    app.commit(tx).await?;
    Ok(role)
}

/// [`define`] as a part of a larger transaction.
pub(super) async fn set(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    expected: &Expected,
    new: Definition,
) -> Result<Role, Rejection> {
    asker.must(WRITE)?;
    let Definition { organization_id, name, scopes } = new;
    if name.built_in().is_some() {
        return Err(Rejection::BuiltInRole(name));
    }
    asker.organization(tx, organization_id).await?;
    let before = store::roles::find(tx, organization_id, &name).await?;
    // Who has the role has all of it, from anywhere, below this organization as well.
    let reach = asker.reach_of_right(tx, organization_id).await?;
    let was = before.as_ref().map(|role| &role.scopes);
    let given = [&scopes].into_iter().chain(was);
    let given: Vec<_> = given.map(|it| Given::right(it.clone(), reach.clone())).collect();
    asker.must_hold(&given)?;
    let version = match (&before, expected) {
        (None, Expected::Any | Expected::Absent) => Version::FIRST,
        (Some(before), _) if expected.allows(before.version) => Version(before.version.0 + 1),
        (Some(_), Expected::Absent) => return Err(Rejection::NameTaken("a role")),
        _ => return Err(Rejection::ChangedMeanwhile),
    };
    let role = Role { organization_id, name, scopes, version };
    if !store::roles::set(tx, &role).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    let before = before.map(|role| role.scopes.to_string());
    let detail = json!({ "from": before, "to": role.scopes.to_string() });
    audit(app, tx, asker, event("role.defined", &role, detail));
    Ok(role)
}

/// Deletes a role that no key, no member and no trust policy has.
pub async fn delete(
    app: &App,
    asker: &Asker,
    organization: OrganizationId,
    name: &RoleName,
    expected: &Expected,
) -> Result<(), Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    asker.organization(&mut tx, organization).await?;
    let role = store::roles::find(&mut tx, organization, name).await?;
    let role = role.ok_or(Rejection::NotFound("role"))?;
    if !expected.allows(role.version) {
        return Err(Rejection::ChangedMeanwhile);
    }
    // First, so that no one is given it any more.
    if !store::roles::delete(&mut tx, &role).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    let (keys, members) = store::roles::used_by(&mut tx, organization, name).await?;
    let keys = keys.into_iter().map(|(id, name)| Obstacle { kind: "api_key", id, name });
    let members = members.into_iter().map(|(id, name)| Obstacle { kind: "member", id, name });
    let rules = trusts::giving(&mut tx, organization, name).await?;
    let obstacles: Vec<_> = keys.chain(members).chain(rules).collect();
    if !obstacles.is_empty() {
        return Err(Rejection::StillUsed(obstacles));
    }
    audit(app, &mut tx, asker, event("role.deleted", &role, json!({})));
    Ok(app.commit(tx).await?)
}

fn event(action: &'static str, role: &Role, detail: serde_json::Value) -> Change {
    let subject = format!("role:{}", role.name);
    Change { action, subject, organization_id: Some(role.organization_id), detail }
}
