//! A private signing key, parsed once and used for every signature, and its public half as a JWK.

use aws_lc_rs::{
    encoding::AsDer,
    error::{KeyRejected, Unspecified},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, Jwk, PublicKeyUse, ThumbprintHash},
};
use zeroize::Zeroizing;

use super::{public_key::PublicKey, weak_rsa};
use crate::domain::{Algorithm, SignatureAlgorithm};

pub(super) struct KeyPair {
    private: PrivateKey,
    public: PublicKey,
    jwk: Jwk,
    id: String,
}

enum PrivateKey {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// Why a private key cannot sign for us.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableKey {
    #[error("it is not a private key for this algorithm")]
    Unreadable,
    #[error("an RSA signing key has the public exponent 65537")]
    Exponent,
    #[error("this RSA key comes from the broken generator of ROCA (CVE-2017-15361)")]
    Roca,
}

impl KeyPair {
    /// Ends the process where the system has no randomness to give.
    pub(super) fn generate(algorithm: Algorithm) -> Self {
        PrivateKey::generate(algorithm)
            .map_err(|Unspecified| UnusableKey::Unreadable)
            .and_then(Self::new)
            .expect("the system has randomness, and what it makes is usable")
    }

    pub(super) fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, UnusableKey> {
        let private = PrivateKey::from_pkcs8(algorithm, der);
        Self::new(private.map_err(|_| UnusableKey::Unreadable)?)
    }

    /// The older form of RSA keys (RFC 8017, appendix A.1.2).
    pub(super) fn from_pkcs1(der: &[u8]) -> Result<Self, UnusableKey> {
        let private = RsaKeyPair::from_der(der).map_err(|_| UnusableKey::Unreadable)?;
        Self::new(PrivateKey::Rs256(private))
    }

    fn new(private: PrivateKey) -> Result<Self, UnusableKey> {
        let mut jwk = private.public_jwk().map_err(|_| UnusableKey::Unreadable)?;
        refuse_weak(&jwk)?;
        let public = PublicKey::new(private.algorithm().into(), private.public_key());
        let public = public.map_err(|_| UnusableKey::Unreadable)?;
        let id = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| UnusableKey::Unreadable)?;
        jwk.common.key_id = Some(id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { private, public, jwk, id })
    }

    /// The RFC 7638 thumbprint: no two keys share it, and no one can choose it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Public members only, for signatures only.
    pub(super) fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// What its signatures are held against.
    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.private.algorithm()
    }

    /// The signature in the form JWS carries it (RFC 7518, section 3; RFC 8037, section 3.1).
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        // The library draws its own randomness and wants to be shown this one.
        let random = SystemRandom::new();
        match &self.private {
            PrivateKey::Es256(key) => Ok(key.sign(&random, message)?.as_ref().to_vec()),
            PrivateKey::Rs256(key) => {
                let mut signature = vec![0; self.signature_length()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            PrivateKey::EdDsa(key) => Ok(key.try_sign(message)?.as_ref().to_vec()),
        }
    }

    /// By which it signs proofs of possession: RSA keys by PSS.
    pub(super) fn proof_algorithm(&self) -> SignatureAlgorithm {
        match self.algorithm() {
            Algorithm::Rs256 => SignatureAlgorithm::Ps256,
            other => other.into(),
        }
    }

    /// The signature of a proof of possession, by [`Self::proof_algorithm`].
    pub(super) fn sign_proof(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let PrivateKey::Rs256(key) = &self.private else { return self.sign(message) };
        let mut signature = vec![0; self.signature_length()];
        key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature)?;
        Ok(signature)
    }

    /// In bytes, of every signature by this key.
    pub(super) fn signature_length(&self) -> usize {
        match &self.private {
            PrivateKey::Es256(_) | PrivateKey::EdDsa(_) => 64,
            PrivateKey::Rs256(key) => key.public_modulus_len(),
        }
    }

    /// PKCS#8 of version 1, which every tool reads.
    pub(super) fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.private.to_pkcs8().expect("a key that was parsed or made can be written")
    }
}

impl PrivateKey {
    fn generate(algorithm: Algorithm) -> Result<Self, Unspecified> {
        Ok(match algorithm {
            Algorithm::Es256 => {
                Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?)
            }
            // Some hundred milliseconds: two primes have to be found.
            Algorithm::Rs256 => Self::Rs256(RsaKeyPair::generate(KeySize::Rsa2048)?),
            Algorithm::EdDsa => Self::EdDsa(Ed25519KeyPair::generate()?),
        })
    }

    fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyRejected> {
        Ok(match algorithm {
            Algorithm::Es256 => {
                Self::Es256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)?)
            }
            Algorithm::Rs256 => Self::Rs256(RsaKeyPair::from_pkcs8(der)?),
            Algorithm::EdDsa => Self::EdDsa(Ed25519KeyPair::from_pkcs8(der)?),
        })
    }

    fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let bytes = match self {
            Self::Es256(key) => key.to_pkcs8v1()?.as_ref().to_vec(),
            Self::Rs256(key) => key.as_der()?.as_ref().to_vec(),
            Self::EdDsa(key) => key.to_pkcs8v1()?.as_ref().to_vec(),
        };
        Ok(Zeroizing::new(bytes))
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Es256(_) => Algorithm::Es256,
            Self::Rs256(_) => Algorithm::Rs256,
            Self::EdDsa(_) => Algorithm::EdDsa,
        }
    }

    /// As [`PublicKey::new`] reads it.
    fn public_key(&self) -> &[u8] {
        match self {
            Self::Es256(key) => key.public_key().as_ref(),
            Self::Rs256(key) => key.public_key().as_ref(),
            Self::EdDsa(key) => key.public_key().as_ref(),
        }
    }

    fn public_jwk(&self) -> Result<Jwk, jsonwebtoken::errors::Error> {
        use jsonwebtoken::Algorithm;
        let public = self.public_key();
        let (key, algorithm) = match self {
            Self::Es256(_) => (DecodingKey::from_ec_der(public), Algorithm::ES256),
            Self::Rs256(_) => (DecodingKey::from_rsa_der(public), Algorithm::RS256),
            Self::EdDsa(_) => (DecodingKey::from_ed_der(public), Algorithm::EdDSA),
        };
        Jwk::from_decoding_key(&key, Some(algorithm))
    }
}

/// The library sees to the size: 2048 bits at least.
fn refuse_weak(jwk: &Jwk) -> Result<(), UnusableKey> {
    let AlgorithmParameters::RSA(rsa) = &jwk.algorithm else { return Ok(()) };
    if rsa.e != "AQAB" {
        return Err(UnusableKey::Exponent);
    }
    let modulus = BASE64_URL_SAFE_NO_PAD.decode(&rsa.n).map_err(|_| UnusableKey::Unreadable)?;
    if weak_rsa::is_roca(&modulus) { Err(UnusableKey::Roca) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn jw_01_an_rsa_key_with_a_weak_exponent_or_modulus_is_refused() {
        let refusal = |e: &str, n: &str| {
            let jwk = serde_json::from_value(json!({ "kty": "RSA", "e": e, "n": n })).unwrap();
            refuse_weak(&jwk)
        };
        assert_eq!(refusal("AQAB", "AQAD"), Ok(()));
        assert_eq!(refusal("Aw", "AQAD"), Err(UnusableKey::Exponent));
        assert_eq!(refusal("AQAB", "AQACAAE"), Err(UnusableKey::Roca));
    }

    #[test]
    fn jw_11_the_identifier_is_the_thumbprint_of_the_public_key() {
        for algorithm in Algorithm::ALL {
            let pair = KeyPair::generate(algorithm);
            let again = KeyPair::from_pkcs8(algorithm, &pair.to_pkcs8()).unwrap();

            assert_eq!(pair.id(), again.id());
            assert_eq!(pair.id(), pair.jwk().thumbprint(ThumbprintHash::SHA256).unwrap());
            assert_ne!(pair.id(), KeyPair::generate(algorithm).id());
            assert_eq!(pair.sign(b"message").unwrap().len(), pair.signature_length());
        }
    }
}
