//! Keeps this node's memory in step with what other processes change.

use std::time::Duration;

use super::App;
use crate::{
    domain::Change,
    store::{StoreError, changes::Notices},
};

/// How often the feed is read where no notice comes: no node serves what was changed longer ago.
const LOOK_EVERY: Duration = Duration::from_millis(250);

impl App {
    /// Follows the change feed for ever.
    pub async fn follow(self) {
        let mut notices = None;
        let mut failing = false;
        loop {
            let outcome = self.catch_up().await;
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

    /// Reads what changed elsewhere and goes by it from here on.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        let changes = self.directory.catch_up().await?;
        if changes.contains(&Change::SigningKeys) {
            self.load_signing_keys().await?;
        }
        Ok(())
    }

    pub(super) async fn adopt(&self, changes: &[Change]) -> Result<(), StoreError> {
        self.directory.forget(changes);
        if changes.contains(&Change::SigningKeys) {
            self.load_signing_keys().await?;
        }
        Ok(())
    }
}
