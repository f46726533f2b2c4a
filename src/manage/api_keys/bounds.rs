//! Holds a key against what its maker may hand on, and against what its owner has.

use super::Rejection;
use crate::{
    app::App,
    clock::Timestamp,
    domain::{
        ApiKey, Bounds, Credential, Given, Lifetime, OrganizationId, Owner, Person, Reach, Roles,
        Scopes, UserId, held_scopes,
    },
    manage::{Asker, Judged},
    store::{self, Tx},
};

/// That the key names only what its owner has, and that the principal has what it gives: as it is
/// to be, and as it was, where that is something else.
pub(super) async fn check(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    before: Option<&ApiKey>,
    key: &ApiKey,
) -> Result<(), Rejection> {
    match key.owner {
        Owner::Organization(id) => check_sound(tx, asker, id, key).await?,
        Owner::User(id) => {
            store::users::person(tx, id).await?.ok_or(Rejection::NotFound("user"))?;
            if key.roles.as_ref().is_some_and(Roles::is_empty) {
                return Err(Rejection::NoRole);
            }
        }
    }
    for key in [key].into_iter().chain(before) {
        let given = given(app, tx, asker, key).await?;
        asker.must_hold(&given)?;
    }
    Ok(())
}

/// What the key gives. What a user's key may do differs from place to place, and is held against
/// the principal's own key here.
async fn given(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    key: &ApiKey,
) -> Result<Option<Given>, Rejection> {
    let Some(bounds) = asker.authority.bounds() else { return Ok(None) };
    let (scopes, reach) = match key.owner {
        Owner::Organization(id) => {
            let lineage = asker.organization(tx, id).await?;
            let roles = key.roles.clone().unwrap_or_default();
            (lineage.scopes_of(&roles), key.reach.clone())
        }
        Owner::User(id) => {
            of_user(app, tx, bounds, id, key).await?;
            (Scopes::default(), Reach::Own)
        }
    };
    let (networks, proof) = (key.allowed_networks.clone(), key.proof.clone());
    // A key gets tokens for every resource.
    let credential = Some(Credential { expires_at: key.expires_at, resources: None });
    Ok(Some(Given { scopes, reach, credential, networks, proof }))
}

/// When a key with this lifetime ends. Where nothing is said, the policy decides, at most what the
/// key that asks has left.
pub(super) fn expiry(
    app: &App,
    asker: &Asker,
    lifetime: Lifetime,
    now: Timestamp,
) -> Result<Option<Timestamp>, Rejection> {
    let end = app.settings.keys.expiry(lifetime, now)?;
    let own = asker.authority.bounds().and_then(|bounds| bounds.expires_at);
    match lifetime {
        Lifetime::Default => Ok(end.into_iter().chain(own).min()),
        Lifetime::Until(_) | Lifetime::Never => Ok(end),
    }
}

async fn check_sound(
    tx: &mut Tx,
    asker: &Judged,
    id: OrganizationId,
    key: &ApiKey,
) -> Result<(), Rejection> {
    asker.organization(tx, id).await?;
    let roles = key.roles.as_ref().filter(|roles| !roles.is_empty()).ok_or(Rejection::NoRole)?;
    for role in roles.iter() {
        store::roles::hold(tx, id, role).await?;
    }
    let lineage = asker.organization(tx, id).await?;
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
    Ok(())
}

/// Read in the transaction: one that waits for another connection holds its own meanwhile.
async fn of_user(
    app: &App,
    tx: &mut Tx,
    bounds: &Bounds,
    id: UserId,
    key: &ApiKey,
) -> Result<(), Rejection> {
    let person = store::users::person(tx, id).await?.ok_or(Rejection::NotFound("user"))?;
    let own = bounds.users_key.as_ref().ok_or(Rejection::NotFound("user"))?;
    bounds.check_roles_of_user(key.roles.as_ref())?;
    let member_of = person.memberships.iter().map(|it| it.organization_id).collect::<Vec<_>>();
    Bounds::check_reach_of_user(&own.reach, &key.reach, &member_of)?;
    let places = match &key.reach {
        Reach::Listed(listed) => listed,
        // Below one of them a key has nothing that it has not there.
        Reach::Own | Reach::Subtree => &member_of,
    };
    for &place in places {
        let wanted = held_in(tx, key, &person, place).await?;
        let held = held_in(tx, own, &person, place).await?;
        let carried = bounds.scopes.intersection(&held);
        let to_give = Bounds::to_give(&held, &carried, &app.own_resource);
        Bounds::check_among(&wanted, &to_give)?;
    }
    Ok(())
}

/// What a key of this person holds in an organization.
async fn held_in(
    tx: &mut Tx,
    key: &ApiKey,
    person: &Person,
    place: OrganizationId,
) -> Result<Scopes, Rejection> {
    let Some(acting) = store::organizations::lineage(tx, place).await? else {
        return Ok(Scopes::default());
    };
    let mut givers = Vec::new();
    for membership in &person.memberships {
        // A role given elsewhere does not count here.
        if acting.is_within(membership.organization_id) {
            givers.extend(store::organizations::lineage(tx, membership.organization_id).await?);
        }
    }
    let givers: Vec<_> = givers.iter().collect();
    Ok(held_scopes(key, Some(person), &givers, &acting).unwrap_or_default())
}
