//! Why a token is not to be trusted.

use super::MalformedJws;

/// Why a token is not trusted: for the log. Its presenter learns only that it is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    #[error("the token is malformed: {0}")]
    Malformed(#[from] MalformedJws),
    #[error("the token's algorithm is not that of the key it names")]
    WrongAlgorithm,
    #[error("the token names no key that signs or has signed")]
    UnknownKey,
    #[error("the token does not say by which of several keys it is signed")]
    AmbiguousKey,
    #[error("the token's header asks for an extension: {0}")]
    Extension(&'static str),
    #[error("the token is of another type")]
    WrongType,
    #[error("the token's signature is wrong")]
    BadSignature,
    #[error("the token has no claim {0}")]
    MissingClaim(&'static str),
    #[error("the token's claim {0} has not the form it should have")]
    MalformedClaim(&'static str),
    #[error("the token is of another issuer")]
    WrongIssuer,
    #[error("the token is for another audience")]
    WrongAudience,
    #[error("the token has expired")]
    Expired,
    #[error("the token is of a time to come")]
    NotYetValid,
}
