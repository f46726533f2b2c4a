//! Why a caller gets no token: the true reason, for the audit trail and the log. `http::error`
//! decides what the caller may learn.

mod distrust;
mod error;
mod facts;
mod lack;
mod not_exchanged;
mod turned_away;
mod unproved;
pub(super) mod words;

use std::net::IpAddr;

pub(super) use self::error::OurFault;
pub use self::{
    distrust::Distrust,
    error::ExchangeError,
    lack::{Lack, NotHeld},
    not_exchanged::{NotExchanged, Part},
    turned_away::TurnedAway,
    unproved::{Unproved, Untold},
};
use self::{
    facts::Phase,
    words::{some_of, span},
};
use crate::{
    app::TooManyFailures,
    clock::Timestamp,
    domain::{
        ClientId, FamilyId, GrantType, KeyName, MalformedSecret, Networks, OrganizationId,
        ResourceIdentifier, SecretId, Source, TrustId,
    },
    signing::Untrusted,
};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    // Before the secret is proved. The caller cannot tell these apart.
    #[error(transparent)]
    MalformedSecret(MalformedSecret),
    #[error("no key has this secret")]
    UnknownSecret,
    #[error("the secret is right, but the key is called `{0}`, not what the request said")]
    WrongName(KeyName),
    #[error(transparent)]
    TooManyFailures(#[from] TooManyFailures),
    #[error("no client has this id")]
    UnknownClient,
    #[error("what was sent has not the form of a refresh token")]
    MalformedRefreshToken,
    #[error("no refresh token like this was given")]
    UnknownRefreshToken,
    #[error("client {0} has no live secret like the one sent")]
    WrongClientSecret(ClientId),
    #[error("the assertion of client {0} is not to be trusted: {1}")]
    WrongAssertion(ClientId, Untrusted),
    #[error("client {0} is registered for another authentication method, and nothing is proved")]
    OtherMethod(ClientId),
    /// Before or after the token of another is trusted.
    #[error(transparent)]
    Distrusted(Distrust),

    // After it is proved. The caller is told.
    #[error("client {0} is registered for {1}, and has to send the secret in that way")]
    WrongMethod(ClientId, &'static str),
    #[error("the assertion of client {0} is signed by its key, but is not accepted: {1}")]
    BadAssertion(ClientId, Untrusted),
    #[error("the assertion of client {0} was used before")]
    AssertionUsed(ClientId),
    #[error("the secret was replaced by a newer one and died at {0}")]
    SecretReplaced(Timestamp),
    #[error("the key expired at {0}")]
    KeyExpired(Timestamp),
    #[error("the key is disabled")]
    KeyDisabled,
    #[error("the key was revoked at {0}")]
    KeyRevoked(Timestamp),
    #[error("the owner of the key is disabled")]
    OwnerDisabled,
    #[error("the owner of the key no longer exists")]
    OwnerGone,
    #[error("{0} is not in {allowed}", allowed = some_of(&.1.to_string()))]
    AddressNotAllowed(IpAddr, Networks),
    #[error("the key does not reach organization {0}")]
    OrganizationOutOfReach(OrganizationId),
    #[error("the key reaches no organization")]
    NoOrganization,
    #[error("organization {0} is disabled")]
    OrganizationDisabled(OrganizationId),
    #[error("no resource is registered as {0}")]
    UnknownResource(ResourceIdentifier),
    #[error("tokens for resource {0} are not allowed here")]
    ResourceNotAllowed(ResourceIdentifier),
    #[error("client {0} is disabled")]
    ClientDisabled(ClientId),
    #[error("client {0} expired at {1}")]
    ClientExpired(ClientId, Timestamp),
    #[error("client {0} may not use the grant {1}")]
    GrantNotAllowed(ClientId, GrantType),
    #[error("the trust policy {0} is disabled")]
    TrustDisabled(TrustId),
    #[error("the trust policy expired at {0}")]
    TrustExpired(Timestamp),
    #[error("what was to be exchanged expired at {0}")]
    InputExpired(Timestamp),
    #[error("{0}, the source of this token, was revoked or deleted")]
    SourceGone(Source),
    #[error("the refresh token is of family {0}, which was given to another")]
    RefreshTokenOfAnother(FamilyId),
    #[error("the refresh token ended at {0}")]
    RefreshTokenEnded(Timestamp),
    #[error("the refresh token expired at {0}")]
    RefreshTokenExpired(Timestamp),
    #[error("the refresh token of family {0} was used before, and that ended the family")]
    RefreshTokenReused(FamilyId),
    #[error("refresh tokens are no longer given for this")]
    NoRefreshTokens,
    #[error("the token does not say through what it was obtained")]
    NoSource,
    #[error("the token was issued to client {0}, not to the one that wants it to end")]
    OthersToken(String),
    #[error(transparent)]
    TurnedAway(#[from] TurnedAway),
    #[error(transparent)]
    ScopeNotGranted(NotHeld),
    #[error(transparent)]
    NotExchanged(#[from] NotExchanged),
    #[error(transparent)]
    Unproved(#[from] Unproved),
}

impl Refusal {
    /// A word for counting and for looking up.
    pub fn code(&self) -> &'static str {
        self.facts().code
    }

    /// Whether the caller has proved to hold the secret of a key that it named rightly, if at all.
    pub(in crate::exchange) fn is_after_proof(&self) -> bool {
        self.facts().phase != Phase::BeforeProof
    }

    /// The client whose credential was good, as its uses are counted where it has no secret.
    pub(in crate::exchange) fn client(&self) -> Option<SecretId> {
        match self {
            Self::WrongMethod(id, _)
            | Self::BadAssertion(id, _)
            | Self::AssertionUsed(id)
            | Self::ClientDisabled(id)
            | Self::GrantNotAllowed(id, _) => Some(SecretId(id.0)),
            _ => None,
        }
    }

    /// The organization whose rules it quotes: no one else is told.
    pub(in crate::exchange) fn organization(&self) -> Option<OrganizationId> {
        match self {
            Self::Distrusted(distrust) => distrust.organization(),
            _ => None,
        }
    }

    /// What was refused at this moment, in the words of the key's owner.
    pub(in crate::exchange) fn in_words(&self, at: Timestamp) -> String {
        let right = match self.facts().phase {
            Phase::SecretProved => "the secret is right; ",
            Phase::BeforeProof | Phase::AfterProof => "",
        };
        let before = match self {
            Self::SecretReplaced(then)
            | Self::KeyExpired(then)
            | Self::KeyRevoked(then)
            | Self::TrustExpired(then)
            | Self::RefreshTokenEnded(then)
            | Self::RefreshTokenExpired(then) => {
                format!(", {} before this request", span(at - *then))
            }
            _ => String::new(),
        };
        format!("{right}{self}{before}")
    }
}
