//! The public half of a key, parsed once and used for every signature it is held against.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};

use crate::domain::Algorithm;

/// Verifies with one algorithm only: what a token says of itself decides nothing.
pub(super) struct PublicKey {
    algorithm: Algorithm,
    parsed: ParsedPublicKey,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a public key for this algorithm")]
pub(super) struct UnusablePublicKey;

impl PublicKey {
    /// Takes an uncompressed point, an RSA key as in PKCS#1, or the 32 bytes of Ed25519; of
    /// each, the library also reads the X.509 form.
    pub(super) fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, UnusablePublicKey> {
        let verification: &'static dyn VerificationAlgorithm = match algorithm {
            // Of fixed length: the other form of ECDSA signatures, DER, has no place in a JWS.
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::EdDsa => &ED25519,
        };
        let parsed = ParsedPublicKey::new(verification, bytes).map_err(|_| UnusablePublicKey)?;
        Ok(Self { algorithm, parsed })
    }

    pub(super) fn algorithm(&self) -> Algorithm {
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
