//! The words of the wire for what a client may do, in both directions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    domain::{ExchangeRule, MalformedResource, RefreshTerms},
    http::api::problem::Problem,
};

/// How a client proves who it is (OpenID Connect Core 1.0, section 9). `none`: it is public.
/// `client_secret_basic_or_post`: either of the two, and the default of new clients.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    None,
    ClientSecretBasic,
    ClientSecretPost,
    ClientSecretBasicOrPost,
    PrivateKeyJwt,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretBasicOrPost => "client_secret_basic_or_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

/// How the refresh tokens of one grant live.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Refresh {
    /// Whether each use gives a successor; if not, one token is used again and again.
    rotates: bool,
    /// From the first to the end, however often they are used.
    #[schema(minimum = 60, maximum = 31_536_000)]
    lifetime_seconds: u32,
    /// After so long an unused one is dead.
    #[schema(minimum = 60, maximum = 31_536_000)]
    idle_seconds: u32,
}

impl From<Refresh> for RefreshTerms {
    fn from(said: Refresh) -> Self {
        let Refresh { rotates, lifetime_seconds, idle_seconds } = said;
        Self { rotates, lifetime: lifetime_seconds, idle: idle_seconds }
    }
}

impl From<RefreshTerms> for Refresh {
    fn from(terms: RefreshTerms) -> Self {
        let RefreshTerms { rotates, lifetime, idle } = terms;
        Self { rotates, lifetime_seconds: lifetime, idle_seconds: idle }
    }
}

/// One exchange that a client may make of what is not its own.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    /// Whose tokens: `iss` of them, to the letter.
    #[schema(max_length = 512)]
    issuer: String,
    /// Whom the new token is for.
    resource: String,
    /// Whether it may be without an actor (impersonation): then there is no `act` claim.
    #[serde(default)]
    impersonation: bool,
}

impl Exchange {
    /// As the item at this place of the list.
    pub(super) fn read(self, place: usize) -> Result<ExchangeRule, Problem> {
        let Self { issuer, resource, impersonation } = self;
        let bad = |bad: MalformedResource| {
            Problem::invalid(format!("exchanges[{place}].resource: {bad}"))
        };
        Ok(ExchangeRule { issuer, resource: resource.parse().map_err(bad)?, impersonation })
    }
}

impl From<ExchangeRule> for Exchange {
    fn from(rule: ExchangeRule) -> Self {
        let ExchangeRule { issuer, resource, impersonation } = rule;
        Self { issuer, resource: resource.to_string(), impersonation }
    }
}
