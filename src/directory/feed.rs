//! Follows the change feed, so that nothing remembered outlives a change made elsewhere.

use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

use super::Directory;
use crate::{
    domain::Change,
    store::{StoreError, changes},
};

/// How far the feed has been followed, and when.
pub(super) struct Position {
    /// Number of the last change seen; negative: none has been looked for yet.
    number: AtomicI64,
    /// Milliseconds of uptime; [`u64::MAX`]: never.
    followed_at: AtomicU64,
}

impl Default for Position {
    fn default() -> Self {
        Self { number: AtomicI64::new(-1), followed_at: AtomicU64::new(u64::MAX) }
    }
}

impl Position {
    pub(super) fn followed_at(&self) -> Option<Duration> {
        match self.followed_at.load(Ordering::Acquire) {
            u64::MAX => None,
            millis => Some(Duration::from_millis(millis)),
        }
    }
}

impl Directory {
    /// Reads what changed since the last time, forgets it, and gives it on. From here on what is
    /// remembered is trusted for a while.
    pub async fn catch_up(&self) -> Result<Vec<Change>, StoreError> {
        // Taken before the feed is read: what is committed later is not covered.
        let looked_at = self.0.clock.uptime();
        let mut seen = Vec::new();
        loop {
            let number = self.0.feed.number.load(Ordering::Acquire);
            if number < 0 {
                let last = changes::last(&self.0.store).await?;
                self.forget_all();
                self.0.feed.number.store(last, Ordering::Release);
                seen.push(Change::SigningKeys);
                continue;
            }
            let rows = changes::after(&self.0.store, number).await?;
            let Some((last, _)) = rows.last() else { break };
            let last = *last;
            let whole = rows[0].0 == number + 1;
            let known: Option<Vec<_>> = rows.into_iter().map(|(_, change)| change).collect();
            match known {
                Some(known) if whole => {
                    self.forget(&known);
                    seen.extend(known);
                }
                // Rows are gone before we saw them, or a newer version wrote what we cannot read.
                _ => {
                    self.forget_all();
                    seen.push(Change::SigningKeys);
                }
            }
            self.0.feed.number.store(last, Ordering::Release);
        }
        let millis = u64::try_from(looked_at.as_millis()).unwrap_or(u64::MAX - 1);
        self.0.feed.followed_at.store(millis, Ordering::Release);
        Ok(seen)
    }
}
