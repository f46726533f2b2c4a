//! Whether the database takes what the ledger writes: its last commit decides.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

#[derive(Clone, Debug, Default)]
pub struct Writes(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    are_failing: AtomicBool,
    failed: AtomicU64,
}

impl Writes {
    pub fn are_failing(&self) -> bool {
        self.0.are_failing.load(Ordering::Acquire)
    }

    /// How many commits failed since the start.
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    pub(super) fn succeeded(&self) {
        if self.0.are_failing.swap(false, Ordering::AcqRel) {
            tracing::info!("usage is recorded again");
        }
    }

    /// Tells whether it is the first failure in a row.
    pub(super) fn have_failed(&self) -> bool {
        self.0.failed.fetch_add(1, Ordering::Relaxed);
        !self.0.are_failing.swap(true, Ordering::AcqRel)
    }
}
