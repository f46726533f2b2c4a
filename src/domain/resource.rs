//! Resource servers: who a token may be meant for, and what it may say to them.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
    sync::Arc,
};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{Algorithm, Issuer, Item, JwtType, Scopes, Version, normal_uri};
use crate::clock::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub identifier: ResourceIdentifier,
    /// No token for this resource carries any other scope.
    pub scopes: Scopes,
    /// How its tokens are signed, once the first key of it signs.
    pub algorithm: Algorithm,
    /// How they are signed until then; `None`: by the algorithm that every server has.
    pub algorithm_before: Option<Algorithm>,
    pub jwt_type: JwtType,
    /// Between [`Resource::SHORTEST_TOKEN`] and [`Resource::LONGEST_TOKEN`]; `None`: as
    /// configured for all.
    pub token_lifetime: Option<TimeDelta>,
    pub created_at: Timestamp,
    /// Whose turn it is when a request names no resource: the latest of these.
    pub default_since: Option<Timestamp>,
    pub version: Version,
}

impl Resource {
    pub const SHORTEST_TOKEN: TimeDelta = TimeDelta::seconds(30);
    /// Nothing can call back a token from a verifier that never asks: six minutes bound the harm.
    pub const LONGEST_TOKEN: TimeDelta = TimeDelta::minutes(6);

    /// How its tokens are signed until the first key of its algorithm signs.
    pub fn algorithm_until_then(&self) -> Algorithm {
        self.algorithm_before.unwrap_or(Algorithm::Es256)
    }

    /// Whose turn it is when a request names no resource, if there is one.
    pub fn default_of(registered: &[Self]) -> Option<&Self> {
        let defaults = registered.iter().filter(|resource| resource.default_since.is_some());
        defaults.max_by_key(|resource| resource.default_since)
    }

    /// keyturn itself, which accepts its own tokens for managing what it keeps. It is the audience
    /// where no resource is registered.
    pub fn keyturn(issuer: &Issuer) -> Self {
        const SCOPES: &str = "audit:read clients:read clients:write keys:read keys:write \
                              members:read members:write organizations:read organizations:write \
                              resources:read resources:write roles:read roles:write \
                              signing-keys:read signing-keys:write trusts:read trusts:write \
                              usage:read";
        Self {
            identifier: ResourceIdentifier::checked_before(issuer.as_str().to_owned()),
            scopes: SCOPES.parse().expect("our own scopes are well formed"),
            algorithm: Algorithm::Es256,
            algorithm_before: None,
            jwt_type: JwtType::AccessToken,
            token_lifetime: None,
            created_at: Timestamp::UNIX_EPOCH,
            default_since: None,
            version: Version::FIRST,
        }
    }
}

/// The audience of a token: an absolute URI without a fragment (RFC 8707, section 2), or a plain
/// name (RFC 8693, section 2.1). Shown as it was written; two spellings of one URI are equal.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "String")]
pub struct ResourceIdentifier {
    written: Arc<str>,
    /// By this it is compared.
    normal: Arc<str>,
}

/// What of the issuer's URL belongs to keyturn itself.
const OWN_PATHS: [&str; 4] = ["/.well-known", "/api", "/auth", "/oauth2"];

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a resource is an absolute URI without a fragment, or a name of a-z, 0-9, '-', '_', '.'")]
pub struct MalformedResource;

impl ResourceIdentifier {
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// As it stands. No `From`: the parser of the command line would take it for the way to read
    /// an argument.
    pub fn checked_before(written: String) -> Self {
        let (normal, written) = (normal_uri(&written), Arc::from(written));
        let normal = if *normal == *written { Arc::clone(&written) } else { normal.into() };
        Self { written, normal }
    }

    /// The same for all spellings of one URI.
    pub fn normal(&self) -> &str {
        &self.normal
    }

    /// Whether it names keyturn itself, or an endpoint of keyturn: tokens for these are not for
    /// others.
    pub fn is_reserved(&self, issuer: &Issuer) -> bool {
        let issuer = normal_uri(issuer);
        let rest = self.normal.strip_prefix(issuer.trim_end_matches('/'));
        let Some(rest) = rest else { return false };
        let path = rest.split('?').next().unwrap_or_default().trim_end_matches('/');
        let is_below = |own: &&str| {
            path.strip_prefix(*own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        path.is_empty() || OWN_PATHS.iter().any(is_below)
    }

    /// Reads the `resource` parameter, which must be a URI.
    pub fn from_uri(text: &str) -> Result<Self, MalformedResource> {
        let (scheme, rest) = text.split_once(':').ok_or(MalformedResource)?;
        let mut letters = scheme.bytes();
        let begins = letters.next().is_some_and(|b| b.is_ascii_alphabetic());
        let goes_on = letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        let plain = rest
            .bytes()
            .all(|b| b.is_ascii_graphic() && !matches!(b, b'#' | b'"' | b'\\' | b'<' | b'>'));
        if !begins || !goes_on || !plain || rest.is_empty() || text.len() > 512 {
            return Err(MalformedResource);
        }
        Ok(Self::checked_before(text.to_owned()))
    }
}

impl Item for ResourceIdentifier {
    const MEMBER: &'static str = "resources";
    const EXAMPLE: &'static str = "https://api.example.com";
}

impl FromStr for ResourceIdentifier {
    type Err = MalformedResource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = !text.is_empty()
            && text.len() <= 64
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'));
        if is_name { Ok(Self::checked_before(text.to_owned())) } else { Self::from_uri(text) }
    }
}

impl fmt::Display for ResourceIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl<'de> Deserialize<'de> for ResourceIdentifier {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::checked_before)
    }
}

impl From<ResourceIdentifier> for String {
    fn from(identifier: ResourceIdentifier) -> Self {
        identifier.as_str().to_owned()
    }
}

impl PartialEq for ResourceIdentifier {
    fn eq(&self, other: &Self) -> bool {
        self.normal == other.normal
    }
}

impl Eq for ResourceIdentifier {}

impl Hash for ResourceIdentifier {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.normal.hash(state);
    }
}

impl PartialOrd for ResourceIdentifier {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceIdentifier {
    fn cmp(&self, other: &Self) -> Ordering {
        self.normal.cmp(&other.normal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fx_21_the_issuer_and_the_endpoints_below_it_are_reserved_however_they_are_spelt() {
        let issuer = "https://keys.example.com".to_owned();
        for text in [
            "https://keys.example.com",
            "https://keys.example.com/",
            "HTTPS://Keys.Example.com:443//",
            "https://keys.example.com?x=1",
            "https://keys.example.com/api/v1",
            "https://keys.example.com/oauth2/token",
        ] {
            assert!(text.parse::<ResourceIdentifier>().unwrap().is_reserved(&issuer), "{text}");
        }
        for text in [
            "https://keys.example.com/billing",
            "https://keys.example.com/apis",
            "https://keys.example.com.evil.example",
            "https://keys.example.com:8443",
            "http://keys.example.com",
            "keys.example.com",
        ] {
            assert!(!text.parse::<ResourceIdentifier>().unwrap().is_reserved(&issuer), "{text}");
        }
    }

    #[test]
    fn a_resource_is_a_uri_or_a_plain_name() {
        for text in ["https://api.example.com", "https://api.example.com/v1?x=1", "urn:api", "api"]
        {
            assert_eq!(text.parse::<ResourceIdentifier>().unwrap().as_str(), text);
        }
        for text in ["", "https://a/#f", "API", "1a:b", "a b", "https:", "https://\"", "é"] {
            assert_eq!(text.parse::<ResourceIdentifier>(), Err(MalformedResource), "{text}");
        }
        assert_eq!(ResourceIdentifier::from_uri("api"), Err(MalformedResource));
    }
}
