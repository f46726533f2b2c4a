//! Somebody else who signs tokens, and publishes the key to verify them by.
//!
//! Include it with `#[path = "../support/foreign.rs"] mod foreign;`.
#![allow(dead_code, reason = "each suite that includes it uses a part")]

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::{KeySize, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    },
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

pub(crate) struct Foreigner {
    pub(crate) key_id: String,
    key: Key,
}

enum Key {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    Ps256(RsaKeyPair),
}

impl Foreigner {
    /// With a key on P-256 of this name.
    pub(crate) fn new(key_id: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { key_id: key_id.to_owned(), key: Key::Es256(key) }
    }

    pub(crate) fn with_rsa(key_id: &str) -> Self {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        Self { key_id: key_id.to_owned(), key: Key::Rs256(key) }
    }

    /// With the private key of a PEM text (PKCS#8), which is RSA.
    pub(crate) fn with_pem(key_id: &str, pem: &str) -> Self {
        let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let key = RsaKeyPair::from_pkcs8(&BASE64_STANDARD.decode(text).unwrap()).unwrap();
        Self { key_id: key_id.to_owned(), key: Key::Rs256(key) }
    }

    /// The same where an RSA key signs by PSS, as DPoP wants it.
    pub(crate) fn by_pss(self) -> Self {
        let key = match self.key {
            Key::Rs256(key) => Key::Ps256(key),
            other => other,
        };
        Self { key, ..self }
    }

    /// The private key as PEM (PKCS#8).
    pub(crate) fn pem(&self) -> String {
        let text = match &self.key {
            Key::Es256(key) => BASE64_STANDARD.encode(key.to_pkcs8v1().unwrap().as_ref()),
            Key::Rs256(key) | Key::Ps256(key) => {
                let der: Pkcs8V1Der<'static> = key.as_der().unwrap();
                BASE64_STANDARD.encode(der.as_ref())
            }
        };
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }

    /// The same under another name.
    pub(crate) fn called(self, key_id: &str) -> Self {
        Self { key_id: key_id.to_owned(), ..self }
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match &self.key {
            Key::Es256(_) => "ES256",
            Key::Rs256(_) => "RS256",
            Key::Ps256(_) => "PS256",
        }
    }

    /// The public key (RFC 7517, section 4).
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": base64(&point[1..33]), "y": base64(&point[33..]) })
            }
            Key::Rs256(key) | Key::Ps256(key) => {
                let PublicKeyComponents { n, e } =
                    PublicKeyComponents::<Vec<u8>>::from(key.public_key());
                json!({ "kty": "RSA", "n": base64(n), "e": base64(e) })
            }
        };
        jwk["kid"] = json!(self.key_id);
        jwk["alg"] = json!(self.algorithm());
        jwk
    }

    /// X.509, as tools write public keys.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => der(key.public_key()),
            Key::Rs256(key) | Key::Ps256(key) => der(key.public_key()),
        }
    }

    pub(crate) fn jwks(&self) -> String {
        json!({ "keys": [self.jwk()] }).to_string()
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "alg": self.algorithm(), "kid": self.key_id, "typ": "JWT" })
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Es256(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::Rs256(key) => by_rsa(key, &RSA_PKCS1_SHA256, message),
            Key::Ps256(key) => by_rsa(key, &RSA_PSS_SHA256, message),
        }
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.signed(&self.header(), claims)
    }

    /// Header and payload are taken as they are, JSON or not.
    pub(crate) fn signed(&self, header: &impl ToString, payload: &impl ToString) -> String {
        compact(header, payload, |message| self.sign(message))
    }
}

fn by_rsa(key: &RsaKeyPair, padding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

fn der<K: AsDer<PublicKeyX509Der<'static>>>(key: &K) -> Vec<u8> {
    key.as_der().unwrap().as_ref().to_vec()
}

/// A JWS in compact form (RFC 7515, section 7.1).
pub(crate) fn compact(
    header: &impl ToString,
    payload: &impl ToString,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> String {
    let signed = format!("{}.{}", base64(header.to_string()), base64(payload.to_string()));
    let signature = base64(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
