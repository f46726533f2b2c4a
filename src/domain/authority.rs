//! What a principal may do: it gives no more than it has.

use std::sync::Arc;

use super::{
    ApiKey, Lineage, Networks, Organization, OrganizationId, ProofDemand, Reach, Resource,
    ResourceIdentifier, RoleName, Roles, Scopes, UserId,
};
use crate::clock::Timestamp;

/// How far an asker's word goes.
#[derive(Clone, Debug)]
pub enum Authority {
    /// A person at the machine, or keyturn itself.
    Unbounded,
    /// Anyone who holds one of our tokens.
    Bounded(Box<Bounds>),
}

/// What a token that manages things may do, and what it may hand on.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// What the token carries for keyturn itself.
    pub scopes: Scopes,
    /// What its key may do at any resource, except that of keyturn's own scopes only those of the
    /// token count: who has narrowed a token cannot widen it here.
    pub to_give: Scopes,
    /// The organization acted in.
    pub organization: OrganizationId,
    pub below: Below,
    /// Whose key it is, where it is a user's.
    pub user: Option<UserId>,
    /// That key: what it may hand on differs from one organization to the next.
    pub users_key: Option<ApiKey>,
    /// Of the key; `None` for a user's key that has none of its own.
    pub roles: Option<Roles>,
    /// `None`: it never ends by itself.
    pub expires_at: Option<Timestamp>,
    /// `None`: its credentials get tokens for any resource.
    pub resources: Option<OnlyAt>,
    pub networks: Networks,
    pub proof: ProofDemand,
    /// Whether it also manages what belongs to no organization: it acts in the one that runs the
    /// server.
    pub runs_server: bool,
}

/// The resources for which alone a principal gets tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnlyAt {
    pub resources: Vec<ResourceIdentifier>,
    /// The scopes that these have and no other resource has: a right counts at every resource.
    pub alone: Scopes,
}

impl OnlyAt {
    /// `all`: every resource, keyturn itself among them.
    pub fn of<'a>(
        resources: Vec<ResourceIdentifier>,
        all: impl Iterator<Item = &'a Resource>,
    ) -> Self {
        let (theirs, others): (Vec<_>, Vec<_>) =
            all.partition(|resource| resources.contains(&resource.identifier));
        let elsewhere = |scope: &str| others.iter().any(|other| other.scopes.contains(scope));
        let alone = theirs.iter().flat_map(|resource| resource.scopes.iter());
        let alone = alone.filter(|scope| !elsewhere(scope)).map(Arc::<str>::from).collect();
        Self { resources, alone }
    }
}

/// Whether a right in an organization is one in those below it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    Included,
    Excluded,
}

impl Below {
    pub fn is_included(self) -> bool {
        self == Self::Included
    }
}

impl From<&Reach> for Below {
    fn from(reach: &Reach) -> Self {
        match reach {
            Reach::Subtree => Self::Included,
            Reach::Own | Reach::Listed(_) => Self::Excluded,
        }
    }
}

/// Whose things an asker gets to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    Everything,
    Of { organization: OrganizationId, below: Below, user: Option<UserId> },
}

impl Authority {
    pub fn bounds(&self) -> Option<&Bounds> {
        match self {
            Self::Unbounded => None,
            Self::Bounded(bounds) => Some(bounds),
        }
    }

    pub fn has(&self, scope: &str) -> bool {
        self.bounds().is_none_or(|bounds| bounds.scopes.contains(scope))
    }

    pub fn reaches(&self, organization: &Lineage) -> bool {
        self.bounds().is_none_or(|bounds| bounds.reaches(organization))
    }

    /// The organization and those above it, as far up as the asker may know of them.
    pub fn line_in_sight<'a>(&self, organization: &'a Lineage) -> &'a [Organization] {
        let line = &organization.line;
        let Some(bounds) = self.bounds() else { return line };
        let top = line.iter().position(|above| above.id == bounds.organization);
        top.map_or(&[], |top| &line[..=top])
    }

    /// `None` where the asker may not know of it, or there is none.
    pub fn parent_in_sight(&self, organization: &Organization) -> Option<OrganizationId> {
        let is_top = |bounds: &Bounds| bounds.organization == organization.id;
        organization.parent_id.filter(|_| !self.bounds().is_some_and(is_top))
    }

    pub fn is_user(&self, user: UserId) -> bool {
        self.bounds().is_none_or(|bounds| bounds.user == Some(user))
    }

    pub fn runs_server(&self) -> bool {
        self.bounds().is_none_or(|bounds| bounds.runs_server)
    }

    pub fn sight(&self) -> Sight {
        self.bounds().map_or(Sight::Everything, |bounds| Sight::Of {
            organization: bounds.organization,
            below: bounds.below,
            user: bounds.user,
        })
    }
}

/// What would go beyond the asker's own key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wider {
    #[error("scope {0} is not yours to give")]
    Scope(String),
    #[error("role {0} is not yours to give")]
    Role(RoleName),
    #[error("it could do all its user may, which the key you ask with cannot")]
    AllRoles,
    #[error("it would live longer than the key you ask with, which expires at {0}")]
    Lifetime(Timestamp),
    #[error(
        "it could be used at resources that the credential you ask with cannot; name some of: {}",
        identifiers(.0)
    )]
    Resources(Vec<ResourceIdentifier>),
    #[error("it would reach further than the key you ask with")]
    Reach,
    #[error("it could be used from addresses that the key you ask with cannot: {0}")]
    Networks(Networks),
    #[error("it would demand less proof of possession than the key you ask with: {0}")]
    Proof(ProofDemand),
}

fn identifiers(resources: &[ResourceIdentifier]) -> String {
    resources.iter().map(ResourceIdentifier::as_str).collect::<Vec<_>>().join(", ")
}

impl Bounds {
    fn reaches(&self, organization: &Lineage) -> bool {
        match self.below {
            Below::Included => organization.is_within(self.organization),
            Below::Excluded => organization.id() == self.organization,
        }
    }

    pub fn check_scopes(&self, scopes: &Scopes) -> Result<(), Wider> {
        Self::check_among(scopes, &self.to_give)
    }

    /// Where something else may be handed on than where the asker acts.
    pub fn check_among(scopes: &Scopes, to_give: &Scopes) -> Result<(), Wider> {
        match scopes.iter().find(|scope| !to_give.contains(scope)) {
            Some(extra) => Err(Wider::Scope(extra.to_owned())),
            None => Ok(()),
        }
    }

    pub fn check_expiry(&self, expires_at: Option<Timestamp>) -> Result<(), Wider> {
        match self.expires_at {
            Some(own) if expires_at.is_none_or(|end| end > own) => Err(Wider::Lifetime(own)),
            _ => Ok(()),
        }
    }

    /// Of a credential. `None`: its tokens may be for any resource.
    pub fn check_resources(&self, resources: Option<&[ResourceIdentifier]>) -> Result<(), Wider> {
        let Some(own) = &self.resources else { return Ok(()) };
        let within = resources.is_some_and(|all| all.iter().all(|it| own.resources.contains(it)));
        if within { Ok(()) } else { Err(Wider::Resources(own.resources.clone())) }
    }

    /// Of a right, which counts at every resource that knows one of its scopes.
    pub fn check_right(&self, scopes: &Scopes) -> Result<(), Wider> {
        let Some(own) = &self.resources else { return Ok(()) };
        Self::check_among(scopes, &own.alone)
    }

    /// Of a key of an organization within reach.
    pub fn check_reach(&self, reach: &Reach) -> Result<(), Wider> {
        let elsewhere = |id: &OrganizationId| *id != self.organization;
        let further = match reach {
            Reach::Own => false,
            Reach::Subtree => !self.below.is_included(),
            Reach::Listed(listed) => !self.below.is_included() && listed.iter().any(elsewhere),
        };
        if further { Err(Wider::Reach) } else { Ok(()) }
    }

    /// Of a key of the same user, held against that of the key that asks, which may act in several
    /// trees: `member_of` are the organizations in which the user has a role.
    pub fn check_reach_of_user(
        own: &Reach,
        reach: &Reach,
        member_of: &[OrganizationId],
    ) -> Result<(), Wider> {
        let within = match (own, reach) {
            (Reach::Subtree, _) | (Reach::Own, Reach::Own) => true,
            (Reach::Own, Reach::Listed(listed)) => listed.iter().all(|id| member_of.contains(id)),
            (Reach::Listed(own), Reach::Listed(listed)) => listed.iter().all(|id| own.contains(id)),
            (Reach::Own, Reach::Subtree) | (Reach::Listed(_), Reach::Own | Reach::Subtree) => false,
        };
        if within { Ok(()) } else { Err(Wider::Reach) }
    }

    /// Of a key of the same user: what its roles mean differs from organization to organization, so
    /// their names are compared.
    pub fn check_roles_of_user(&self, roles: Option<&Roles>) -> Result<(), Wider> {
        let Some(own) = &self.roles else { return Ok(()) };
        let Some(roles) = roles else { return Err(Wider::AllRoles) };
        let extra = roles.iter().find(|role| !own.iter().any(|known| known == *role));
        extra.map_or(Ok(()), |extra| Err(Wider::Role(extra.clone())))
    }

    pub fn check_networks(&self, networks: &Networks) -> Result<(), Wider> {
        if networks.are_within(&self.networks) {
            Ok(())
        } else {
            Err(Wider::Networks(self.networks.clone()))
        }
    }

    /// A key without the demand would be worth something by itself.
    pub fn check_proof(&self, proof: &ProofDemand) -> Result<(), Wider> {
        if proof.is_as_strict_as(&self.proof) {
            Ok(())
        } else {
            Err(Wider::Proof(self.proof.clone()))
        }
    }

    /// What a key that holds these rights may hand on by a token that carries those.
    pub fn to_give(held: &Scopes, carried: &Scopes, own_resource: &Resource) -> Scopes {
        let others = held.iter().filter(|scope| !own_resource.scopes.contains(scope));
        others.chain(carried.iter()).map(Arc::<str>::from).collect()
    }
}
