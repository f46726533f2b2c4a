//! All that a file can declare, as it is or as it is to be.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::name::{ClientOf, KeyOf, MemberOf, OrganizationPath, OwnerName, RoleOf, TrustOf};
use crate::clock::Timestamp;
use crate::domain::{
    Algorithm, Algorithms, ClientTerms, Conditions, Email, JwtType, KeySource, Lifetime, Networks,
    ProofDemand, ResourceIdentifier, RoleName, Roles, Scopes, Text, WhenLeaked,
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The organization that runs the server. `None` in what is wanted: as it is.
    pub operators: Option<OrganizationPath>,
    pub organizations: BTreeMap<OrganizationPath, Organization>,
    pub roles: BTreeMap<RoleOf, Role>,
    pub resources: BTreeMap<ResourceIdentifier, Resource>,
    /// Whose turn it is when a request names no resource. `None` in what is wanted: as it is.
    pub default_resource: Option<ResourceIdentifier>,
    pub users: BTreeMap<Email, User>,
    pub members: BTreeMap<MemberOf, Member>,
    /// Those that are not revoked.
    pub api_keys: BTreeMap<KeyOf, ApiKey>,
    /// The ones that did not register themselves.
    pub clients: BTreeMap<ClientOf, Client>,
    pub trusts: BTreeMap<TrustOf, Trust>,
    /// Their names are taken, and nothing brings them back.
    pub revoked: BTreeSet<KeyOf>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub scopes: Scopes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub scopes: Scopes,
    pub algorithm: Algorithm,
    pub jwt_type: JwtType,
    /// `None`: as configured for all.
    pub token_lifetime: Option<TimeDelta>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: Text,
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub role: RoleName,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub description: Text,
    /// `None`, for a user's key only: whatever the user may do.
    pub roles: Option<Roles>,
    pub reach: Reach,
    pub allowed_networks: Networks,
    /// [`Lifetime::Default`] of a new key only.
    pub expires: Lifetime,
    pub when_leaked: WhenLeaked,
    pub proof: ProofDemand,
    pub enabled: bool,
    pub locked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub terms: ClientTerms,
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    pub issuer: String,
    pub keys: KeySource,
    /// Empty: any.
    pub algorithms: Algorithms,
    /// `None` of a new rule only: our own issuer.
    pub audience: Option<String>,
    pub conditions: Conditions,
    pub roles: Roles,
    /// `None`: any.
    pub resources: Option<Vec<ResourceIdentifier>>,
    pub allowed_networks: Networks,
    pub expires_at: Option<Timestamp>,
    pub once: bool,
    pub enabled: bool,
}

/// The organizations a key may act in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    Own,
    Listed(Vec<OrganizationPath>),
    Subtree,
}

impl State {
    /// Only what belongs to the organization and those below it, and the users who are members
    /// there.
    #[must_use]
    pub fn within(mut self, path: &OrganizationPath) -> Self {
        self.organizations.retain(|it, _| it.is_within(path));
        self.roles.retain(|role, _| role.organization.is_within(path));
        self.members.retain(|member, _| member.organization.is_within(path));
        let is_member = |user: &Email| self.members.keys().any(|member| member.user == *user);
        self.users.retain(|user, _| is_member(user));
        let is_owned = |key: &KeyOf| match &key.owner {
            OwnerName::Organization(owner) => owner.is_within(path),
            OwnerName::User(_) => false,
        };
        self.api_keys.retain(|key, _| is_owned(key));
        self.revoked.retain(is_owned);
        self.clients.retain(|client, _| client.organization.is_within(path));
        self.trusts.retain(|rule, _| rule.organization.is_within(path));
        self.resources.clear();
        self.default_resource = None;
        self.operators = None;
        self
    }
}
