//! Why a caller gets no token: the true reason, for the audit trail and the log. `http::error`
//! decides what the caller may learn.

use std::net::IpAddr;

use crate::{
    app::TooManyFailures,
    clock::Timestamp,
    domain::{ApiKeyId, OrganizationId, Presented, ResourceIdentifier, SecretId},
    ledger::NotRecorded,
    signing::SigningFailed,
    store::StoreError,
};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    // Before the secret is proved. The caller cannot tell these apart.
    #[error("the secret has not the form of one")]
    MalformedSecret,
    #[error("no key has this secret")]
    UnknownSecret,
    #[error("the secret is right, but it belongs to a key of another name")]
    WrongName,
    #[error(transparent)]
    TooManyFailures(#[from] TooManyFailures),

    // After it is proved. The caller is told.
    #[error("the secret was replaced and died at {0}")]
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
    #[error("{0} is not among the addresses the key may be used from")]
    AddressNotAllowed(IpAddr),
    #[error("the key does not reach organization {0}")]
    OrganizationOutOfReach(OrganizationId),
    #[error("the key reaches no organization")]
    NoOrganization,
    #[error("organization {0} is disabled")]
    OrganizationDisabled(OrganizationId),
    #[error("no resource is registered as {0}")]
    UnknownResource(ResourceIdentifier),
    #[error("scope {0} is not granted to this key at this resource")]
    ScopeNotGranted(String),
}

impl Refusal {
    /// A word for counting and for looking up.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MalformedSecret => "malformed_secret",
            Self::UnknownSecret => "unknown_secret",
            Self::WrongName => "wrong_name",
            Self::TooManyFailures(_) => "too_many_failures",
            Self::SecretReplaced(_) => "secret_replaced",
            Self::KeyExpired(_) => "key_expired",
            Self::KeyDisabled => "key_disabled",
            Self::KeyRevoked(_) => "key_revoked",
            Self::OwnerDisabled => "owner_disabled",
            Self::OwnerGone => "owner_gone",
            Self::AddressNotAllowed(_) => "address_not_allowed",
            Self::OrganizationOutOfReach(_) => "organization_out_of_reach",
            Self::NoOrganization => "no_organization",
            Self::OrganizationDisabled(_) => "organization_disabled",
            Self::UnknownResource(_) => "unknown_resource",
            Self::ScopeNotGranted(_) => "scope_not_granted",
        }
    }
}

/// A refusal with the key it concerns, once that is known.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) refusal: Refusal,
    pub(super) key: Option<(ApiKeyId, SecretId)>,
}

impl Refused {
    pub(super) fn new(refusal: Refusal) -> Self {
        Self { refusal, key: None }
    }

    pub(super) fn of(self, subject: &Presented) -> Self {
        Self { key: Some((subject.key.id, subject.secret.id)), ..self }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The caller's doing.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// Ours.
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Signing(#[from] SigningFailed),
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
}

impl ExchangeError {
    /// Whether the same request may succeed soon.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Store(StoreError::Unavailable(_)) | Self::NotRecorded(_))
    }
}

/// Marks what is never the caller's doing.
pub(super) trait OurFault {}
impl OurFault for StoreError {}
impl OurFault for SigningFailed {}
impl OurFault for NotRecorded {}
