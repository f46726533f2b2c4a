//! Deletes the secrets that were replaced so long ago that no usage of them is kept.

use super::STEP;
use crate::{
    app::App,
    clock::Timestamp,
    store::{StoreError, api_key_secrets, counters},
};

/// How far along the status list the last look went. Nothing sorts secrets by their end, and of
/// most there is none: each minute looks at some, so that none looks at all.
#[derive(Default)]
pub(super) struct Replaced {
    looked_at: i64,
}

/// Places of the status list for one minute: a million secrets take an hour and a half.
const LOOKED_AT_ONCE: i64 = 10 * STEP;

impl Replaced {
    pub(super) async fn prune_some(
        &mut self,
        app: &App,
        died_before: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = app.store.patient().read().await?;
        let last = counters::value(&mut tx, counters::STATUS_INDEX).await?;
        drop(tx);
        if self.looked_at >= last {
            self.looked_at = 0;
        }
        let end = last.min(self.looked_at + LOOKED_AT_ONCE);
        while self.looked_at < end {
            let up_to = end.min(self.looked_at + STEP);
            prune(app, self.looked_at, up_to, died_before).await?;
            self.looked_at = up_to;
        }
        Ok(())
    }
}

async fn prune(
    app: &App,
    after: i64,
    up_to: i64,
    died_before: Timestamp,
) -> Result<(), StoreError> {
    let mut tx = app.store.patient().read().await?;
    let found = api_key_secrets::count_replaced(&mut tx, after, up_to, died_before).await?;
    drop(tx);
    if found == 0 {
        return Ok(());
    }
    let mut tx = app.store.patient().write().await?;
    let rows = api_key_secrets::prune_replaced(&mut tx, after, up_to, died_before).await?;
    app.commit(tx).await?;
    tracing::info!(rows, "deleted secrets that were replaced long ago");
    Ok(())
}
