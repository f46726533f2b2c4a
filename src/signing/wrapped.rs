//! Signing keys on their way into a record and out of it again.

use super::{
    KeyEncryptionKey,
    key_pair::{KeyPair, UnusableKey},
};
use crate::{
    domain::{Algorithm, SigningKey},
    random::Random,
};

/// What a record of a new signing key needs from here; its generation and its moments are the
/// caller's to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSigningKey {
    pub signing_key_id: String,
    pub algorithm: Algorithm,
    pub wrapped: Vec<u8>,
    pub wrapped_by: String,
}

/// Why a record gives no key to sign with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("it was encrypted by the key-encryption key {wrapped_by}, and ours is {ours}")]
    OtherKeyEncryptionKey { wrapped_by: String, ours: String },
    #[error("it was changed, cut short, or belongs to another record")]
    Undecryptable,
    #[error("it holds no private key that can be used for its algorithm")]
    Unusable,
    #[error("it holds the private key of another record")]
    OtherKey,
    #[error("another record has the same identifier")]
    Duplicate,
}

pub(super) fn wrap(pair: &KeyPair, by: &KeyEncryptionKey, random: &Random) -> NewSigningKey {
    let algorithm = pair.algorithm();
    NewSigningKey {
        signing_key_id: pair.id().to_owned(),
        algorithm,
        wrapped: by.wrap(random, &purpose(pair.id(), algorithm), &pair.to_pkcs8()),
        wrapped_by: by.id(),
    }
}

/// The same signing key, wrapped by another key-encryption key.
pub fn rewrap(
    record: &SigningKey,
    from: &KeyEncryptionKey,
    to: &KeyEncryptionKey,
    random: &Random,
) -> Result<NewSigningKey, Damage> {
    Ok(wrap(&open(record, from)?, to, random))
}

pub(super) fn open(record: &SigningKey, with: &KeyEncryptionKey) -> Result<KeyPair, Damage> {
    if record.wrapped_by != with.id() {
        return Err(Damage::OtherKeyEncryptionKey {
            wrapped_by: record.wrapped_by.clone(),
            ours: with.id(),
        });
    }
    let purpose = purpose(&record.signing_key_id, record.algorithm);
    let pkcs8 = with.unwrap(&purpose, &record.wrapped).map_err(|_| Damage::Undecryptable)?;
    let pair =
        KeyPair::from_pkcs8(record.algorithm, &pkcs8).map_err(|_: UnusableKey| Damage::Unusable)?;
    if pair.id() == record.signing_key_id { Ok(pair) } else { Err(Damage::OtherKey) }
}

/// Bound into the encryption, so that anyone who writes to the database cannot move a key to
/// another record.
fn purpose(signing_key_id: &str, algorithm: Algorithm) -> String {
    format!("keyturn signing key {algorithm} {signing_key_id}")
}
