//! Keeps this node's memory in step with what other processes change.

use std::time::Duration;

use super::{App, alarms::Alarms};
use crate::{
    domain::Change,
    store::{StoreError, changes::Notices},
};

/// How often the feed is read where no notice comes: no node serves what was changed longer ago.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl App {
    /// Follows the change feed forever.
    pub async fn follow(self) {
        let mut notices = None;
        let mut failing = false;
        let mut alarms = Alarms::default();
        loop {
            let outcome = self.catch_up().await;
            alarms.look(&self);
            match (&outcome, failing) {
                (Err(error), false) => tracing::error!(%error, "cannot follow the change feed"),
                (Ok(()), true) => tracing::info!("follows the change feed again"),
                _ => (),
            }
            failing = outcome.is_err();
            if notices.is_none() && !failing {
                notices = Notices::listen(&self.store).await.ok().flatten();
            }
            if let Some(listening) = &mut notices {
                if let Ok(Err(_)) = tokio::time::timeout(LOOK_EVERY, listening.next()).await {
                    notices = None;
                }
            } else {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// Reads what changed elsewhere and goes by it from here on. Whatever fails or is cancelled on
    /// the way is done again the next time.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let Some(round) = self.directory.read_on().await? else { return Ok(()) };
        if round.changes().contains(&Change::SigningKeys) {
            self.load_signing_keys().await?;
        }
        round.complete();
        Ok(())
    }

    /// Goes by changes that this node has committed. They are done: where signing keys cannot be
    /// loaded, none is trusted until the feed was read.
    pub(super) async fn adopt(&self, changes: &[Change]) {
        self.directory.forget(changes);
        if changes.contains(&Change::SigningKeys)
            && let Err(error) = self.load_signing_keys().await
        {
            tracing::error!(%error, "could not load the signing keys that were just changed");
            self.directory.distrust();
        }
    }

    /// Call it before you sign or verify. Signing keys in memory are as good as the rest of it:
    /// while the feed cannot be followed, they are read from the database.
    pub async fn ensure_signing_keys(&self) -> Result<(), StoreError> {
        if self.directory.is_fresh() {
            return Ok(());
        }
        self.load_signing_keys().await
    }
}
