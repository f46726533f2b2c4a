//! Works out what the token may do: where, for whom, with which scopes. Only ever takes away.

use std::sync::Arc;

use super::{
    Failed, Refusal, Wish,
    refusal::{Lack, NotHeld},
};
use crate::{
    app::App,
    directory::Standing,
    domain::{
        ApiKey, Lineage, NotGranted, Presented, Resource, Roles, Scopes, acting_organization,
        held_roles, held_scopes,
    },
};

pub(super) struct Grant {
    /// The organization acted in.
    pub(super) acting: Arc<Lineage>,
    pub(super) resource: Resource,
    pub(super) scopes: Scopes,
    /// The roles the scopes come from.
    pub(super) roles: Roles,
}

pub(super) async fn narrow(
    app: &App,
    subject: &Presented,
    standing: &Standing,
    wish: &Wish,
) -> Result<Grant, Failed> {
    let key = &subject.key;
    let person = standing.person.as_deref();
    let id =
        acting_organization(key, person, wish.organization).map_err(|_| Refusal::NoOrganization)?;
    let out_of_reach = || Refusal::OrganizationOutOfReach(id);
    let acting = app.directory.lineage(id).await?.ok_or_else(out_of_reach)?;
    let resource = resource(app, wish).await?;

    let givers: Vec<_> = standing.givers.iter().map(|giver| &**giver).collect();
    let held = held_scopes(key, person, &givers, &acting).map_err(|_| out_of_reach())?;
    let granted = held.intersection(&resource.scopes);
    // Only now: whether an organization out of reach is disabled is none of the caller's business.
    if !acting.is_enabled() {
        return Err(Refusal::OrganizationDisabled(id).into());
    }
    let roles = held_roles(key, person, &givers, &acting);
    let scopes = granted.narrow(wish.scopes.clone()).map_err(|NotGranted(scope)| {
        let lack = lack(key, &givers, &roles, &resource, &scope);
        Refusal::ScopeNotGranted(NotHeld { scope, resource: resource.identifier.clone(), lack })
    })?;
    Ok(Grant { acting, resource, scopes, roles })
}

/// Why the scope is not among those granted.
fn lack(key: &ApiKey, givers: &[&Lineage], held: &Roles, resource: &Resource, scope: &str) -> Lack {
    if !resource.scopes.contains(scope) {
        return Lack::UnknownToResource;
    }
    match &key.roles {
        None => Lack::NotInRoles(held.clone()),
        Some(roles) if givers.iter().any(|giver| giver.scopes_of(roles).contains(scope)) => {
            Lack::NotTheUsers(roles.clone())
        }
        Some(roles) => Lack::NotInRoles(roles.clone()),
    }
}

/// The resource asked for; otherwise the one that became the default last; otherwise keyturn.
async fn resource(app: &App, wish: &Wish) -> Result<Resource, Failed> {
    let registered = app.directory.resources().await?;
    let found = match &wish.resource {
        Some(asked) => {
            let mut all = registered.iter().chain([&app.own_resource]);
            let found = all.find(|resource| resource.identifier == *asked);
            found.ok_or_else(|| Refusal::UnknownResource(asked.clone()))?
        }
        None => Resource::default_of(&registered).unwrap_or(&app.own_resource),
    };
    Ok(found.clone())
}
