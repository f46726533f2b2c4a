//! The places of identifiers within a second, so that those of one process sort as they were made.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::{self, Timestamp};

/// Where an identifier stands within its second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) millisecond: u16,
    /// 12 bits.
    pub(super) in_millisecond: u16,
}

/// Of each second the last place that was given out; another second may take over its entry. The
/// second is in the upper bits.
static LAST: [AtomicU64; SECONDS] = [const { AtomicU64::new(0) }; SECONDS];

const SECONDS: usize = 256;
const PLACE_BITS: u32 = 22;
const PER_MILLISECOND: u64 = 1 << 12;
/// Places in a second. Beyond them the last is given out again: chance decides there.
const PLACES: u64 = 1000 * PER_MILLISECOND;

pub(super) fn next(now: Timestamp) -> Place {
    let second = u64::try_from(now.timestamp()).unwrap_or_default();
    // Several processes write into one database: their order is that of the clock.
    let earliest = u64::from(clock::milliseconds_into(now)) * PER_MILLISECOND;
    let following = |last: u64| {
        let known = last >> PLACE_BITS == second;
        let next = if known { (last & ((1 << PLACE_BITS) - 1)) + 1 } else { 0 };
        next.max(earliest).min(PLACES - 1)
    };
    let entry = &LAST[entry_of(second)];
    let mut last = entry.load(Ordering::Relaxed);
    let place = loop {
        let place = following(last);
        let packed = (second << PLACE_BITS) | place;
        match entry.compare_exchange_weak(last, packed, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => break place,
            Err(other) => last = other,
        }
    };
    let part = |value: u64| u16::try_from(value).expect("it is small");
    Place {
        millisecond: part(place / PER_MILLISECOND),
        in_millisecond: part(place % PER_MILLISECOND),
    }
}

/// Neighbours and round numbers alike are spread over all entries.
fn entry_of(second: u64) -> usize {
    usize::from((second.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56).to_le_bytes()[0])
}
