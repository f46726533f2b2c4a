//! Makes refresh tokens, and tells ours from others: each is derived from its family, its
//! generation and a key that never leaves this process.

use aws_lc_rs::hmac;
use chrono::TimeDelta;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::KeyEncryptionKey;
use crate::{
    clock::Timestamp,
    domain::{Family, RefreshToken},
};

/// What the MACs of refresh tokens are by. Another one every quarter: what was made by one tells
/// nothing about the tokens of families that begin later.
pub struct RefreshKey(Zeroizing<[u8; 32]>);

impl RefreshKey {
    const CHANGES_EVERY: TimeDelta = TimeDelta::days(90);

    /// The key of a family: that of the time in which it began.
    pub fn of(key: &KeyEncryptionKey, family: &Family) -> Self {
        Self::derived(key.at(family.created_at), family)
    }

    fn derived(key: &KeyEncryptionKey, family: &Family) -> Self {
        Self(key.derive(&format!("refresh tokens {}", Self::epoch(family.created_at))))
    }

    /// Whether a token of this family is ours. Former key-encryption keys count: a family may have
    /// begun on a node that did not know its successor yet.
    pub fn made(key: &KeyEncryptionKey, family: &Family, token: &RefreshToken) -> bool {
        key.with_former().any(|key| Self::derived(key, family).is_maker_of(family, token))
    }

    /// Which quarter a moment is in.
    pub fn epoch(at: Timestamp) -> u16 {
        let quarters = at.timestamp() / Self::CHANGES_EVERY.num_seconds();
        u16::try_from(quarters).unwrap_or_default()
    }

    pub fn token(&self, family: &Family, generation: u32) -> RefreshToken {
        RefreshToken {
            family: family.id,
            generation,
            epoch: Self::epoch(family.created_at),
            mac: self.mac(family, generation),
        }
    }

    /// Takes the same time however much of the MAC is right.
    fn is_maker_of(&self, family: &Family, token: &RefreshToken) -> bool {
        let right = self.mac(family, token.generation);
        let same_family = token.family == family.id;
        let same_epoch = token.epoch == Self::epoch(family.created_at);
        same_family && same_epoch && bool::from(right.ct_eq(&token.mac))
    }

    fn mac(&self, family: &Family, generation: u32) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &*self.0));
        context.update(family.id.0.as_bytes());
        context.update(&generation.to_be_bytes());
        context.update(&family.salt);
        let mut mac = [0; 32];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}
