//! The secret half of an API key: what is shown once, and what is kept.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::random::Random;

/// A secret as its holder presents it: `ktk_`, 43 base62 digits, 6 base62 digits of CRC-32 over
/// all before them. Never stored, never printed.
#[derive(Clone)]
pub struct Secret(SecretString);

/// Tells people and secret scanners whose secret leaked: 2 to 8 of `a-z 0-9`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretPrefix(String);

/// What is wrong with a text that should be a secret. Says nothing of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedSecret {
    #[error("what was sent has not the form of a secret")]
    Form,
    #[error("what was sent is a credential of another kind: no API key's secret")]
    OtherKind,
    #[error("the secret has a typo: its checksum is wrong")]
    Checksum,
}

/// 43 base62 digits are 256 bits: beyond guessing, whatever the hash.
const BODY: usize = 43;
/// 62⁶ is the first power above 2³².
const CHECKSUM: usize = 6;
/// Prefixes of other kinds of credentials: posted as a key's secret they are refused before any
/// look-up.
const OTHER_KINDS: [&str; 3] = ["ktr", CLIENT, REGISTRATION];
/// A client's secret.
const CLIENT: &str = "ktc";
/// By which a client that registered itself manages itself.
const REGISTRATION: &str = "ktm";

impl Secret {
    pub fn generate(prefix: &SecretPrefix, random: &Random) -> Self {
        Self::with_prefix(&prefix.0, random)
    }

    /// Of a client: `ktc_` whatever prefix is configured for keys.
    pub fn for_client(random: &Random) -> Self {
        Self::with_prefix(CLIENT, random)
    }

    /// By which a client that registered itself manages itself: `ktm_`.
    pub fn for_registration(random: &Random) -> Self {
        Self::with_prefix(REGISTRATION, random)
    }

    fn with_prefix(prefix: &str, random: &Random) -> Self {
        let body = format!("{prefix}_{}", random.base62(BODY));
        Self(format!("{body}{}", checksum(&body)).into())
    }

    /// Reads the secret of a client.
    pub fn of_client(text: &str) -> Result<Self, MalformedSecret> {
        Self::of_kind(CLIENT, text)
    }

    /// Reads the token of a client that registered itself.
    pub fn of_registration(text: &str) -> Result<Self, MalformedSecret> {
        Self::of_kind(REGISTRATION, text)
    }

    fn of_kind(kind: &str, text: &str) -> Result<Self, MalformedSecret> {
        match text.split_once('_') {
            Some((prefix, rest)) if prefix == kind => Self::checked(text, rest),
            _ => Err(MalformedSecret::OtherKind),
        }
    }

    fn checked(text: &str, rest: &str) -> Result<Self, MalformedSecret> {
        let plain = rest.bytes().all(|b| b.is_ascii_alphanumeric());
        if !plain || rest.len() != BODY + CHECKSUM {
            return Err(MalformedSecret::Form);
        }
        let (body, end) = text.split_at(text.len() - CHECKSUM);
        if checksum(body) == end { Ok(Self(text.into())) } else { Err(MalformedSecret::Checksum) }
    }

    /// The text to show its owner, once.
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// A plain hash suffices: no one can try 2²⁵⁶ inputs, and the exchange stays fast.
    pub fn hash(&self) -> SecretHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, self.reveal().as_bytes()).as_ref());
        SecretHash(hash)
    }
}

impl FromStr for Secret {
    type Err = MalformedSecret;

    /// Accepts any prefix, so that secrets outlive a change of the configured one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (prefix, rest) = text.split_once('_').ok_or(MalformedSecret::Form)?;
        SecretPrefix::from_str(prefix)?;
        Self::checked(text, rest)
    }
}

/// CRC-32 in base62, most significant digit first. It tells a typo or another product's token
/// from a secret without a look-up.
pub(super) fn checksum(body: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().copied().map(char::from).collect()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for SecretPrefix {
    type Err = MalformedSecret;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'));
        if !plain || !(2..=8).contains(&text.len()) {
            return Err(MalformedSecret::Form);
        }
        if OTHER_KINDS.contains(&text) {
            return Err(MalformedSecret::OtherKind);
        }
        Ok(Self(text.to_owned()))
    }
}

/// What the store keeps of a [`Secret`], and what it is found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Takes the same time whether or not the secret is the right one.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The first half, written as a UUID is: finds the secret, cannot pass for its hash.
    pub fn short(&self) -> Uuid {
        let (half, _) = self.0.split_first_chunk().expect("16 of 32 bytes");
        Uuid::from_bytes(*half)
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

impl TryFrom<Vec<u8>> for SecretHash {
    type Error = std::array::TryFromSliceError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Self::Error> {
        Ok(Self(bytes.as_slice().try_into()?))
    }
}

/// Takes as long wherever the two differ.
pub fn are_equal(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret(seed: u64) -> Secret {
        Secret::generate(&"ktk".parse().unwrap(), &Random::seeded(seed))
    }

    #[test]
    fn a_generated_secret_parses_and_has_the_same_hash() {
        let secret = secret(1);
        let parsed: Secret = secret.reveal().parse().unwrap();
        assert!(secret.reveal().starts_with("ktk_") && secret.reveal().len() == 53);
        assert!(secret.hash().matches(&parsed.hash()));
    }

    #[test]
    fn kx_20_any_single_typo_is_noticed_offline() {
        let right = secret(2).reveal().to_owned();
        for position in 0..right.len() {
            let mut wrong = right.clone().into_bytes();
            wrong[position] = if wrong[position] == b'a' { b'b' } else { b'a' };
            let wrong = String::from_utf8(wrong).unwrap();
            let complaint = wrong.parse::<Secret>().unwrap_err();
            let underscore = position == 3;
            let expected =
                if underscore { MalformedSecret::Form } else { MalformedSecret::Checksum };
            assert_eq!(complaint, expected, "{position}");
        }
    }

    #[test]
    fn credentials_of_other_kinds_are_no_secrets() {
        let body = format!("ktr_{}", "a".repeat(BODY));
        let refresh = format!("{body}{}", checksum(&body));
        assert_eq!(refresh.parse::<Secret>().unwrap_err(), MalformedSecret::OtherKind);
    }

    #[test]
    fn ks_06_debug_output_hides_the_secret_and_its_hash() {
        let secret = secret(1);
        assert_eq!(format!("{secret:?} {:?}", secret.hash()), "Secret(…) SecretHash(…)");
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_never_alters(text in ".{0,80}") {
            if let Ok(secret) = text.parse::<Secret>() {
                prop_assert_eq!(secret.reveal(), text);
            }
        }
    }
}
