//! Signs tokens and verifies them. The only module that knows private keys and the encoding of JWTs.

mod claim_reader;
mod claims;
mod dpop;
mod foreign;
mod header;
mod jwks;
mod jws;
mod key_encryption_key;
mod key_pair;
mod pem;
mod public_key;
mod refresh;
mod reporter;
mod ring;
mod signature_algorithm;
mod signer;
mod strict_json;
mod untrusted;
mod verify;
mod weak_rsa;
mod webhook_secret;
mod wrapped;

pub use claims::{AccessToken, Confirmation, TokenIntrospection};
pub use dpop::{BadProof, Nonces, PROOF_ALGORITHMS, Proof, ProofKey, ProvedRequest, verify_proof};
pub use foreign::{ForeignKeys, ForeignToken, MalformedJwks, UnusableJwk, Unverified};
pub use header::TokenType;
pub use jwks::Jwks;
pub use jws::MalformedJws;
pub use key_encryption_key::{Damaged, FormerKey, KeyEncryptionKey, MalformedKeyEncryptionKey};
pub use key_pair::UnusableKey;
pub use pem::MalformedPem;
pub use refresh::RefreshKey;
pub use reporter::{MalformedReporterKeys, ReporterKeys, Signed};
pub use ring::DamagedKey;
pub use signer::{Signer, SigningFailed};
pub use untrusted::Untrusted;
pub use verify::{Audience, VerifiedToken};
pub use webhook_secret::WebhookSecret;
pub use wrapped::{Damage, NewSigningKey, rewrap};

use key_pair::KeyPair;

use crate::{domain::Algorithm, random::Random};

/// Takes some hundred milliseconds for RS256: not for a thread that serves requests.
pub fn generate(
    algorithm: Algorithm,
    wrap_by: &KeyEncryptionKey,
    random: &Random,
) -> NewSigningKey {
    wrapped::wrap(&KeyPair::generate(algorithm), wrap_by, random)
}

/// Takes a private key from elsewhere; its kind decides the algorithm.
pub fn import(
    pem: &str,
    wrap_by: &KeyEncryptionKey,
    random: &Random,
) -> Result<NewSigningKey, MalformedPem> {
    Ok(wrapped::wrap(&pem::parse(pem)?, wrap_by, random))
}

#[cfg(test)]
mod tests;
