//! What every declared thing tells of itself: how people call it, and its fields by the names they
//! have in the file.

use serde_json::{Value, json};

use super::{
    name::{ClientOf, KeyOf, MemberOf, OrganizationPath, OwnerName, RoleOf, TrustOf},
    state::{ApiKey, Client, Member, Organization, Reach, Resource, Role, Trust, User},
};
use crate::domain::{
    Authentication, Email, ExchangeRule, KeySource, Lifetime, ProofDemand, RefreshTerms,
    ResourceIdentifier, SignatureAlgorithm,
};

pub trait Thing: Clone + PartialEq {
    type Name: Clone + Ord;

    /// The name of its table in the file.
    const KIND: &'static str;

    /// For people: `role deployer of acme`.
    fn describe(name: &Self::Name) -> String;

    fn identity(name: &Self::Name) -> Vec<(&'static str, Value)>;

    /// All that can be changed.
    fn fields(&self) -> Vec<(&'static str, Value)>;
}

impl Thing for Organization {
    type Name = OrganizationPath;

    const KIND: &'static str = "organization";

    fn describe(name: &Self::Name) -> String {
        format!("organization {name}")
    }

    fn identity(name: &Self::Name) -> Vec<(&'static str, Value)> {
        vec![("path", name.to_string().into())]
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("enabled", self.enabled.into())]
    }
}

impl Thing for Role {
    type Name = RoleOf;

    const KIND: &'static str = "role";

    fn describe(RoleOf { organization, name }: &RoleOf) -> String {
        format!("role {name} of {organization}")
    }

    fn identity(RoleOf { organization, name }: &RoleOf) -> Vec<(&'static str, Value)> {
        vec![("organization", organization.to_string().into()), ("name", json!(name))]
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("scopes", self.scopes.iter().collect())]
    }
}

impl Thing for Resource {
    type Name = ResourceIdentifier;

    const KIND: &'static str = "resource";

    fn describe(name: &Self::Name) -> String {
        format!("resource {name}")
    }

    fn identity(name: &Self::Name) -> Vec<(&'static str, Value)> {
        vec![("identifier", json!(name))]
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let lifetime = self.token_lifetime.map(|lifetime| lifetime.num_seconds());
        vec![
            ("scopes", self.scopes.iter().collect()),
            ("algorithm", json!(self.algorithm)),
            ("jwt_type", json!(self.jwt_type)),
            ("token_lifetime_seconds", lifetime.map_or("default".into(), Value::from)),
        ]
    }
}

impl Thing for User {
    type Name = Email;

    const KIND: &'static str = "user";

    fn describe(name: &Self::Name) -> String {
        format!("user {name}")
    }

    fn identity(name: &Self::Name) -> Vec<(&'static str, Value)> {
        vec![("email", json!(name))]
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("name", json!(self.name)), ("enabled", self.enabled.into())]
    }
}

impl Thing for Member {
    type Name = MemberOf;

    const KIND: &'static str = "member";

    fn describe(MemberOf { organization, user }: &MemberOf) -> String {
        format!("member {user} of {organization}")
    }

    fn identity(MemberOf { organization, user }: &MemberOf) -> Vec<(&'static str, Value)> {
        vec![("organization", organization.to_string().into()), ("user", json!(user))]
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("role", json!(self.role))]
    }
}

impl Thing for ApiKey {
    type Name = KeyOf;

    const KIND: &'static str = "key";

    fn describe(KeyOf { owner, name }: &KeyOf) -> String {
        format!("key {name} of {owner}")
    }

    fn identity(KeyOf { owner, name }: &KeyOf) -> Vec<(&'static str, Value)> {
        let kind = match owner {
            OwnerName::Organization(_) => "organization",
            OwnerName::User(_) => "user",
        };
        vec![(kind, owner.to_string().into()), ("name", json!(name))]
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let roles = self.roles.as_ref();
        let expires = match self.expires {
            Lifetime::Default => json!("as configured"),
            Lifetime::Never => json!("never"),
            Lifetime::Until(end) => json!(end),
        };
        let reach = match &self.reach {
            Reach::Own => json!("own"),
            Reach::Subtree => json!("subtree"),
            Reach::Listed(paths) => paths.iter().map(ToString::to_string).collect(),
        };
        vec![
            ("description", json!(self.description)),
            ("roles", roles.map_or("all".into(), |roles| json!(roles))),
            ("reach", reach),
            ("allowed_networks", json!(self.allowed_networks)),
            ("expires", expires),
            ("when_leaked", json!(self.when_leaked)),
            ("proof", proof(&self.proof)),
            ("enabled", self.enabled.into()),
            ("locked", self.locked.into()),
        ]
    }
}

impl Thing for Client {
    type Name = ClientOf;

    const KIND: &'static str = "client";

    fn describe(ClientOf { organization, name }: &ClientOf) -> String {
        format!("client {name} of {organization}")
    }

    fn identity(ClientOf { organization, name }: &ClientOf) -> Vec<(&'static str, Value)> {
        vec![("organization", organization.to_string().into()), ("name", json!(name))]
    }

    /// A text that is empty is not said.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let terms = &self.terms;
        let (jwks, jwks_uri, compat_aud, signing_alg) = match &terms.authentication {
            Authentication::PrivateKeyJwt { keys, compat_aud, signing_alg } => {
                let (jwks, uri) = match keys {
                    KeySource::Pinned(set) => (set.as_str(), ""),
                    KeySource::Uri(uri) | KeySource::Issuer(uri) => ("", uri.as_str()),
                };
                (jwks, uri, *compat_aud, signing_alg.map_or("", SignatureAlgorithm::as_str))
            }
            _ => ("", "", false, ""),
        };
        vec![
            ("authentication", terms.authentication.as_str().into()),
            ("jwks", jwks.into()),
            ("jwks_uri", jwks_uri.into()),
            ("compat_aud", compat_aud.into()),
            ("signing_alg", signing_alg.into()),
            ("grants", terms.grants.iter().map(|grant| grant.as_str()).collect()),
            ("scopes", terms.scopes.iter().collect()),
            ("resources", terms.resources.as_ref().map_or("any".into(), |all| json!(all))),
            ("redirect_uris", json!(terms.redirect_uris)),
            ("token_lifetime_seconds", terms.token_lifetime.map_or("default".into(), Value::from)),
            ("refresh", terms.refresh.as_ref().map_or("none".into(), refresh)),
            ("proof", proof(&terms.proof)),
            ("exchanges", terms.exchanges.iter().map(exchange).collect()),
            ("expires", terms.expires_at.map_or("never".into(), |end| json!(end))),
            ("enabled", self.enabled.into()),
        ]
    }
}

impl Thing for Trust {
    type Name = TrustOf;

    const KIND: &'static str = "trust";

    fn describe(TrustOf { organization, name }: &TrustOf) -> String {
        format!("trust policy {name} of {organization}")
    }

    fn identity(TrustOf { organization, name }: &TrustOf) -> Vec<(&'static str, Value)> {
        vec![("organization", organization.to_string().into()), ("name", json!(name))]
    }

    /// Without keys they are where the issuer's metadata says.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let (jwks, jwks_uri) = match &self.keys {
            KeySource::Pinned(set) => (set.as_str(), ""),
            KeySource::Uri(uri) => ("", uri.as_str()),
            KeySource::Issuer(_) => ("", ""),
        };
        let audience = self.audience.as_deref().unwrap_or("as configured");
        vec![
            ("issuer", self.issuer.as_str().into()),
            ("jwks", jwks.into()),
            ("jwks_uri", jwks_uri.into()),
            ("algorithms", json!(self.algorithms)),
            ("audience", audience.into()),
            ("conditions", json!(self.conditions)),
            ("roles", json!(self.roles)),
            ("resources", self.resources.as_ref().map_or("any".into(), |all| json!(all))),
            ("allowed_networks", json!(self.allowed_networks)),
            ("expires", self.expires_at.map_or("never".into(), |end| json!(end))),
            ("once", self.once.into()),
            ("enabled", self.enabled.into()),
        ]
    }
}

fn proof(demand: &ProofDemand) -> Value {
    match demand {
        ProofDemand::OneOf(keys) => json!(keys),
        word => json!(word.to_string()),
    }
}

fn refresh(terms: &RefreshTerms) -> Value {
    let RefreshTerms { rotates, lifetime, idle } = terms;
    json!({ "rotates": rotates, "lifetime_seconds": lifetime, "idle_seconds": idle })
}

fn exchange(rule: &ExchangeRule) -> Value {
    let ExchangeRule { issuer, resource, impersonation } = rule;
    json!({ "issuer": issuer, "resource": resource, "impersonation": impersonation })
}
