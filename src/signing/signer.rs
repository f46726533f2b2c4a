//! Signs tokens with whichever key is active, verifies them, and publishes the keys for others to
//! do so.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use aws_lc_rs::error::Unspecified;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Serialize;

use super::{
    DamagedKey, Jwks, KeyEncryptionKey, TokenType, Untrusted, VerifiedToken,
    ring::Ring,
    verify::{self, Audience, Expected},
};
use crate::{
    clock::Timestamp,
    domain::{Algorithm, SigningKey},
};

/// Works from memory: nothing here waits for the database. Clones share their keys.
#[derive(Clone)]
pub struct Signer(Arc<Inner>);

struct Inner {
    issuer: String,
    key_encryption_key: KeyEncryptionKey,
    ring: ArcSwap<Ring>,
}

#[derive(Debug, thiserror::Error)]
pub enum SigningFailed {
    #[error("no {0} signing key is active")]
    NoKey(Algorithm),
    #[error("the claims cannot be written as JSON")]
    Claims(#[from] serde_json::Error),
    #[error("the signature could not be computed")]
    Signature(#[from] Unspecified),
}

/// `iss` before whatever the caller says.
#[derive(Serialize)]
struct Payload<'a, C> {
    iss: &'a str,
    #[serde(flatten)]
    claims: &'a C,
}

impl Signer {
    /// Room for the claims of an access token, so that writing them seldom allocates twice.
    const USUAL_PAYLOAD: usize = 768;

    /// Has no keys until they are loaded.
    pub fn new(issuer: String, key_encryption_key: KeyEncryptionKey) -> Self {
        Self(Arc::new(Inner { issuer, key_encryption_key, ring: ArcSwap::default() }))
    }

    /// Replaces the records the signer goes by; expects all that are not yet gone.
    ///
    /// A record that cannot be opened is logged once and remembered in [`Self::damaged`]; the
    /// valid key before it goes on signing. May take milliseconds for each new RSA key. For one
    /// task at a time: of two the slower would win, not the newer.
    pub fn load(&self, records: Vec<SigningKey>) {
        let before = self.0.ring.load();
        let ring = before.load(records, &self.0.key_encryption_key);
        for key in ring.damaged() {
            if !before.damaged().any(|known| known == key) {
                let DamagedKey { signing_key_id, algorithm, why } = key;
                tracing::error!(%signing_key_id, %algorithm, %why, "a signing key is damaged");
            }
        }
        self.0.ring.store(Arc::new(ring));
    }

    /// The records that need an operator: restored, or revoked.
    pub fn damaged(&self) -> Vec<DamagedKey> {
        self.0.ring.load().damaged().collect()
    }

    /// The keys that sign although they are not due, as no other is: the clock was set back.
    pub fn not_due(&self, now: Timestamp) -> Vec<(Algorithm, String)> {
        self.0.ring.load().all_not_due(now).collect()
    }

    /// A JWS in compact form (RFC 7515, section 7.1). Adds `iss`, which the claims must not have.
    pub fn sign(
        &self,
        algorithm: Algorithm,
        now: Timestamp,
        typ: TokenType,
        claims: &impl Serialize,
    ) -> Result<String, SigningFailed> {
        let ring = self.0.ring.load();
        let key = ring.signer(algorithm, now).ok_or(SigningFailed::NoKey(algorithm))?;
        let mut payload = Vec::with_capacity(Self::USUAL_PAYLOAD);
        serde_json::to_writer(&mut payload, &Payload { iss: &self.0.issuer, claims })?;

        let header = key.headers.of(typ);
        let signature_length = key.pair.signature_length();
        let length = header.len() + (payload.len() + signature_length) * 4 / 3 + 4;
        let mut token = String::with_capacity(length);
        token.push_str(header);
        BASE64_URL_SAFE_NO_PAD.encode_string(&payload, &mut token);
        let signature = key.pair.sign(token.as_bytes())?;
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        Ok(token)
    }

    /// Reads a token of our own, for one of our own endpoints to go by.
    ///
    /// Tells that we signed it, for this audience, and that its time is not over; not that its
    /// key, owner or organization may still do what it says.
    pub fn verify(
        &self,
        token: &str,
        now: Timestamp,
        types: &[TokenType],
        audience: Audience<'_>,
    ) -> Result<VerifiedToken, Untrusted> {
        let expected = Expected { issuer: &self.0.issuer, audience, types, now };
        verify::verify(&self.0.ring.load(), token, &expected)
    }

    /// The pending, active and retiring keys.
    pub fn jwks(&self, now: Timestamp) -> Arc<Jwks> {
        self.0.ring.load().jwks(now)
    }

    /// What can be signed with.
    pub fn algorithms(&self, now: Timestamp) -> Vec<Algorithm> {
        let ring = self.0.ring.load();
        let can_sign = |algorithm: &Algorithm| ring.signer(*algorithm, now).is_some();
        Algorithm::ALL.into_iter().filter(can_sign).collect()
    }

    /// When the first key of the algorithm begins to sign, where it is still only published.
    pub fn begins(&self, algorithm: Algorithm, now: Timestamp) -> Option<Timestamp> {
        self.0.ring.load().begins(algorithm, now)
    }

    pub fn has_active(&self, algorithm: Algorithm, now: Timestamp) -> bool {
        self.0.ring.load().signer(algorithm, now).is_some()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("issuer", &self.0.issuer).finish_non_exhaustive()
    }
}
