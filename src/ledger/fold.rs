//! Folds the journal into counts per secret and minute, in small steps.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use uuid::Uuid;

use super::{
    batch::{Alike, Batch},
    marked::Marked,
};
use crate::{
    clock::Clock,
    random::Random,
    store::{self, Store, StoreError, Tx},
};

/// Moves what the journal holds to where it is looked up.
pub struct Fold {
    store: Store,
    clock: Clock,
    marked: Marked,
    quarantined: Arc<AtomicU64>,
}

/// Batches to one transaction: it must not keep the writer waiting.
const STEP: i64 = 256;
/// How often the journal is emptied.
const PAUSE: Duration = Duration::from_secs(2);
/// Why a record is in quarantine that is none.
const UNREADABLE: &str = "it cannot be read";

impl Fold {
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock, marked: Marked::default(), quarantined: Arc::default() }
    }

    /// Counts there what it puts into quarantine.
    #[must_use]
    pub fn counting(self, quarantined: Arc<AtomicU64>) -> Self {
        Self { quarantined, ..self }
    }

    /// Folds forever, every two seconds.
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

    /// Folds the oldest batch. One that the tables refuse for what it says would be refused again,
    /// and all that come after it would wait: it is split until the record is alone that is refused.
    async fn fold_one(&mut self) -> Result<bool, StoreError> {
        let mut tx = self.store.read().await?;
        let oldest = store::usage_journal::first(&mut tx).await?;
        drop(tx);
        match (self.fold_step(1).await, oldest) {
            (Err(error), Some((id, text))) if error.is_for_the_values() => {
                self.split(id, &text, &error).await?;
                Ok(true)
            }
            (folded, _) => folded,
        }
    }

    /// Puts two halves of a batch into its place, or a single record into quarantine.
    async fn split(&self, id: Uuid, text: &str, why: &StoreError) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut batch = Batch::default();
        let halves = if batch.add_text(text) { batch.halves() } else { None };
        let mut tx = self.store.write().await?;
        if !store::usage_journal::delete(&mut tx, id).await? {
            // Another node has it.
            return Ok(());
        }
        let is_single = halves.is_none();
        match halves {
            Some((first, second)) => {
                let other = Random::System.id(now);
                store::usage_journal::append_in(&mut tx, id, &first.to_text()).await?;
                store::usage_journal::append_in(&mut tx, other, &second.to_text()).await?;
            }
            None => quarantine(&mut tx, id, now, &why.to_string(), text).await?,
        }
        tx.commit(now).await?;
        if is_single {
            self.quarantined.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes some batches out and counts them, both in one transaction, so that each is counted
    /// once, no matter which node folds and when it is killed. Tells whether there was anything to
    /// do.
    async fn fold_step(&mut self, most: i64) -> Result<bool, StoreError> {
        let mut tx = self.store.write().await?;
        let taken = store::usage_journal::take(&mut tx, most).await?;
        if taken.is_empty() {
            return Ok(false);
        }
        let now = self.clock.now();
        let mut all = Batch::default();
        let mut unreadable = 0;
        for (id, text) in &taken {
            if !all.add_text(text) {
                quarantine(&mut tx, *id, now, UNREADABLE, text).await?;
                unreadable += 1;
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
        tx.commit(now).await?;
        self.quarantined.fetch_add(unreadable, Ordering::Relaxed);
        for (circumstances, secrets) in marked {
            self.marked.remember(circumstances, &secrets);
        }
        Ok(true)
    }
}

async fn quarantine(
    tx: &mut Tx,
    id: Uuid,
    now: crate::clock::Timestamp,
    reason: &str,
    text: &str,
) -> Result<(), StoreError> {
    tracing::error!(%id, reason, "a record of the usage journal is now in quarantine");
    store::usage_quarantine::insert(tx, id, now, reason, text).await
}
