//! The table of a client: what it does not say stays as it is, and is the default of a new one.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Value;

use super::{
    entries::Entry,
    problem::Problem,
    values::{Expires, Listed, Parsed, Proof, Resources, TokenLifetime},
};
use crate::{
    declare::{Client, ClientOf, OrganizationPath},
    domain::{
        Authentication, BadTerms, ClientTerms, ExchangeRule, GrantType, KeyName, RefreshTerms,
        ResourceIdentifier, ScopeToken, Scopes,
    },
};

#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct ClientEntry {
    written: Written,
    authentication: Option<Authentication>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    organization: Parsed<OrganizationPath>,
    name: Parsed<KeyName>,
    authentication: Option<String>,
    jwks: Option<String>,
    jwks_uri: Option<String>,
    compat_aud: Option<bool>,
    signing_alg: Option<String>,
    grants: Option<Listed<GrantType>>,
    scopes: Option<Listed<ScopeToken, Scopes>>,
    resources: Option<Resources>,
    redirect_uris: Option<Vec<String>>,
    token_lifetime_seconds: Option<TokenLifetime>,
    refresh: Option<Refresh>,
    proof: Option<Proof>,
    exchanges: Option<Vec<Exchange>>,
    expires: Option<Expires>,
    enabled: Option<bool>,
    write_secret_to: Option<PathBuf>,
}

impl TryFrom<Written> for ClientEntry {
    type Error = BadTerms;

    fn try_from(written: Written) -> Result<Self, BadTerms> {
        let Written { authentication, jwks, jwks_uri, compat_aud, signing_alg, .. } = &written;
        let unless_empty = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let authentication = Authentication::said(
            authentication.as_deref(),
            unless_empty(jwks),
            unless_empty(jwks_uri),
            compat_aud.unwrap_or(false),
            unless_empty(signing_alg).as_deref(),
        )?;
        Ok(Self { written, authentication })
    }
}

/// How refresh tokens live, or `"none"`.
#[derive(Clone, Debug)]
struct Refresh(Option<RefreshTerms>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshTable {
    rotates: bool,
    lifetime_seconds: u32,
    idle_seconds: u32,
}

impl<'de> Deserialize<'de> for Refresh {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.as_str() == Some("none") {
            return Ok(Self(None));
        }
        let expected = "refresh is \"none\", or { rotates = true, lifetime_seconds = 2592000, \
                        idle_seconds = 604800 }";
        let table = RefreshTable::deserialize(value);
        let table = table.map_err(|_| serde::de::Error::custom(expected))?;
        let RefreshTable { rotates, lifetime_seconds, idle_seconds } = table;
        Ok(Self(Some(RefreshTerms { rotates, lifetime: lifetime_seconds, idle: idle_seconds })))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    issuer: String,
    resource: Parsed<ResourceIdentifier>,
    #[serde(default)]
    impersonation: bool,
}

impl From<Exchange> for ExchangeRule {
    fn from(written: Exchange) -> Self {
        let Exchange { issuer, resource, impersonation } = written;
        Self { issuer, resource: resource.0, impersonation }
    }
}

impl Entry for ClientEntry {
    type Thing = Client;

    fn name(&self) -> Result<ClientOf, Problem> {
        let Written { organization, name, .. } = &self.written;
        Ok(ClientOf { organization: organization.0.clone(), name: name.0.clone() })
    }

    fn secret_file(&self, thing: &Client) -> Option<&PathBuf> {
        let path = self.written.write_secret_to.as_ref();
        path.filter(|_| thing.terms.authentication.has_secret())
    }

    fn over(&self, before: Option<&Client>) -> Client {
        let it = &self.written;
        let ground = before.map(|before| before.terms.clone()).unwrap_or_default();
        let grants = it.grants.as_ref().map(|all| all.listed.clone());
        let grants: Vec<_> = grants.unwrap_or(ground.grants);
        // As the command line has it: refresh tokens come and go with their grant.
        let refreshes = grants.contains(&GrantType::RefreshToken);
        let usual = refreshes.then(|| ground.refresh.unwrap_or_default());
        let exchanges = it.exchanges.clone();
        let exchanges = exchanges.map(|all| all.into_iter().map(Into::into).collect());
        let terms = ClientTerms {
            authentication: self.authentication.clone().unwrap_or(ground.authentication),
            grants,
            scopes: it.scopes.as_ref().map_or(ground.scopes, |it| it.listed.clone()),
            resources: it.resources.clone().map_or(ground.resources, |all| all.0),
            redirect_uris: it.redirect_uris.clone().unwrap_or(ground.redirect_uris),
            token_lifetime: it.token_lifetime_seconds.map_or(ground.token_lifetime, seconds),
            refresh: it.refresh.clone().map_or(usual, |terms| terms.0),
            proof: it.proof.clone().map_or(ground.proof, |it| it.0),
            exchanges: exchanges.unwrap_or(ground.exchanges),
            expires_at: it.expires.map_or(ground.expires_at, Expires::end),
        };
        let enabled = before.is_none_or(|before| before.enabled);
        Client {
            // As it is kept. What cannot be is refused where it would be made.
            terms: terms.clone().checked().unwrap_or(terms),
            enabled: it.enabled.unwrap_or(enabled),
        }
    }
}

/// More than fits is refused as too long where it would be made.
fn seconds(lifetime: TokenLifetime) -> Option<u32> {
    lifetime.0.map(|span| u32::try_from(span.num_seconds()).unwrap_or(u32::MAX))
}
