//! Commits a transaction together with its audit events and its entries of the change feed.

use tokio::sync::OwnedMutexGuard;

use super::{StoreError, Tx, audit_events, changes, engine::Engine};
use crate::{
    clock::Timestamp,
    domain::{AuditEvent, Change},
};

impl Tx {
    pub(super) fn new(engine: Engine, turn: Option<OwnedMutexGuard<()>>) -> Self {
        let (events, changes) = (Vec::new(), Vec::new());
        Self { engine, events, changes, is_alone: false, turn }
    }

    /// Remembers what this transaction makes stale, for the change feed.
    pub fn changes(&mut self, change: Change) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    /// Remembers what this transaction does, for the audit trail.
    pub fn record(&mut self, event: AuditEvent) {
        self.events.push(event);
    }

    /// What this transaction has done so far. The caller records it again.
    pub fn take_recorded(&mut self) -> Vec<AuditEvent> {
        std::mem::take(&mut self.events)
    }

    /// Commits, and gives what this process has to forget at once. Other processes learn it from
    /// the feed.
    ///
    /// The audit trail and the feed are written last: their numbers are taken under locks that end
    /// with the transaction, so that they become visible in their order. The lock of the feed is
    /// always the first of the two, so that no two transactions wait for each other.
    pub async fn commit(mut self, now: Timestamp) -> Result<Vec<Change>, StoreError> {
        if !(self.events.is_empty() && self.changes.is_empty()) {
            changes::wait_in_line(&mut self).await?;
        }
        for event in std::mem::take(&mut self.events) {
            audit_events::append(&mut self, &event).await?;
        }
        let changes = std::mem::take(&mut self.changes);
        for change in &changes {
            changes::append(&mut self, change, now).await?;
        }
        if !changes.is_empty() {
            changes::notify(&mut self).await?;
        }
        match self.engine {
            Engine::Sqlite(tx) => tx.commit().await?,
            Engine::Postgres(tx) => tx.commit().await?,
        }
        Ok(changes)
    }
}
