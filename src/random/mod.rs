//! The only source of chance: secrets, identifiers, nonces.

mod order;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::{digest, rand};
use uuid::Uuid;

use crate::clock::Timestamp;

#[derive(Clone, Debug)]
pub enum Random {
    System,
    /// Gives the same values on every run.
    Seeded {
        seed: u64,
        drawn: Arc<AtomicU64>,
    },
}

/// The digits of base62, in the order of their values.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded { seed, drawn: Arc::default() }
    }

    /// Ends the process where the system has no randomness to give: nothing may be issued then.
    pub fn fill(&self, bytes: &mut [u8]) {
        match self {
            Self::System => rand::fill(bytes).expect("the system has randomness"),
            Self::Seeded { seed, drawn } => {
                for chunk in bytes.chunks_mut(32) {
                    let block = (*seed, drawn.fetch_add(1, Ordering::Relaxed));
                    let text = format!("{block:?}");
                    let hash = digest::digest(&digest::SHA256, text.as_bytes());
                    chunk.copy_from_slice(&hash.as_ref()[..chunk.len()]);
                }
            }
        }
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Letters and digits, each as likely as the other: 5.95 bits apiece.
    pub fn base62(&self, length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            // 248 is the largest multiple of 62 that fits a byte: what lies above would favour
            // the first digits.
            let drawn = self.bytes::<64>().into_iter().filter(|byte| *byte < 248);
            let digits = drawn.map(|byte| char::from(BASE62[usize::from(byte % 62)]));
            text.extend(digits.take(length - text.len()));
        }
        text
    }

    /// A `UUIDv7`: sorts by the second it was made in, and within it by the order in which this
    /// process made them (RFC 9562, sections 5.7 and 6.2).
    pub fn id(&self, now: Timestamp) -> Uuid {
        let place = order::next(now);
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let [high, low] = place.in_millisecond.to_be_bytes();
        let mut bytes = self.bytes::<10>();
        bytes[..2].copy_from_slice(&[high, low]);
        uuid::Builder::from_unix_timestamp_millis(millis + u64::from(place.millisecond), &bytes)
            .into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_two_seeds_differ() {
        let drawn = |seed| Random::seeded(seed).base62(43);
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
    }

    #[test]
    fn every_base62_digit_is_drawn_about_as_often() {
        let text = Random::seeded(3).base62(62_000);
        for digit in BASE62 {
            let count = text.bytes().filter(|byte| byte == digit).count();
            assert!((800..1200).contains(&count), "{}: {count}", char::from(*digit));
        }
    }

    #[test]
    fn fx_24e_identifiers_of_one_second_sort_in_the_order_they_were_made_in() {
        for second in [1_700_000_000, 1_700_000_001, 1_700_000_000] {
            let at = crate::clock::timestamp(second).unwrap();
            let made: Vec<_> = (0..10_000).map(|_| Random::System.id(at)).collect();
            assert!(made.is_sorted());
            let first = u128::try_from(second).unwrap() * 1000;
            let is_of_it = |id: &Uuid| (first..first + 1000).contains(&(id.as_u128() >> 80));
            assert!(made.iter().all(is_of_it));
        }
    }

    #[test]
    fn identifiers_differ_and_sort_by_time() {
        let random = Random::System;
        let early = random.id(crate::clock::timestamp(1_800_000_000).unwrap());
        let late = random.id(crate::clock::timestamp(1_800_000_001).unwrap());
        assert!(early < late);
        assert_ne!(late, random.id(crate::clock::timestamp(1_800_000_001).unwrap()));
    }
}
