//! Decides whether a token is one of ours: signed by a key of ours, of the kind, for the audience
//! and in the time it is used in.

mod claims;

pub use self::claims::VerifiedToken;
use super::{
    TokenType, Untrusted,
    jws::Jws,
    ring::{ReadyKey, Ring},
};
use crate::{clock::Timestamp, domain::Algorithm};

/// Whom a token has to be for.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    Is(&'a str),
    /// Every question about it is decided by what it says.
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
