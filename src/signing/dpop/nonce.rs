//! The nonces by which a proof shows that it was made just now (RFC 9449, section 8).

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{clock::Timestamp, signing::KeyEncryptionKey};

/// No one keeps them: a nonce is a slot of time, sealed by a key that all nodes have.
pub struct Nonces(hmac::Key);

impl Nonces {
    const PURPOSE: &str = "nonces of proofs";

    /// Seconds.
    const SLOT: i64 = 120;

    pub fn new(key: &KeyEncryptionKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &*key.derive(Self::PURPOSE)))
    }

    /// The one to give out.
    pub fn current(&self, now: Timestamp) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, &Self::slot(now).to_be_bytes()))
    }

    /// That of the slot before is good, too; that of the next may come from a node whose clock is
    /// ahead.
    pub fn accepts(&self, nonce: &str, now: Timestamp) -> bool {
        let Ok(nonce) = BASE64_URL_SAFE_NO_PAD.decode(nonce) else { return false };
        let slot = Self::slot(now);
        [slot, slot - 1, slot + 1]
            .iter()
            .any(|slot| hmac::verify(&self.0, &slot.to_be_bytes(), &nonce).is_ok())
    }

    fn slot(now: Timestamp) -> i64 {
        now.timestamp().div_euclid(Self::SLOT)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::{clock::timestamp, random::Random};

    fn nonces(seed: u64) -> Nonces {
        let text = KeyEncryptionKey::generate(&Random::seeded(seed));
        Nonces::new(&KeyEncryptionKey::from_text(text.expose_secret()).unwrap())
    }

    #[test]
    fn dp_09_a_nonce_is_good_for_its_slot_and_the_next() {
        let (nonces, start) = (nonces(1), 1_800_000_000);
        let at = |seconds| timestamp(start + i64::from(seconds)).unwrap();
        let nonce = nonces.current(at(0));

        assert_eq!(nonce, nonces.current(at(119)));
        assert_ne!(nonce, nonces.current(at(120)));
        for (seconds, good) in [(-121, false), (-120, true), (0, true), (239, true), (240, false)] {
            assert_eq!(nonces.accepts(&nonce, at(seconds)), good, "{seconds}");
        }
    }

    #[test]
    fn dp_09_nobody_guesses_one() {
        let now = timestamp(1_800_000_000).unwrap();
        let nonce = nonces(1).current(now);
        assert!(!nonces(2).accepts(&nonce, now));
        for other in ["", "x", &nonce[1..], &format!("{nonce}A"), &"A".repeat(43)] {
            assert!(!nonces(1).accepts(other, now), "{other}");
        }
    }
}
