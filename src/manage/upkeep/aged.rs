//! The tables whose oldest rows go: those that are sorted by time and not numbered.

use std::ops::Range;

use super::{IDEMPOTENCY_KEYS, OUTBOX};
use crate::{
    clock::Timestamp,
    domain::{Kept, Retention},
    store::{
        StoreError, Tx, idempotency_keys, outbox, refusals, shares::Shared, usage, usage_quarantine,
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Aged {
    IdempotencyKeys,
    Outbox,
    Refusals,
    Usage,
    UsageQuarantine,
}

impl Aged {
    pub const ALL: [Self; 5] =
        [Self::IdempotencyKeys, Self::Outbox, Self::Refusals, Self::Usage, Self::UsageQuarantine];

    /// The table's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::IdempotencyKeys => "idempotency_keys",
            Self::Outbox => "outbox",
            Self::Refusals => "refusals",
            Self::Usage => "usage",
            Self::UsageQuarantine => "usage_quarantine",
        }
    }

    /// Where its rows have owners: the one that has most loses first.
    pub(super) fn shared(self) -> Option<Shared> {
        match self {
            Self::Refusals => Some(Shared::Refusals),
            Self::Usage => Some(Shared::Usage),
            Self::IdempotencyKeys | Self::Outbox | Self::UsageQuarantine => None,
        }
    }

    pub fn kept(self, retention: &Retention) -> Kept {
        match self {
            Self::IdempotencyKeys => IDEMPOTENCY_KEYS,
            Self::Outbox => OUTBOX,
            Self::Refusals => retention.refusals,
            Self::Usage | Self::UsageQuarantine => retention.usage,
        }
    }

    pub async fn oldest(self, tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
        match self {
            Self::IdempotencyKeys => idempotency_keys::oldest(tx).await,
            Self::Outbox => outbox::oldest(tx).await,
            Self::Refusals => refusals::oldest(tx).await,
            Self::Usage => usage::oldest(tx).await,
            Self::UsageQuarantine => usage_quarantine::oldest(tx).await,
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
            Self::UsageQuarantine => usage_quarantine::count(tx, during).await,
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
            Self::UsageQuarantine => usage_quarantine::prune(tx, before, most).await,
        }
    }
}
