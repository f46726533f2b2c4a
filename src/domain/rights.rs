//! What a key may do now. Every function here only ever takes away.

use super::{ApiKey, Lineage, OrganizationId, Owner, Person, Reach, RoleName, Roles, Scopes};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key does not reach this organization")]
pub struct OutOfReach;

/// The organization a key acts in: the one asked for, otherwise its own, which for a user's key
/// is the user's oldest membership within the key's reach.
pub fn acting_organization(
    key: &ApiKey,
    person: Option<&Person>,
    requested: Option<OrganizationId>,
) -> Result<OrganizationId, OutOfReach> {
    if let Some(requested) = requested {
        return Ok(requested);
    }
    let reaches = |id: &OrganizationId| match &key.reach {
        Reach::Listed(listed) => listed.contains(id),
        Reach::Own | Reach::Subtree => true,
    };
    let own = match key.owner {
        Owner::Organization(id) => Some(id),
        Owner::User(_) => person
            .and_then(|person| person.memberships.iter().find(|m| reaches(&m.organization_id)))
            .map(|membership| membership.organization_id),
    };
    match (own.filter(reaches), &key.reach) {
        (Some(own), _) => Ok(own),
        (None, Reach::Listed(listed)) => listed.first().copied().ok_or(OutOfReach),
        (None, Reach::Own | Reach::Subtree) => Err(OutOfReach),
    }
}

/// What the key's roles come to in the organization it acts in, at most what its owner may do
/// there. What of it a token carries is up to the resource it is for.
///
/// `givers` are the lineages in which a role was given: the owning organization's, or those of the
/// user's memberships. A role means what it means where it was given, so that no one below can
/// widen it.
pub fn held_scopes(
    key: &ApiKey,
    person: Option<&Person>,
    givers: &[&Lineage],
    acting: &Lineage,
) -> Result<Scopes, OutOfReach> {
    let giver = |id| givers.iter().find(|lineage| lineage.id() == id);
    match (key.owner, person) {
        (Owner::Organization(id), _) => {
            let giver = giver(id).filter(|_| is_reached(key, id, acting)).ok_or(OutOfReach)?;
            Ok(key.roles.as_ref().map(|roles| giver.scopes_of(roles)).unwrap_or_default())
        }
        (Owner::User(_), None) => Err(OutOfReach),
        (Owner::User(_), Some(person)) => {
            let here = memberships_here(key, person, givers, acting);
            if here.is_empty() {
                return Err(OutOfReach);
            }
            Ok(here.iter().fold(Scopes::default(), |all, (role, giver)| {
                let may = giver.scopes_of(&[RoleName::clone(role)].into_iter().collect());
                all.union(&match &key.roles {
                    Some(roles) => giver.scopes_of(roles).intersection(&may),
                    None => may,
                })
            }))
        }
    }
}

/// The roles a token names, sorted: the key's, as far as its user still has all that they mean;
/// the user's own where the key has none. No resource server may read more from them than the
/// user has.
pub fn held_roles(
    key: &ApiKey,
    person: Option<&Person>,
    givers: &[&Lineage],
    acting: &Lineage,
) -> Roles {
    let (Owner::User(_), Some(person)) = (key.owner, person) else {
        return key.roles.clone().unwrap_or_default();
    };
    let here = memberships_here(key, person, givers, acting);
    let Some(roles) = &key.roles else {
        return here.into_iter().map(|(role, _)| role.clone()).collect();
    };
    let means =
        |giver: &Lineage, role: &RoleName| giver.scopes_of(&[role.clone()].into_iter().collect());
    let is_held = |role: &&RoleName| {
        here.iter().any(|(own, giver)| {
            let may = means(giver, own);
            giver.knows(role) && means(giver, role).iter().all(|scope| may.contains(scope))
        })
    };
    roles.iter().filter(is_held).cloned().collect()
}

/// The user's roles that count in the organization acted in, each where it was given.
fn memberships_here<'a>(
    key: &ApiKey,
    person: &'a Person,
    givers: &[&'a Lineage],
    acting: &Lineage,
) -> Vec<(&'a RoleName, &'a Lineage)> {
    let giver = |id| givers.iter().find(|lineage| lineage.id() == id);
    person
        .memberships
        .iter()
        .filter(|membership| is_reached(key, membership.organization_id, acting))
        .filter_map(|membership| Some((&membership.role, *giver(membership.organization_id)?)))
        .collect()
}

/// Whether a role given in `origin` reaches the organization acted in by way of this key.
fn is_reached(key: &ApiKey, origin: OrganizationId, acting: &Lineage) -> bool {
    match &key.reach {
        Reach::Own => acting.id() == origin,
        Reach::Subtree => acting.is_within(origin),
        Reach::Listed(listed) => acting.is_within(origin) && listed.contains(&acting.id()),
    }
}
