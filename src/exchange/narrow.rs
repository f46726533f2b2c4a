//! Works out what the token may do: where, for whom, with which scopes. Only ever takes away.

use std::sync::Arc;

use super::{
    Failed, Refusal, Wish,
    identity::{Holder, Identity},
    refusal::{Lack, NotHeld},
};
use crate::{
    app::App,
    directory::Standing,
    domain::{
        ApiKey, Ceiling, Lineage, NotGranted, OrganizationId, Resource, ResourceIdentifier,
        RoleName, Roles, Scopes, acting_organization, held_roles, held_scopes,
    },
};

pub(super) struct Grant {
    /// The organization acted in.
    pub(super) acting: Arc<Lineage>,
    pub(super) resource: Resource,
    pub(super) scopes: Scopes,
    /// What the holder may do there within all bounds, whatever the resource and the wish.
    pub(super) held: Scopes,
    /// What the holder may do there, whatever the token was obtained with and by.
    pub(super) of_holder: Scopes,
    /// The roles the scopes come from.
    pub(super) roles: Roles,
}

pub(super) async fn narrow(
    app: &App,
    (identity, standing): (&Identity, &Standing),
    beside: &[(&Identity, Standing)],
    wish: &Wish,
) -> Result<Grant, Failed> {
    let bounds = identity.bounds();
    let id = acting(identity, standing, &bounds, wish)?;
    let out_of_reach = || Refusal::OrganizationOutOfReach(id);
    let acting = app.directory.lineage(id).await?.ok_or_else(out_of_reach)?;
    let resource = resource(app, &bounds, identity.usual.as_ref(), wish).await?;

    let givers: Vec<_> = standing.givers.iter().map(|giver| &**giver).collect();
    let held = held(identity, standing, &givers, &acting).ok_or_else(out_of_reach)?;
    let mut most = bounds.scopes;
    for (other, standing) in beside {
        let givers: Vec<_> = standing.givers.iter().map(|giver| &**giver).collect();
        let theirs = self::held(other, standing, &givers, &acting).ok_or_else(out_of_reach)?.scopes;
        most = Some(most.map_or(theirs.clone(), |most| most.intersection(&theirs)));
    }
    let within = most.as_ref().map(|most| held.scopes.intersection(most));
    let granted = within.as_ref().unwrap_or(&held.scopes).intersection(&resource.scopes);
    // Only now: whether an organization out of reach is disabled is none of the caller's business.
    if !acting.is_enabled() {
        return Err(Refusal::OrganizationDisabled(id).into());
    }
    let scopes = granted.narrow(wish.scopes.clone()).map_err(|NotGranted(scope)| {
        let lack = lack(identity, &givers, &held, &resource, &scope);
        Refusal::ScopeNotGranted(NotHeld { scope, resource: resource.identifier.clone(), lack })
    })?;
    let roles = match most {
        None => held.roles,
        Some(_) => covered(&held.roles, &givers, &acting, &resource, &scopes),
    };
    let of_holder = held.scopes.clone();
    let held = within.unwrap_or(held.scopes);
    Ok(Grant { acting, resource, scopes, held, of_holder, roles })
}

/// The roles that give no more here than was granted: who trusts the names of roles must not see
/// more in them.
fn covered(
    roles: &Roles,
    givers: &[&Lineage],
    acting: &Lineage,
    resource: &Resource,
    granted: &Scopes,
) -> Roles {
    let gives_no_more = |role: &&RoleName| {
        let one: Roles = [(*role).clone()].into_iter().collect();
        let mut all = givers.iter().copied().chain([acting]);
        all.all(|lineage| {
            let given = lineage.scopes_of(&one).intersection(&resource.scopes);
            given.iter().all(|scope| granted.contains(scope))
        })
    };
    roles.iter().filter(gives_no_more).cloned().collect()
}

/// The organization to act in: the one asked for, or the one that whatever was exchanged acted in,
/// or the holder's own.
fn acting(
    identity: &Identity,
    standing: &Standing,
    bounds: &Ceiling,
    wish: &Wish,
) -> Result<OrganizationId, Refusal> {
    let allowed = bounds.organizations.as_deref();
    let wanted = wish.organization.or_else(|| allowed?.first().copied());
    let id = match &identity.holder {
        Holder::Key(presented) => {
            let person = standing.person.as_deref();
            acting_organization(&presented.key, person, wanted)
                .map_err(|_| Refusal::NoOrganization)?
        }
        Holder::Client(known) => wanted.unwrap_or(known.client.organization_id),
        Holder::Workload(trust, _) => wanted.unwrap_or(trust.organization_id),
    };
    if allowed.is_none_or(|allowed| allowed.contains(&id)) {
        Ok(id)
    } else {
        Err(Refusal::OrganizationOutOfReach(id))
    }
}

/// What the holder may do in the organization acted in.
struct Held {
    scopes: Scopes,
    roles: Roles,
}

/// `None` where the holder does not reach the organization.
fn held(
    identity: &Identity,
    standing: &Standing,
    givers: &[&Lineage],
    acting: &Lineage,
) -> Option<Held> {
    match &identity.holder {
        Holder::Key(presented) => {
            let (key, person) = (&presented.key, standing.person.as_deref());
            let scopes = held_scopes(key, person, givers, acting).ok()?;
            Some(Held { scopes, roles: held_roles(key, person, givers, acting) })
        }
        Holder::Client(known) => {
            let own = known.client.organization_id == acting.id();
            own.then(|| Held { scopes: known.client.terms.scopes.clone(), roles: Roles::default() })
        }
        Holder::Workload(trust, _) => {
            let roles = &trust.terms.roles;
            let own = trust.organization_id == acting.id();
            own.then(|| Held { scopes: acting.scopes_of(roles), roles: roles.clone() })
        }
    }
}

/// Why the scope is not among those granted.
fn lack(
    identity: &Identity,
    givers: &[&Lineage],
    held: &Held,
    resource: &Resource,
    scope: &str,
) -> Lack {
    if !resource.scopes.contains(scope) {
        return Lack::UnknownToResource;
    }
    if held.scopes.contains(scope) {
        return Lack::BeyondInput;
    }
    match &identity.holder {
        Holder::Key(presented) => lack_of_key(&presented.key, givers, held, scope),
        Holder::Client(_) => Lack::NotTheClients,
        Holder::Workload(..) => Lack::NotInRoles(held.roles.clone()),
    }
}

fn lack_of_key(key: &ApiKey, givers: &[&Lineage], held: &Held, scope: &str) -> Lack {
    match &key.roles {
        None => Lack::NotInRoles(held.roles.clone()),
        Some(roles) if givers.iter().any(|giver| giver.scopes_of(roles).contains(scope)) => {
            Lack::NotTheUsers(roles.clone())
        }
        Some(roles) => Lack::NotInRoles(roles.clone()),
    }
}

/// Whom a token has to be for, where no one says more than this: as it is registered, which is as
/// tokens have it.
pub(super) async fn audience(
    app: &App,
    named: Option<&ResourceIdentifier>,
) -> Result<ResourceIdentifier, Failed> {
    match named {
        Some(named) => {
            let registered = app.directory.resources().await?;
            let mut all = registered.iter().chain([&app.own_resource]).map(|it| &it.identifier);
            Ok(all.find(|it| *it == named).unwrap_or(named).clone())
        }
        None => Ok(resource(app, &Ceiling::default(), None, &Wish::default()).await?.identifier),
    }
}

/// The resource asked for; otherwise the one that became the default last; otherwise keyturn. Of
/// those that the input allows, where it does not allow all.
async fn resource(
    app: &App,
    bounds: &Ceiling,
    usual: Option<&ResourceIdentifier>,
    wish: &Wish,
) -> Result<Resource, Failed> {
    let registered = app.directory.resources().await?;
    let allowed = bounds.resources.as_deref();
    let is_allowed = |it: &ResourceIdentifier| allowed.is_none_or(|allowed| allowed.contains(it));
    let default = &Resource::default_of(&registered).unwrap_or(&app.own_resource).identifier;
    let usual = usual.filter(|usual| is_allowed(usual)).unwrap_or(default);
    let asked = match (&wish.resource, allowed) {
        (Some(asked), _) => asked,
        (None, Some([first, ..])) if !is_allowed(usual) => first,
        (None, _) => usual,
    };
    // keyturn first: whatever is registered cannot take its place.
    let mut all = [&app.own_resource].into_iter().chain(registered.iter());
    let found = all.find(|resource| resource.identifier == *asked);
    let found = found.ok_or_else(|| Refusal::UnknownResource(asked.clone()))?;
    if is_allowed(&found.identifier) {
        Ok(found.clone())
    } else {
        Err(Refusal::ResourceNotAllowed(asked.clone()).into())
    }
}
