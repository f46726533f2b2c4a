//! Holds a key against what its maker may hand on, and against what its owner has.

use super::{Asker, Rejection};
use crate::{
    domain::{ApiKey, OrganizationId, Owner, Reach, Roles, Scopes, UserId, held_scopes},
    store::{self, Tx},
};

/// That the key names only what its owner has, and does not go beyond the asker's own.
pub(super) async fn check(tx: &mut Tx, asker: &Asker, key: &ApiKey) -> Result<(), Rejection> {
    let scopes = match key.owner {
        Owner::Organization(id) => of_organization(tx, asker, id, key).await?,
        Owner::User(id) => of_user(tx, asker, id, key).await?,
    };
    let Some(bounds) = asker.authority.bounds() else { return Ok(()) };
    bounds.check_scopes(&scopes)?;
    bounds.check_reach(&key.reach)?;
    bounds.check_expiry(key.expires_at)?;
    Ok(bounds.check_networks(&key.allowed_networks)?)
}

/// What the key may do where it belongs.
async fn of_organization(
    tx: &mut Tx,
    asker: &Asker,
    id: OrganizationId,
    key: &ApiKey,
) -> Result<Scopes, Rejection> {
    let lineage = asker.organization(tx, id).await?;
    let roles = key.roles.as_ref().filter(|roles| !roles.is_empty()).ok_or(Rejection::NoRole)?;
    if let Some(unknown) = roles.iter().find(|role| !lineage.knows(role)) {
        return Err(Rejection::UnknownRole(unknown.clone()));
    }
    if let Reach::Listed(listed) = &key.reach {
        for &organization in listed {
            let found = store::organizations::lineage(tx, organization).await?;
            if !found.is_some_and(|found| found.is_within(id)) {
                return Err(Rejection::OutOfReach(organization));
            }
        }
    }
    Ok(lineage.scopes_of(roles))
}

/// What the user's key could do where the asker acts. Read in the transaction: one that waits for
/// another connection holds its own meanwhile.
async fn of_user(
    tx: &mut Tx,
    asker: &Asker,
    id: UserId,
    key: &ApiKey,
) -> Result<Scopes, Rejection> {
    let person = store::users::person(tx, id).await?.ok_or(Rejection::NotFound("user"))?;
    if key.roles.as_ref().is_some_and(Roles::is_empty) {
        return Err(Rejection::NoRole);
    }
    let Some(bounds) = asker.authority.bounds() else { return Ok(Scopes::default()) };
    bounds.check_roles_of_user(key.roles.as_ref())?;
    let acting = store::organizations::lineage(tx, bounds.organization).await?;
    let acting = acting.ok_or(Rejection::NotFound("organization"))?;
    let mut givers = Vec::with_capacity(person.memberships.len());
    for membership in &person.memberships {
        givers.extend(store::organizations::lineage(tx, membership.organization_id).await?);
    }
    let givers: Vec<_> = givers.iter().collect();
    Ok(held_scopes(key, Some(&person), &givers, &acting).unwrap_or_default())
}
