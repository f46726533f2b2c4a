//! The tables of a file, field by field, and what each makes of a thing: what it does not say stays
//! as it is, and is the default of a new thing.

use std::path::PathBuf;

use serde::Deserialize;

use super::{
    problem::Problem,
    values::{Expires, KeyRoles, Listed, Parsed, Proof, TokenLifetime},
};
use crate::{
    declare::{
        ApiKey, KeyOf, Member, MemberOf, Organization, OrganizationPath, OwnerName, Reach,
        Resource, Role, RoleOf, Thing, User,
    },
    domain::{
        Algorithm, Email, JwtType, KeyName, Lifetime, Network, Networks, ProofDemand,
        ResourceIdentifier, RoleName, Roles, ScopeToken, Scopes, Text, WhenLeaked,
    },
};

type Name<E> = <<E as Entry>::Thing as Thing>::Name;

pub(super) trait Entry {
    type Thing: Thing;

    fn name(&self) -> Result<Name<Self>, Problem>;

    /// The thing as it is to be, made of the thing as it is.
    fn over(&self, before: Option<&Self::Thing>) -> Self::Thing;

    /// Where the secret of this thing goes if it is to be made and has one.
    fn secret_file(&self, _: &Self::Thing) -> Option<&PathBuf> {
        None
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganizationEntry {
    path: Parsed<OrganizationPath>,
    enabled: Option<bool>,
}

impl Entry for OrganizationEntry {
    type Thing = Organization;

    fn name(&self) -> Result<OrganizationPath, Problem> {
        Ok(self.path.0.clone())
    }

    fn over(&self, before: Option<&Organization>) -> Organization {
        let enabled = before.is_none_or(|before| before.enabled);
        Organization { enabled: self.enabled.unwrap_or(enabled) }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleEntry {
    organization: Parsed<OrganizationPath>,
    name: Parsed<RoleName>,
    scopes: Listed<ScopeToken, Scopes>,
}

impl Entry for RoleEntry {
    type Thing = Role;

    fn name(&self) -> Result<RoleOf, Problem> {
        Ok(RoleOf { organization: self.organization.0.clone(), name: self.name.0.clone() })
    }

    fn over(&self, _: Option<&Role>) -> Role {
        Role { scopes: self.scopes.listed.clone() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceEntry {
    identifier: Parsed<ResourceIdentifier>,
    scopes: Listed<ScopeToken, Scopes>,
    algorithm: Option<Parsed<Algorithm>>,
    jwt_type: Option<Parsed<JwtType>>,
    token_lifetime_seconds: Option<TokenLifetime>,
}

impl Entry for ResourceEntry {
    type Thing = Resource;

    fn name(&self) -> Result<ResourceIdentifier, Problem> {
        Ok(self.identifier.0.clone())
    }

    fn over(&self, before: Option<&Resource>) -> Resource {
        let algorithm = before.map_or(Algorithm::Es256, |before| before.algorithm);
        let jwt_type = before.map_or(JwtType::default(), |before| before.jwt_type);
        let lifetime = before.and_then(|before| before.token_lifetime);
        Resource {
            scopes: self.scopes.listed.clone(),
            algorithm: said(self.algorithm.as_ref(), algorithm),
            jwt_type: said(self.jwt_type.as_ref(), jwt_type),
            token_lifetime: self.token_lifetime_seconds.map_or(lifetime, |it| it.0),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserEntry {
    email: Parsed<Email>,
    name: Option<Parsed<Text>>,
    enabled: Option<bool>,
}

impl Entry for UserEntry {
    type Thing = User;

    fn name(&self) -> Result<Email, Problem> {
        Ok(self.email.0.clone())
    }

    fn over(&self, before: Option<&User>) -> User {
        let ground =
            before.cloned().unwrap_or_else(|| User { name: Text::default(), enabled: true });
        User {
            name: said(self.name.as_ref(), ground.name),
            enabled: self.enabled.unwrap_or(ground.enabled),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberEntry {
    organization: Parsed<OrganizationPath>,
    user: Parsed<Email>,
    role: Parsed<RoleName>,
}

impl Entry for MemberEntry {
    type Thing = Member;

    fn name(&self) -> Result<MemberOf, Problem> {
        Ok(MemberOf { organization: self.organization.0.clone(), user: self.user.0.clone() })
    }

    fn over(&self, _: Option<&Member>) -> Member {
        Member { role: self.role.0.clone() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEntry {
    name: Parsed<KeyName>,
    organization: Option<Parsed<OrganizationPath>>,
    user: Option<Parsed<Email>>,
    description: Option<Parsed<Text>>,
    roles: Option<KeyRoles>,
    reach: Option<Reach>,
    allowed_networks: Option<Listed<Network, Networks>>,
    expires: Option<Expires>,
    when_leaked: Option<Parsed<WhenLeaked>>,
    proof: Option<Proof>,
    enabled: Option<bool>,
    locked: Option<bool>,
    write_secret_to: Option<PathBuf>,
}

impl KeyEntry {
    /// As `keyturn key create` makes it.
    fn fresh(&self) -> ApiKey {
        ApiKey {
            description: Text::default(),
            roles: self.user.is_none().then(|| Roles::from_iter([RoleName::viewer()])),
            reach: if self.user.is_some() { Reach::Subtree } else { Reach::Own },
            allowed_networks: Networks::default(),
            expires: Lifetime::Default,
            when_leaked: WhenLeaked::Revoke,
            proof: ProofDemand::None,
            enabled: true,
            locked: false,
        }
    }
}

impl Entry for KeyEntry {
    type Thing = ApiKey;

    fn name(&self) -> Result<KeyOf, Problem> {
        let owner = match (&self.organization, &self.user) {
            (Some(path), None) => OwnerName::Organization(path.0.clone()),
            (None, Some(email)) => OwnerName::User(email.0.clone()),
            _ => return Err(Problem::NoOneOwner),
        };
        Ok(KeyOf { owner, name: self.name.0.clone() })
    }

    fn secret_file(&self, _: &ApiKey) -> Option<&PathBuf> {
        self.write_secret_to.as_ref()
    }

    fn over(&self, before: Option<&ApiKey>) -> ApiKey {
        let ground = before.cloned().unwrap_or_else(|| self.fresh());
        ApiKey {
            description: said(self.description.as_ref(), ground.description),
            roles: self.roles.as_ref().map_or(ground.roles, |it| it.0.clone()),
            reach: self.reach.clone().unwrap_or(ground.reach),
            allowed_networks: match &self.allowed_networks {
                Some(networks) => networks.listed.clone(),
                None => ground.allowed_networks,
            },
            expires: self.expires.map_or(ground.expires, |it| it.0),
            when_leaked: said(self.when_leaked.as_ref(), ground.when_leaked),
            proof: self.proof.clone().map_or(ground.proof, |it| it.0),
            enabled: self.enabled.unwrap_or(ground.enabled),
            locked: self.locked.unwrap_or(ground.locked),
        }
    }
}

pub(super) fn said<T: Clone>(said: Option<&Parsed<T>>, otherwise: T) -> T {
    said.map_or(otherwise, |said| said.0.clone())
}
