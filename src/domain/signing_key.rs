//! The life of a signing key: pending, active, retiring, gone. Facts only; no private key is here.

use std::{fmt, str::FromStr};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// How a token is signed (RFC 7518, section 3.1; RFC 8037 for `EdDSA`, always Ed25519 here).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an algorithm is ES256, RS256 or EdDSA")]
pub struct UnknownAlgorithm;

impl Algorithm {
    pub const ALL: [Self; 3] = [Self::Es256, Self::Rs256, Self::EdDsa];

    /// The name in JOSE headers, JWKS and metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(UnknownAlgorithm)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A signing key as the store keeps it: its private half wrapped, its life as moments.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// The RFC 7638 thumbprint of the public key; `kid` on the wire.
    pub signing_key_id: String,
    pub algorithm: Algorithm,
    /// Counts the keys of one algorithm from 1. Unique with it, so that two nodes rotating at
    /// once make one key.
    pub generation: i64,
    /// The PKCS#8 private key, encrypted by the key-encryption key named below.
    pub wrapped: Vec<u8>,
    /// Which key-encryption key opens it, so that a wrong one is named and not guessed.
    pub wrapped_by: String,
    pub created_at: Timestamp,
    /// From here on it signs; until then it is only published.
    pub activates_at: Timestamp,
    /// From here on its successor signs.
    pub retires_at: Option<Timestamp>,
    /// From here on it is not even published.
    pub gone_at: Option<Timestamp>,
    /// Taken out at once by an operator.
    pub revoked_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SigningKeyState {
    /// Published, so that verifiers know it before they need it.
    Pending,
    Active,
    /// No longer signs; published until the last token it signed has died.
    Retiring,
    Gone,
}

impl SigningKey {
    /// When the first of these keys of the algorithm begins to sign; `None` where one has begun, or
    /// there is none.
    pub fn first_begins<'a>(
        keys: impl Iterator<Item = &'a Self>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let counts = keys.filter(|key| key.algorithm == algorithm && key.revoked_at.is_none());
        counts.map(|key| key.activates_at).min().filter(|first| *first > now)
    }

    pub fn state(&self, now: Timestamp) -> SigningKeyState {
        let reached = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment <= now);
        if self.revoked_at.is_some() || reached(self.gone_at) {
            SigningKeyState::Gone
        } else if reached(self.retires_at) {
            SigningKeyState::Retiring
        } else if self.activates_at <= now {
            SigningKeyState::Active
        } else {
            SigningKeyState::Pending
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("signing_key_id", &self.signing_key_id)
            .field("algorithm", &self.algorithm)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// When keys follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// How long a key signs before its successor does.
    pub every: TimeDelta,
    /// How long a verifier may keep a copy of the JWKS: its `max-age`.
    pub jwks_max_age: TimeDelta,
    /// The longest any token lives.
    pub longest_token: TimeDelta,
}

impl Rotation {
    /// Verifiers fetch late and clocks differ: what is added to every wait.
    const MARGIN: TimeDelta = TimeDelta::minutes(5);

    /// How long a key is published before it signs: no verifier's copy may be older.
    pub fn publish_lead(&self) -> TimeDelta {
        self.jwks_max_age + Self::MARGIN
    }

    /// How long a key stays published after it signed for the last time: until no token of its
    /// lives and every verifier has a copy without it.
    pub fn retirement(&self) -> TimeDelta {
        self.longest_token + self.jwks_max_age + Self::MARGIN
    }
}
