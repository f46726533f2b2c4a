//! Why the possession of a key is not proved.

use crate::{domain::Thumbprint, signing::BadProof};

/// Why the possession of the right key is not proved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    #[error("a proof of possession is demanded, and there is none")]
    Missing,
    #[error(transparent)]
    Bad(#[from] BadProof),
    #[error("the proof was used before")]
    Replayed,
    #[error("the proof has no nonce of this server, or one that is too old")]
    Nonce,
    #[error("the proof is by the key {0}, which is none of those that are demanded")]
    KeyNotAllowed(Thumbprint),
    #[error("it is bound to the key {bound_to}, and the proof is by {proved}")]
    OtherKey { bound_to: Thumbprint, proved: Thumbprint },
    #[error(
        "it is bound to the key {0}: send it as `Authorization: DPoP` with a proof by that key"
    )]
    BoundToken(Thumbprint),
    #[error("it is bound to no key: send it as `Authorization: Bearer`")]
    UnboundToken,
    #[error(
        "the gateway does not say by `{0}` what was asked for, so that no proof can be checked"
    )]
    Untold(Untold),
}

/// What a gateway has to say of a request, so that a proof for it can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    #[error("origin")]
    Origin,
    #[error("X-Forwarded-Method")]
    Method,
    #[error("X-Forwarded-Uri")]
    Path,
}

impl Unproved {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "no_proof",
            Self::Bad(_) => "bad_proof",
            Self::Replayed => "proof_replayed",
            Self::Nonce => "no_proof_nonce",
            Self::KeyNotAllowed(_) => "proof_key_not_allowed",
            Self::OtherKey { .. } => "bound_to_other_key",
            Self::BoundToken(_) => "bound_token_without_proof",
            Self::UnboundToken => "unbound_token_with_proof",
            Self::Untold(_) => "proof_not_checkable",
        }
    }
}
