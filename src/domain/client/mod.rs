//! OAuth clients: programs that are known by a name of their own, beside the keys they may hold.

mod check;
mod description;
mod grant;
mod key_set;
mod redirect_uri;
mod registration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::{
    check::BadTerms,
    description::{BadDescription, SelfDescription},
    grant::{GrantType, UnknownGrantType},
    key_set::BadKeySet,
    redirect_uri::{BadRedirectUri, RedirectUri},
    registration::{Admission, AskedTerms, Registration, RegistrationPolicy, TooMuch},
};
use super::{
    ClientId, KeyName, Once, OrganizationId, ProofDemand, ResourceIdentifier, Scopes, SecretHash,
    SecretId, SignatureAlgorithm, Version,
};
use crate::clock::Timestamp;

/// As whom `keyturn auth` presents the refresh token of a key: a name that proves nothing.
pub const KEYTURN_CLI: &str = "keyturn-cli";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub id: ClientId,
    /// In which it acts, where it acts for itself.
    pub organization_id: OrganizationId,
    pub name: KeyName,
    pub terms: ClientTerms,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
    /// Its place in the status list.
    pub status_index: i64,
    /// `None`: another registered it.
    pub registration: Option<Registration>,
    pub description: SelfDescription,
    pub version: Version,
}

/// What a client may do, and how it proves who it is. Kept as JSON: what is missing there is as it
/// is by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientTerms {
    pub authentication: Authentication,
    pub grants: Vec<GrantType>,
    /// No token that it obtains has others; for itself it has these.
    pub scopes: Scopes,
    /// Whom its tokens may be for; `None`: for any resource.
    pub resources: Option<Vec<ResourceIdentifier>>,
    pub redirect_uris: Vec<String>,
    /// Seconds; no longer than the resource's tokens live. `None`: as long as those.
    pub token_lifetime: Option<u32>,
    /// `None`: it is given no refresh tokens.
    pub refresh: Option<RefreshTerms>,
    pub proof: ProofDemand,
    /// What it may exchange beside what is its own (RFC 8693).
    pub exchanges: Vec<ExchangeRule>,
    /// From then on it gets no tokens, and those it got are dead. `None`: it never ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl ClientTerms {
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// `None`: it has not registered that one, or more or fewer than one and the request names
    /// none.
    pub fn redirect_uri(&self, asked: Option<&str>) -> Option<RedirectUri> {
        RedirectUri::of(&self.redirect_uris, asked)
    }
}

/// Where clients ask for tokens, below the issuer. Its URL is an audience, too: older libraries
/// write it into what they sign.
pub const TOKEN_ENDPOINT: &str = "/oauth2/token";

/// How a client proves who it is (OpenID Connect Core 1.0, section 9).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// It is public: anyone may say to be it.
    None,
    ClientSecretBasic,
    ClientSecretPost,
    /// Either of these two. Libraries differ in which one they use unless told otherwise.
    #[default]
    ClientSecretBasicOrPost,
    PrivateKeyJwt {
        keys: KeySource,
        /// Also takes assertions whose audience is the token endpoint, or a list, and that live
        /// up to an hour: older libraries write them so.
        #[serde(default)]
        compat_aud: bool,
        /// The only algorithm that assertions may be signed by. `None`: any that fits the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signing_alg: Option<SignatureAlgorithm>,
    },
}

impl Authentication {
    /// As metadata names it (RFC 7591, section 2).
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretBasicOrPost => "client_secret_basic_or_post",
            Self::PrivateKeyJwt { .. } => "private_key_jwt",
        }
    }

    /// By the words that people say it with; `None` where nothing is said. Keys go with
    /// `private_key_jwt`, and it with keys.
    pub fn said(
        method: Option<&str>,
        jwks: Option<String>,
        jwks_uri: Option<String>,
        compat_aud: bool,
        signing_alg: Option<&str>,
    ) -> Result<Option<Self>, BadTerms> {
        let signing_alg = signing_alg.map(str::parse::<SignatureAlgorithm>).transpose()?;
        let keys = match (jwks, jwks_uri) {
            (Some(_), Some(_)) => return Err(BadTerms::TwoKeySets),
            (set, uri) => set.map(KeySource::Pinned).or(uri.map(KeySource::Uri)),
        };
        let plain = match method {
            None => None,
            Some("none") => Some(Self::None),
            Some("client_secret_basic") => Some(Self::ClientSecretBasic),
            Some("client_secret_post") => Some(Self::ClientSecretPost),
            Some("client_secret_basic_or_post") => Some(Self::ClientSecretBasicOrPost),
            Some("private_key_jwt") => {
                let keys = keys.ok_or(BadTerms::NoKeys)?;
                return Ok(Some(Self::PrivateKeyJwt { keys, compat_aud, signing_alg }));
            }
            Some(_) => return Err(BadTerms::UnknownMethod),
        };
        if keys.is_some() || compat_aud || signing_alg.is_some() {
            return Err(BadTerms::KeysAlone);
        }
        Ok(plain)
    }

    pub fn has_secret(&self) -> bool {
        matches!(
            self,
            Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretBasicOrPost
        )
    }
}

/// Where the public keys of another issuer are found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// A JWK Set (RFC 7517, section 5), as JSON.
    Pinned(String),
    /// The URL of one.
    Uri(String),
    /// An issuer whose metadata names that URL (OpenID Connect Discovery 1.0, section 4).
    Issuer(String),
}

/// How the refresh tokens of one grant live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshTerms {
    /// Whether each use gives a successor; if not, one token is used again and again.
    pub rotates: bool,
    /// Seconds from the first to the end, however often it is used.
    pub lifetime: u32,
    /// Seconds after which an unused one is dead.
    pub idle: u32,
}

impl Default for RefreshTerms {
    /// For anyone who does not say: each token works once, a month at most, a week unused.
    fn default() -> Self {
        Self { rotates: true, lifetime: 30 * 86_400, idle: 7 * 86_400 }
    }
}

impl RefreshTerms {
    pub fn lifetime(&self) -> TimeDelta {
        TimeDelta::seconds(self.lifetime.into())
    }

    pub fn idle(&self) -> TimeDelta {
        TimeDelta::seconds(self.idle.into())
    }
}

/// One exchange that a client may make of what is not its own. What no rule allows is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRule {
    /// Whose tokens: our own issuer, or one that is trusted.
    pub issuer: String,
    /// Whom the new token is for.
    pub resource: ResourceIdentifier,
    /// Whether it may be without an actor: no one then sees that it was the client.
    pub impersonation: bool,
}

impl ExchangeRule {
    /// By what a token says how its client came by it: tokens of this issuer, with an actor or
    /// without. Whatever rules the client has for that by now, count.
    pub fn kind(issuer: &str, has_actor: bool) -> Uuid {
        let manner: &[u8] = if has_actor { b"for" } else { b"as" };
        let hash = Once::hash(&[b"exchange", manner, issuer.as_bytes()]);
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        Uuid::from_bytes(half)
    }

    fn is_of(&self, kind: Uuid) -> bool {
        kind == Self::kind(&self.issuer, true)
            || self.impersonation && kind == Self::kind(&self.issuer, false)
    }
}

impl ClientTerms {
    /// For whom tokens of this kind may be: no one where no rule is left.
    pub fn exchanged_for(&self, kind: Uuid) -> Vec<ResourceIdentifier> {
        let rules = self.exchanges.iter().filter(|rule| rule.is_of(kind));
        rules.map(|rule| rule.resource.clone()).collect()
    }
}

/// One of a client's secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret {
    pub id: SecretId,
    pub client_id: ClientId,
    pub hash: SecretHash,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

impl ClientSecret {
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// A client with what it can prove itself by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownClient {
    pub client: Client,
    pub secrets: Vec<ClientSecret>,
}
