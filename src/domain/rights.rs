//! What a key may do now. Every function here only ever takes away.

use super::{ApiKey, Lineage, OrganizationId, Owner, Person, Reach, Resource, Roles, Scopes};

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
/// there, at most what the resource knows.
///
/// `givers` are the lineages in which a role was given: the owning organization's, or those of the
/// user's memberships. A role means what it means where it was given, so that nobody below can
/// widen it.
pub fn granted_scopes(
    key: &ApiKey,
    person: Option<&Person>,
    givers: &[&Lineage],
    acting: &Lineage,
    resource: &Resource,
) -> Result<Scopes, OutOfReach> {
    let reached = |origin: OrganizationId| match &key.reach {
        Reach::Own => acting.id() == origin,
        Reach::Subtree => acting.is_within(origin),
        Reach::Listed(listed) => acting.is_within(origin) && listed.contains(&acting.id()),
    };
    let giver = |id| givers.iter().find(|lineage| lineage.id() == id);
    let scopes = match (key.owner, person) {
        (Owner::Organization(id), _) => {
            let giver = giver(id).filter(|_| reached(id)).ok_or(OutOfReach)?;
            key.roles.as_ref().map(|roles| giver.scopes_of(roles)).unwrap_or_default()
        }
        (Owner::User(_), None) => return Err(OutOfReach),
        (Owner::User(_), Some(person)) => {
            let here: Vec<_> = person
                .memberships
                .iter()
                .filter(|membership| reached(membership.organization_id))
                .filter_map(|membership| Some((membership, giver(membership.organization_id)?)))
                .collect();
            if here.is_empty() {
                return Err(OutOfReach);
            }
            here.iter().fold(Scopes::default(), |all, (membership, giver)| {
                let role: Roles = [membership.role.clone()].into_iter().collect();
                let may = giver.scopes_of(&role);
                all.union(&match &key.roles {
                    Some(roles) => giver.scopes_of(roles).intersection(&may),
                    None => may,
                })
            })
        }
    };
    Ok(scopes.intersection(&resource.scopes))
}
