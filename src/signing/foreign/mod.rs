//! Tokens that others signed, verified by the public keys that they publish (RFC 7517, section 5).

mod jwk;
mod token;

use serde_json::Value;

pub(super) use self::jwk::ForeignKey;
pub use self::{
    jwk::UnusableJwk,
    token::{ForeignToken, Unverified},
};
use super::{
    Untrusted,
    jws::Jws,
    public_key::PublicKey,
    strict_json::{self, MalformedJson},
};
use crate::domain::SignatureAlgorithm;

/// The public keys of another issuer.
pub struct ForeignKeys {
    keys: Vec<ForeignKey>,
    refused: Vec<UnusableJwk>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedJwks {
    #[error("it is longer than 64 KiB")]
    TooLong,
    #[error("it is not one JSON object of at most 8 levels without a member twice")]
    Json,
    #[error("it is no JWK Set: an object whose member `keys` is a list is expected")]
    NotASet,
    #[error("it has more than 100 keys")]
    TooMany,
}

impl From<MalformedJson> for MalformedJwks {
    fn from(MalformedJson: MalformedJson) -> Self {
        Self::Json
    }
}

impl ForeignKeys {
    const LONGEST: usize = 64 * 1024;
    const MOST: usize = 100;

    /// Takes the keys of a JWK Set that can verify signatures. The others are passed over, and
    /// told of in [`Self::refused`]; a set may have no key at all.
    pub fn parse(jwks: &[u8]) -> Result<Self, MalformedJwks> {
        if jwks.len() > Self::LONGEST {
            return Err(MalformedJwks::TooLong);
        }
        let set = strict_json::object(jwks)?;
        let listed = set.get("keys").and_then(Value::as_array).ok_or(MalformedJwks::NotASet)?;
        if listed.len() > Self::MOST {
            return Err(MalformedJwks::TooMany);
        }
        let (mut keys, mut refused) = (Vec::<ForeignKey>::new(), Vec::new());
        for jwk in listed {
            match ForeignKey::read(jwk) {
                // One key that is listed twice is one key.
                Ok(key) if keys.iter().any(|known| known.is(&key)) => (),
                Ok(key) => keys.push(key),
                Err(why) => refused.push(why),
            }
        }
        Ok(Self { keys, refused })
    }

    /// Whether nothing can be verified by them.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Why keys of the set are not used: one reason for each.
    pub fn refused(&self) -> &[UnusableJwk] {
        &self.refused
    }

    /// Tells whether one of these keys signed the token, and what it then says. Its time, its
    /// audience and all else are still to be looked at.
    pub fn verify(&self, token: &str) -> Result<ForeignToken, Untrusted> {
        let jws = Jws::parse(token)?;
        let algorithm = self.signed(&jws)?;
        ForeignToken::read(&jws, algorithm)
    }

    /// Whether one of these keys has the name and the algorithm that the token says.
    pub fn have_key_for(&self, token: &str) -> bool {
        Jws::parse(token).is_ok_and(|jws| self.named_key(&jws).is_ok())
    }

    /// By which algorithm, if by one of them.
    fn signed(&self, jws: &Jws<'_>) -> Result<SignatureAlgorithm, Untrusted> {
        if let Some(extension) = jws.extension() {
            return Err(Untrusted::Extension(extension));
        }
        let key = self.named_key(jws)?;
        if key.verifies(jws.signed, &jws.signature) {
            Ok(key.algorithm())
        } else {
            Err(Untrusted::BadSignature)
        }
    }

    /// The one key that has the name and the algorithm that the header says; where it says no
    /// name, the one key for the algorithm. No key is tried out.
    fn named_key(&self, jws: &Jws<'_>) -> Result<&PublicKey, Untrusted> {
        let algorithm = jws.text("alg").and_then(|name| name.parse().ok());
        let algorithm: SignatureAlgorithm = algorithm.ok_or(Untrusted::WrongAlgorithm)?;
        let id = jws.key_id().map_err(|_| Untrusted::UnknownKey)?;
        let named: Vec<_> = self.keys.iter().filter(|key| id.is_none() || key.id() == id).collect();
        let mut fitting = named.iter().filter_map(|key| key.by(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(Untrusted::AmbiguousKey),
            (None, _) if id.is_some() && !named.is_empty() => Err(Untrusted::WrongAlgorithm),
            (None, _) => Err(Untrusted::UnknownKey),
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wycheproof;
