//! Decides whether a token is one of ours: signed by a key of ours, of the kind, for the audience
//! and in the time it is used in.

mod claims;

pub use self::claims::VerifiedToken;
use super::{
    MalformedJws, TokenType,
    jws::Jws,
    ring::{ReadyKey, Ring},
};
use crate::{clock::Timestamp, domain::Algorithm};

/// Why a token is not trusted: for the log. Whoever presents it learns only that it is so.
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

/// Whom a token has to be for.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    Is(&'a str),
    /// Whoever asks about it decides by what it says.
    Any,
}

/// What a token has to be.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: Audience<'a>,
    pub(super) types: &'a [TokenType],
    pub(super) now: Timestamp,
}

pub(super) fn verify(
    ring: &Ring,
    token: &str,
    expected: &Expected<'_>,
) -> Result<VerifiedToken, Untrusted> {
    let jws = Jws::parse(token)?;
    let key = named_key(ring, &jws, expected.now)?;
    if let Some(extension) = jws.extension() {
        return Err(Untrusted::Extension(extension));
    }
    // We spell it in one way only, so its other spellings (RFC 7515, section 4.1.9) are not ours.
    let typ = jws.text("typ");
    if !expected.types.iter().any(|expected| typ == Some(expected.as_str())) {
        return Err(Untrusted::WrongType);
    }
    if !key.pair.public().verifies(jws.signed, &jws.signature) {
        return Err(Untrusted::BadSignature);
    }
    // Only now: before it, the claims are a stranger's.
    claims::read(&jws.claims()?, expected)
}

/// The key that the header names, provided the algorithm is that key's.
fn named_key<'a>(ring: &'a Ring, jws: &Jws<'_>, now: Timestamp) -> Result<&'a ReadyKey, Untrusted> {
    let algorithm: Option<Algorithm> = jws.text("alg").and_then(|name| name.parse().ok());
    let algorithm = algorithm.ok_or(Untrusted::WrongAlgorithm)?;
    let id = jws.key_id().unwrap_or_default();
    let key = id.and_then(|id| ring.verifier(id, now)).ok_or(Untrusted::UnknownKey)?;
    if key.pair.algorithm() == algorithm { Ok(key) } else { Err(Untrusted::WrongAlgorithm) }
}
