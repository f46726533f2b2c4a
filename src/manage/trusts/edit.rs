//! What of a trust policy is to be otherwise.

use crate::{
    app::App,
    clock::Timestamp,
    domain::{
        Algorithms, Conditions, KeyName, KeySource, Networks, ResourceIdentifier, Roles, Trust,
        TrustTerms,
    },
};

/// Where the issuer's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenKeys {
    /// Where its metadata says (OpenID Connect Discovery 1.0, section 4).
    Discovered,
    /// At this URL.
    At(String),
    /// These, as a JWK Set.
    Pinned(String),
}

impl GivenKeys {
    pub(super) fn of_issuer(self, issuer: &str) -> KeySource {
        match self {
            Self::Discovered => KeySource::Issuer(issuer.to_owned()),
            Self::At(url) => KeySource::Uri(url),
            Self::Pinned(jwks) => KeySource::Pinned(jwks),
        }
    }
}

/// What is to be otherwise. What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct TrustChange {
    pub name: Option<KeyName>,
    pub issuer: Option<String>,
    pub keys: Option<GivenKeys>,
    /// Empty: any.
    pub algorithms: Option<Algorithms>,
    pub audience: Option<String>,
    pub conditions: Option<Conditions>,
    pub roles: Option<Roles>,
    pub resources: Option<Option<Vec<ResourceIdentifier>>>,
    pub allowed_networks: Option<Networks>,
    pub expires_at: Option<Option<Timestamp>>,
    pub once: Option<bool>,
    pub enabled: Option<bool>,
}

impl TrustChange {
    pub fn enabled(enabled: bool) -> Self {
        Self { enabled: Some(enabled), ..Self::default() }
    }

    /// Whether it does nothing but stop the rule: anyone who may write may take away.
    pub(super) fn only_disables(&self) -> bool {
        let Self {
            name: None,
            issuer: None,
            keys: None,
            algorithms: None,
            audience: None,
            conditions: None,
            roles: None,
            resources: None,
            allowed_networks: None,
            expires_at: None,
            once: None,
            enabled,
        } = self
        else {
            return false;
        };
        *enabled == Some(false)
    }
}

pub(super) fn apply(app: &App, trust: &mut Trust, to: TrustChange) {
    trust.name = to.name.unwrap_or_else(|| trust.name.clone());
    trust.issuer = to.issuer.unwrap_or_else(|| trust.issuer.clone());
    trust.disabled_at = match to.enabled {
        Some(true) => None,
        Some(false) => trust.disabled_at.or(Some(app.clock.now())),
        None => trust.disabled_at,
    };
    let TrustTerms { keys, algorithms, audience, conditions, roles, resources, .. } =
        trust.terms.clone();
    let allowed_networks = trust.terms.allowed_networks.clone();
    trust.terms = TrustTerms {
        keys: match (to.keys, keys) {
            (Some(given), _) => given.of_issuer(&trust.issuer),
            (None, KeySource::Issuer(_)) => KeySource::Issuer(trust.issuer.clone()),
            (None, keys) => keys,
        },
        algorithms: to.algorithms.unwrap_or(algorithms),
        audience: to.audience.unwrap_or(audience),
        conditions: to.conditions.unwrap_or(conditions),
        roles: to.roles.unwrap_or(roles),
        resources: to.resources.unwrap_or(resources),
        allowed_networks: to.allowed_networks.unwrap_or(allowed_networks),
        expires_at: to.expires_at.unwrap_or(trust.terms.expires_at),
        once: to.once.unwrap_or(trust.terms.once),
    };
}
