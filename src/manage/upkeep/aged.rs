//! The tables whose oldest rows go: those that are sorted by time and not numbered.

use std::ops::Range;

use super::{IDEMPOTENCY_KEYS, OUTBOX};
use crate::{
    clock::Timestamp,
    domain::{Kept, Retention},
    store::{StoreError, Tx, idempotency_keys, outbox, refusals, usage, usage_journal},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aged {
    IdempotencyKeys,
    Outbox,
    Refusals,
    Usage,
    UsageJournal,
}

impl Aged {
    pub const ALL: [Self; 5] =
        [Self::IdempotencyKeys, Self::Outbox, Self::Refusals, Self::Usage, Self::UsageJournal];

    /// The table's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::IdempotencyKeys => "idempotency_keys",
            Self::Outbox => "outbox",
            Self::Refusals => "refusals",
            Self::Usage => "usage",
            Self::UsageJournal => "usage_journal",
        }
    }

    pub fn kept(self, retention: &Retention) -> Kept {
        match self {
            Self::IdempotencyKeys => IDEMPOTENCY_KEYS,
            Self::Outbox => OUTBOX,
            Self::Refusals => retention.refusals,
            // Each batch of the journal is to become at least one row of usage: what is beyond the
            // bounds of these would be deleted as soon as it is counted.
            Self::Usage | Self::UsageJournal => retention.usage,
        }
    }

    pub async fn oldest(self, tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
        match self {
            Self::IdempotencyKeys => idempotency_keys::oldest(tx).await,
            Self::Outbox => outbox::oldest(tx).await,
            Self::Refusals => refusals::oldest(tx).await,
            Self::Usage => usage::oldest(tx).await,
            Self::UsageJournal => usage_journal::oldest(tx).await,
        }
    }

    pub(super) async fn count(
        self,
        tx: &mut Tx,
        during: &Range<Timestamp>,
    ) -> Result<i64, StoreError> {
        match self {
            Self::IdempotencyKeys => idempotency_keys::count(tx, during).await,
            Self::Outbox => outbox::count(tx, during).await,
            Self::Refusals => refusals::count(tx, during).await,
            Self::Usage => usage::count(tx, during).await,
            Self::UsageJournal => usage_journal::count(tx, during).await,
        }
    }

    pub(super) async fn prune(
        self,
        tx: &mut Tx,
        before: Timestamp,
        most: i64,
    ) -> Result<u64, StoreError> {
        match self {
            Self::IdempotencyKeys => idempotency_keys::prune(tx, before, most).await,
            Self::Outbox => outbox::prune(tx, before, most).await,
            Self::Refusals => refusals::prune(tx, before, most).await,
            Self::Usage => usage::prune(tx, before, most).await,
            Self::UsageJournal => usage_journal::prune(tx, before, most).await,
        }
    }

    /// The journal is emptied every two seconds. What grows old in it was never counted.
    pub(super) fn report_lost(self, rows: u64) {
        if self == Self::UsageJournal && rows > 0 {
            tracing::error!(rows, "deleted batches of usage that nobody had counted");
        }
    }
}
