//! The table of a trust policy: what it does not say stays as it is, and is the default of a new
//! one.

use serde::Deserialize;

use super::{
    entries::Entry,
    problem::Problem,
    values::{Expires, Listed, Parsed, Resources},
};
use crate::{
    declare::{OrganizationPath, Trust, TrustOf},
    domain::{
        Algorithms, Conditions, KeyName, KeySource, Network, Networks, RoleName, Roles,
        SignatureAlgorithm,
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrustEntry {
    organization: Parsed<OrganizationPath>,
    name: Parsed<KeyName>,
    issuer: String,
    /// Both empty: where the issuer's metadata says.
    jwks: Option<String>,
    jwks_uri: Option<String>,
    algorithms: Option<Listed<SignatureAlgorithm, Algorithms>>,
    audience: Option<String>,
    conditions: Conditions,
    roles: Listed<RoleName, Roles>,
    resources: Option<Resources>,
    allowed_networks: Option<Listed<Network, Networks>>,
    expires: Option<Expires>,
    once: Option<bool>,
    enabled: Option<bool>,
}

impl TrustEntry {
    fn keys(&self, before: Option<&Trust>) -> KeySource {
        let unless_empty = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let said = self.jwks.is_some() || self.jwks_uri.is_some();
        match (unless_empty(&self.jwks), unless_empty(&self.jwks_uri), before) {
            (Some(jwks), ..) => KeySource::Pinned(jwks),
            (None, Some(uri), _) => KeySource::Uri(uri),
            (None, None, Some(Trust { keys, .. }))
                if !said && !matches!(keys, KeySource::Issuer(_)) =>
            {
                keys.clone()
            }
            (None, None, _) => KeySource::Issuer(self.issuer.clone()),
        }
    }
}

impl Entry for TrustEntry {
    type Thing = Trust;

    fn name(&self) -> Result<TrustOf, Problem> {
        Ok(TrustOf { organization: self.organization.0.clone(), name: self.name.0.clone() })
    }

    fn over(&self, before: Option<&Trust>) -> Trust {
        let ends = || before.and_then(|before| before.expires_at);
        let networks = self.allowed_networks.as_ref().map(|it| it.listed.clone());
        let algorithms = self.algorithms.as_ref().map(|it| it.listed.clone());
        let resources = || before.and_then(|before| before.resources.clone());
        Trust {
            issuer: self.issuer.clone(),
            keys: self.keys(before),
            algorithms: algorithms.or_else(|| Some(before?.algorithms.clone())).unwrap_or_default(),
            audience: self.audience.clone().or_else(|| before?.audience.clone()),
            conditions: self.conditions.clone(),
            roles: self.roles.listed.clone(),
            resources: self.resources.clone().map_or_else(resources, |all| all.0),
            allowed_networks: networks
                .or_else(|| Some(before?.allowed_networks.clone()))
                .unwrap_or_default(),
            expires_at: self.expires.map_or_else(ends, Expires::end),
            once: self.once.unwrap_or_else(|| before.is_none_or(|before| before.once)),
            enabled: self.enabled.unwrap_or_else(|| before.is_none_or(|before| before.enabled)),
        }
    }
}
