//! Follows the change feed, so that nothing remembered outlives a change made elsewhere.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::sync::{Mutex, MutexGuard};

use super::Directory;
use crate::{
    domain::Change,
    store::{
        StoreError,
        change_feed::{self, Mark, Onwards},
    },
};

/// How far the feed has been followed, and when.
pub(super) struct Position {
    /// Behind it lies nothing that is still to be done; `None`: the feed was never read. Held by
    /// anyone who reads on.
    mark: Mutex<Option<Mark>>,
    /// Milliseconds of uptime; [`u64::MAX`]: never, or not since a change could not be carried out.
    followed_at: AtomicU64,
    /// Rounds of reading on are numbered: the last that was begun, and the last that was completed.
    begun: AtomicU64,
    completed: AtomicU64,
    /// Rounds up to this one may have missed a change that could not be carried out.
    distrusted: AtomicU64,
}

impl Default for Position {
    fn default() -> Self {
        Self {
            mark: Mutex::default(),
            followed_at: AtomicU64::new(u64::MAX),
            begun: AtomicU64::default(),
            completed: AtomicU64::default(),
            distrusted: AtomicU64::default(),
        }
    }
}

impl Position {
    pub(super) fn followed_at(&self) -> Option<Duration> {
        match self.followed_at.load(Ordering::SeqCst) {
            u64::MAX => None,
            millis => Some(Duration::from_millis(millis)),
        }
    }
}

/// What was read of the feed and forgotten. The position moves when all that the changes ask for is
/// done and [`Round::complete`] is called. Dropped before that, it is read once more.
#[must_use]
pub struct Round<'a> {
    position: &'a Position,
    number: u64,
    from: MutexGuard<'a, Option<Mark>>,
    to: Mark,
    looked_at: Duration,
    changes: Vec<Change>,
}

impl Round<'_> {
    /// What is left to be done outside of the directory.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// From here on what is remembered is trusted for a while.
    pub fn complete(self) {
        let Self { position, number, mut from, to, looked_at, .. } = self;
        *from = Some(to);
        position.completed.store(number, Ordering::SeqCst);
        let millis = u64::try_from(looked_at.as_millis()).unwrap_or(u64::MAX - 1);
        position.followed_at.store(millis, Ordering::SeqCst);
        if number <= position.distrusted.load(Ordering::SeqCst) {
            position.followed_at.store(u64::MAX, Ordering::SeqCst);
        }
    }
}

impl Directory {
    /// Reads what changed since the last time and forgets it. `None`: a round that was begun after
    /// this was called has been completed meanwhile.
    pub async fn read_on(&self) -> Result<Option<Round<'_>>, StoreError> {
        let position = &self.0.feed;
        let before = position.begun.load(Ordering::SeqCst);
        let from = position.mark.lock().await;
        if position.completed.load(Ordering::SeqCst) > before {
            return Ok(None);
        }
        let number = position.begun.fetch_add(1, Ordering::SeqCst) + 1;
        // Taken before the feed is read: what is committed later is not covered.
        let looked_at = self.0.clock.uptime();
        let mut changes = Vec::new();
        let mut reached = from.clone();
        let mut is_anew = false;
        loop {
            let Some(mark) = &reached else {
                if is_anew {
                    return Err(StoreError::Corrupt("changes"));
                }
                is_anew = true;
                // The end first: what changes while everything is forgotten lies after it.
                let (end, _) = change_feed::end(&self.0.store).await?;
                self.forget_all();
                changes.push(Change::SigningKeys);
                reached = Some(end);
                continue;
            };
            let before = self.0.clock.now();
            let (onwards, database_clock) = change_feed::onwards(&self.0.store, mark).await?;
            if let Some(theirs) = database_clock {
                self.0.clock.compare(before, theirs);
            }
            match onwards {
                Onwards::Broken(why) => {
                    tracing::warn!(%why, "the change feed does not continue: reading everything anew");
                    reached = None;
                }
                Onwards::Continues { changes: read, mark: to } => {
                    let is_end = read.is_empty();
                    self.forget_read(read, &mut changes);
                    if is_end {
                        return Ok(Some(Round { position, number, from, to, looked_at, changes }));
                    }
                    reached = Some(to);
                }
            }
        }
    }

    fn forget_read(&self, read: Vec<Option<Change>>, changes: &mut Vec<Change>) {
        if let Some(known) = read.into_iter().collect::<Option<Vec<_>>>() {
            self.forget(&known);
            changes.extend(known);
        } else {
            // A newer version wrote what we cannot read.
            self.forget_all();
            changes.push(Change::SigningKeys);
        }
    }

    /// Ends the trust in what is remembered until the feed was read once more and everything was
    /// done: a change is known that could not be carried out.
    pub fn distrust(&self) {
        let position = &self.0.feed;
        let begun = position.begun.load(Ordering::SeqCst);
        position.distrusted.fetch_max(begun, Ordering::SeqCst);
        position.followed_at.store(u64::MAX, Ordering::SeqCst);
    }
}
