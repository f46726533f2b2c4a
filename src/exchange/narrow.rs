//! Works out what the token may do: where, for whom, with which scopes. Only ever takes away.

use std::sync::Arc;

use super::{Failed, Refusal, Request, judge::Standing};
use crate::{
    app::App,
    domain::{
        Lineage, NotGranted, Presented, Resource, Scopes, acting_organization, granted_scopes,
    },
};

pub(super) struct Grant {
    /// The organization acted in.
    pub(super) acting: Arc<Lineage>,
    pub(super) resource: Resource,
    pub(super) scopes: Scopes,
    /// The names of the roles the scopes come from.
    pub(super) roles: Vec<String>,
}

pub(super) async fn narrow(
    app: &App,
    subject: &Presented,
    standing: &Standing,
    request: &Request,
) -> Result<Grant, Failed> {
    let key = &subject.key;
    let person = standing.person.as_deref();
    let id = acting_organization(key, person, request.organization)
        .map_err(|_| Refusal::NoOrganization)?;
    let out_of_reach = || Refusal::OrganizationOutOfReach(id);
    let acting = app.directory.lineage(id).await?.ok_or_else(out_of_reach)?;
    let resource = resource(app, request).await?;

    let givers: Vec<_> = standing.givers.iter().map(|giver| &**giver).collect();
    let granted =
        granted_scopes(key, person, &givers, &acting, &resource).map_err(|_| out_of_reach())?;
    // Only now: whether an organization out of reach is disabled is none of the caller's business.
    if !acting.is_enabled() {
        return Err(Refusal::OrganizationDisabled(id).into());
    }
    let scopes = granted
        .narrow(request.scopes.clone())
        .map_err(|NotGranted(scope)| Refusal::ScopeNotGranted(scope))?;
    let roles = roles(subject, standing, &acting);
    Ok(Grant { acting, resource, scopes, roles })
}

/// The resource asked for; otherwise the one that became the default last; otherwise keyturn.
async fn resource(app: &App, request: &Request) -> Result<Resource, Failed> {
    let registered = app.directory.resources().await?;
    let found = match &request.resource {
        Some(asked) => {
            let mut all = registered.iter().chain([&app.own_resource]);
            let found = all.find(|resource| resource.identifier == *asked);
            found.ok_or_else(|| Refusal::UnknownResource(asked.clone()))?
        }
        None => Resource::default_of(&registered).unwrap_or(&app.own_resource),
    };
    Ok(found.clone())
}

/// The key's roles; those of its user where the key has none of its own.
fn roles(subject: &Presented, standing: &Standing, acting: &Lineage) -> Vec<String> {
    match (&subject.key.roles, &standing.person) {
        (Some(roles), _) => roles.iter().map(ToString::to_string).collect(),
        (None, None) => Vec::new(),
        (None, Some(person)) => {
            let memberships = person.memberships.iter();
            let here =
                memberships.filter(|membership| acting.is_within(membership.organization_id));
            let mut names: Vec<_> = here.map(|membership| membership.role.to_string()).collect();
            names.sort_unstable();
            names.dedup();
            names
        }
    }
}
