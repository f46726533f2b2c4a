//! Folds the journal into counts per secret and minute, in small steps.

use std::time::Duration;

use super::{
    batch::{Alike, Batch},
    marked::Marked,
};
use crate::{
    clock::Clock,
    store::{self, Store, StoreError},
};

/// Moves what the journal holds to where it is looked up.
pub struct Fold {
    store: Store,
    clock: Clock,
    marked: Marked,
}

/// Batches to one transaction: it must not keep the writer waiting.
const STEP: i64 = 256;
/// How often the journal is emptied.
const PAUSE: Duration = Duration::from_secs(2);

impl Fold {
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock, marked: Marked::default() }
    }

    /// Folds for ever, every two seconds.
    pub async fn run(mut self) {
        loop {
            if let Err(error) = self.fold_all().await {
                tracing::error!(%error, "could not fold the usage journal");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Folds until the journal holds nothing but what others are folding just now.
    pub async fn fold_all(&mut self) -> Result<(), StoreError> {
        loop {
            let more = match self.fold_step(STEP).await {
                Err(error) if error.is_for_the_values() => self.fold_one().await?,
                done => done?,
            };
            if !more {
                return Ok(());
            }
        }
    }

    /// Folds the oldest batch. One that the tables refuse for what it says would be refused for
    /// ever, and all that come after it would wait: it goes to the log instead.
    async fn fold_one(&mut self) -> Result<bool, StoreError> {
        let mut tx = self.store.read().await?;
        let oldest = store::usage_journal::first(&mut tx).await?;
        drop(tx);
        match (self.fold_step(1).await, oldest) {
            (Err(error), Some((id, text))) if error.is_for_the_values() => {
                let mut tx = self.store.write().await?;
                store::usage_journal::delete(&mut tx, id).await?;
                tx.commit(self.clock.now()).await?;
                tracing::error!(%error, text, "dropped a batch of the usage journal");
                Ok(true)
            }
            (folded, _) => folded,
        }
    }

    /// Takes some batches out and counts them, both in one transaction, so that each is counted
    /// once whoever folds and whenever it is killed. Tells whether there was anything to do.
    async fn fold_step(&mut self, most: i64) -> Result<bool, StoreError> {
        let mut tx = self.store.write().await?;
        let taken = store::usage_journal::take(&mut tx, most).await?;
        if taken.is_empty() {
            return Ok(false);
        }
        let mut all = Batch::default();
        for text in &taken {
            if !all.add_text(text) {
                tracing::error!(text, "dropped a batch of the usage journal that cannot be read");
            }
        }
        let (uses, refusals) = all.into_parts();
        let mut marked = Vec::new();
        for Alike { circumstances, secrets } in &uses {
            store::usage::add(&mut tx, circumstances, secrets).await?;
            let unknown = self.marked.unknown(circumstances, secrets);
            store::last_used::mark(&mut tx, circumstances.minute, &unknown).await?;
            marked.push((circumstances, unknown));
        }
        for refusal in &refusals {
            store::refusals::insert(&mut tx, refusal).await?;
        }
        tx.commit(self.clock.now()).await?;
        for (circumstances, secrets) in marked {
            self.marked.remember(circumstances, &secrets);
        }
        Ok(true)
    }
}
