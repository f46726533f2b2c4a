//! The one key outside the database: it encrypts the private signing keys inside it.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest, hmac,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::{clock::Timestamp, random::Random};

/// Leaves memory with its owner and does not print.
#[derive(Clone)]
pub struct KeyEncryptionKey {
    bytes: Zeroizing<[u8; Self::LENGTH]>,
    former: Vec<FormerKey>,
}

/// A key-encryption key that was replaced. Nothing new is wrapped by it or derived from it; what
/// was derived from it goes on working.
#[derive(Clone)]
pub struct FormerKey {
    pub key: KeyEncryptionKey,
    pub replaced_at: Timestamp,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key-encryption key is 32 bytes in base64, as `openssl rand -base64 32` prints them")]
pub struct MalformedKeyEncryptionKey;

/// The bytes were not wrapped by this key for this purpose, or changed since.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the wrapped bytes are damaged")]
pub struct Damaged;

impl KeyEncryptionKey {
    const LENGTH: usize = 32;

    /// Keeps the fingerprint apart from any other hash of the same bytes.
    const FINGERPRINT: &[u8] = b"keyturn key-encryption key\0";

    /// Keeps derived keys apart from any other use of the same bytes.
    const DERIVATION: &[u8] = b"keyturn derived key\0";

    /// A new key in the form [`Self::from_text`] reads.
    pub fn generate(random: &Random) -> SecretString {
        let bytes = Zeroizing::new(random.bytes::<{ Self::LENGTH }>());
        BASE64_URL_SAFE_NO_PAD.encode(*bytes).into()
    }

    /// Reads either alphabet of base64, padded or not, so that `openssl rand -base64 32` makes one.
    /// White space around it is a file's line end, not a mistake.
    pub fn from_text(text: &str) -> Result<Self, MalformedKeyEncryptionKey> {
        let url_safe = |digit| match digit {
            '+' => '-',
            '/' => '_',
            other => other,
        };
        let digits = text.trim().trim_end_matches('=').chars().map(url_safe);
        let digits = Zeroizing::new(digits.collect::<String>());
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(digits.as_bytes());
        let bytes = Zeroizing::new(decoded.map_err(|_| MalformedKeyEncryptionKey)?);
        let mut key = Zeroizing::new([0; Self::LENGTH]);
        if bytes.len() != key.len() {
            return Err(MalformedKeyEncryptionKey);
        }
        key.copy_from_slice(&bytes);
        Ok(Self { bytes: key, former: Vec::new() })
    }

    /// This key, and those it replaced.
    #[must_use]
    pub fn after(mut self, former: Vec<FormerKey>) -> Self {
        self.former = former;
        self
    }

    /// This key first, then those it replaced.
    pub fn with_former(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.former.iter().map(|former| &former.key))
    }

    /// This key or a former one, by its [`Self::id`].
    pub fn named(&self, id: &str) -> Option<&Self> {
        self.with_former().find(|key| key.id() == id)
    }

    /// The key that was in use at this moment.
    pub fn at(&self, moment: Timestamp) -> &Self {
        let later = self.former.iter().filter(|former| moment < former.replaced_at);
        later.min_by_key(|former| former.replaced_at).map_or(self, |former| &former.key)
    }

    /// Wraps a former key, so that the database can keep it.
    pub fn wrap_former(&self, random: &Random, former: &Self) -> Vec<u8> {
        self.wrap(random, &Self::purpose_of_former(&former.id()), &*former.bytes)
    }

    pub fn unwrap_former(&self, id: &str, wrapped: &[u8]) -> Result<Self, Damaged> {
        let bytes = self.unwrap(&Self::purpose_of_former(id), wrapped)?;
        let mut key = Zeroizing::new([0; Self::LENGTH]);
        if bytes.len() != key.len() {
            return Err(Damaged);
        }
        key.copy_from_slice(&bytes);
        Ok(Self { bytes: key, former: Vec::new() })
    }

    fn purpose_of_former(id: &str) -> String {
        format!("keyturn former key-encryption key {id}")
    }

    /// A fingerprint of 16 hexadecimal digits: tells keys apart, tells nothing about one.
    pub fn id(&self) -> String {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(Self::FINGERPRINT);
        hash.update(&*self.bytes);
        let hash = hash.finish();
        let first = hash.as_ref().first_chunk().expect("SHA-256 has 32 bytes");
        format!("{:016x}", u64::from_be_bytes(*first))
    }

    /// AES-256-GCM: the nonce, then the encrypted bytes, then the tag. What is wrapped for one
    /// purpose does not unwrap for another.
    pub fn wrap(&self, random: &Random, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = random.bytes();
        let mut sealed = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM.tag_len()));
        sealed.extend_from_slice(plain);
        self.cipher()
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose),
                &mut *sealed,
            )
            .expect("a private key is far shorter than AES-GCM allows");
        [&nonce[..], &sealed].concat()
    }

    pub fn unwrap(&self, purpose: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Damaged> {
        let (nonce, sealed) = wrapped.split_first_chunk::<NONCE_LEN>().ok_or(Damaged)?;
        let mut plain = Zeroizing::new(sealed.to_vec());
        let length = self
            .cipher()
            .open_in_place(Nonce::from(nonce), Aad::from(purpose), &mut plain)
            .map_err(|_| Damaged)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    /// A key for another purpose, which tells nothing about this one.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; Self::LENGTH]> {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &*self.bytes));
        context.update(Self::DERIVATION);
        context.update(purpose.as_bytes());
        let mut derived = Zeroizing::new([0; Self::LENGTH]);
        derived.copy_from_slice(context.sign().as_ref());
        derived
    }

    fn cipher(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_256_GCM, &*self.bytes);
        LessSafeKey::new(key.expect("AES-256 keys have 32 bytes"))
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyEncryptionKey").field(&self.id()).finish()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn key(seed: u64) -> KeyEncryptionKey {
        let text = KeyEncryptionKey::generate(&Random::seeded(seed));
        KeyEncryptionKey::from_text(text.expose_secret()).expect("what is generated is well formed")
    }

    #[test]
    fn a_key_is_read_in_either_alphabet_of_base64() {
        let plain = KeyEncryptionKey::from_text(&format!("{}8", "-_".repeat(21))).unwrap();
        let padded = KeyEncryptionKey::from_text(&format!("{}8=\n", "+/".repeat(21))).unwrap();
        assert_eq!(plain.id(), padded.id());
        assert!(KeyEncryptionKey::from_text("too short").is_err());
    }

    #[test]
    fn a_wrapped_secret_opens_only_whole_and_only_for_its_purpose() {
        let key = key(1);
        let mut wrapped = key.wrap(&Random::System, "this", b"private");

        assert_eq!(key.unwrap("this", &wrapped).unwrap().as_slice(), b"private");
        assert_eq!(key.unwrap("that", &wrapped).unwrap_err(), Damaged);
        assert_eq!(self::key(2).unwrap("this", &wrapped).unwrap_err(), Damaged);
        for length in 0..wrapped.len() {
            assert_eq!(key.unwrap("this", &wrapped[..length]).unwrap_err(), Damaged);
        }
        for place in 0..wrapped.len() {
            wrapped[place] ^= 1;
            assert_eq!(key.unwrap("this", &wrapped).unwrap_err(), Damaged);
            wrapped[place] ^= 1;
        }
    }

    #[test]
    fn the_same_secret_is_never_wrapped_the_same_twice() {
        let wrap = || key(1).wrap(&Random::System, "this", b"private");
        assert_ne!(wrap(), wrap());
    }

    #[test]
    fn only_32_bytes_of_base64_are_a_key() {
        let text = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert!(KeyEncryptionKey::from_text(&format!("{text}\n")).is_ok());
        for wrong in ["", "AAAA", &text[1..], &format!("{text}!"), &format!("{text}A")] {
            assert_eq!(KeyEncryptionKey::from_text(wrong).unwrap_err(), MalformedKeyEncryptionKey);
        }
    }

    #[test]
    fn fx_27_a_key_knows_those_it_replaced() {
        let at = |seconds| crate::clock::timestamp(seconds).unwrap();
        let (first, second, third) = (key(1), key(2), key(3));
        let wrapped = third.wrap_former(&Random::System, &first);
        let unwrapped = third.unwrap_former(&first.id(), &wrapped).unwrap();
        assert_eq!(unwrapped.derive("this"), first.derive("this"));
        assert!(third.unwrap_former(&second.id(), &wrapped).is_err());

        let former = |key: &KeyEncryptionKey, replaced_at| FormerKey {
            key: key.clone(),
            replaced_at: at(replaced_at),
        };
        let chain = third.clone().after(vec![former(&second, 200), former(&first, 100)]);

        for (moment, expected) in
            [(0, &first), (99, &first), (100, &second), (199, &second), (200, &third)]
        {
            assert_eq!(chain.at(at(moment)).id(), expected.id(), "{moment}");
        }
        assert_eq!(chain.named(&first.id()).map(KeyEncryptionKey::id), Some(first.id()));
        assert_eq!(chain.id(), third.id());
    }

    #[test]
    fn printing_a_key_shows_its_fingerprint_and_nothing_else() {
        let key = key(1);
        assert_eq!(format!("{key:?}"), format!("KeyEncryptionKey({:?})", key.id()));
        assert_eq!(key.id().len(), 16);
        assert_ne!(key.id(), self::key(2).id());
    }
}
