//! The public half of a key, parsed once and used for every signature it is held against.

use aws_lc_rs::signature::ParsedPublicKey;

use super::signature_algorithm::verification;
use crate::domain::SignatureAlgorithm;

/// Verifies with one algorithm only: what a token says of itself decides nothing.
pub(super) struct PublicKey {
    algorithm: SignatureAlgorithm,
    parsed: ParsedPublicKey,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a public key for this algorithm")]
pub(super) struct UnusablePublicKey;

impl PublicKey {
    /// Takes an uncompressed point, an RSA key as in PKCS#1, or the 32 bytes of Ed25519; of
    /// each, the library also reads the X.509 form.
    pub(super) fn new(
        algorithm: SignatureAlgorithm,
        bytes: &[u8],
    ) -> Result<Self, UnusablePublicKey> {
        let parsed = ParsedPublicKey::new(verification(algorithm), bytes);
        Ok(Self { algorithm, parsed: parsed.map_err(|_| UnusablePublicKey)? })
    }

    pub(super) fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// X.509, as tools write public keys.
    #[cfg(test)]
    pub(super) fn to_x509(&self) -> Vec<u8> {
        use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
        let der: PublicKeyX509Der<'_> = self.parsed.as_der().expect("a key that was parsed");
        der.as_ref().to_vec()
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}
