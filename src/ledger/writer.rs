//! The one writer: commits together whatever came while it was committing.

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::{sleep, timeout},
};

use super::{Message, Recording, batch::Batch};
use crate::{
    clock::Clock,
    random::Random,
    store::{self, Store, StoreError},
};

pub struct Writer {
    waiting: mpsc::Receiver<Message>,
    store: Store,
    clock: Clock,
    random: Random,
    recording: Recording,
}

/// Most messages to one commit.
const MOST_AT_ONCE: usize = 1024;
/// When uses are recorded soon, this is how soon.
const SOON: Duration = Duration::from_millis(500);
/// Most different uses kept in memory while the database cannot be written.
const MOST_KEPT: usize = 100_000;
/// A commit that takes longer counts as failed: callers are waiting.
const COMMIT_WITHIN: Duration = Duration::from_secs(5);

impl Writer {
    pub(super) fn new(
        waiting: mpsc::Receiver<Message>,
        store: Store,
        clock: Clock,
        random: Random,
        recording: Recording,
    ) -> Self {
        Self { waiting, store, clock, random, recording }
    }

    /// Runs until the ledger is closed or every handle to it is gone.
    pub async fn run(mut self) {
        let mut messages = Vec::with_capacity(MOST_AT_ONCE);
        let mut kept = Batch::default();
        loop {
            if self.waiting.recv_many(&mut messages, MOST_AT_ONCE).await == 0 {
                break;
            }
            // Requests that are about to hand in their use share this commit, not the next.
            yield_now().await;
            while messages.len() < MOST_AT_ONCE
                && let Ok(message) = self.waiting.try_recv()
            {
                messages.push(message);
            }
            let mut waiters = Vec::new();
            let mut closing = None;
            for message in messages.drain(..) {
                match message {
                    Message::Use(used, waiter) => {
                        kept.add_use(used);
                        waiters.extend(waiter);
                    }
                    Message::Refusal(refusal) => kept.add_refusal(*refusal),
                    Message::Close(done) => closing = Some(done),
                }
            }
            self.write(&mut kept, waiters).await;
            if let Some(done) = closing {
                // Nobody waits any more where the receiver is gone.
                let _ = done.send(());
                break;
            }
            if self.recording == Recording::Soon && !self.waiting.is_closed() {
                sleep(SOON).await;
            }
        }
    }

    /// Writes the batch and empties it, or keeps what nobody waits for, for the next time.
    async fn write(&self, kept: &mut Batch, waiters: Vec<oneshot::Sender<()>>) {
        if kept.is_empty() {
            return;
        }
        let failure = match timeout(COMMIT_WITHIN, self.commit(kept)).await {
            Ok(Ok(())) => {
                *kept = Batch::default();
                for waiter in waiters {
                    // A caller that hung up needs no answer.
                    let _ = waiter.send(());
                }
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no commit within {COMMIT_WITHIN:?}"),
        };
        // Dropping the waiters tells them that nothing was recorded.
        drop(waiters);
        tracing::error!(error = failure, records = kept.len(), "could not record usage");
        if self.recording == Recording::BeforeReply || kept.len() > MOST_KEPT {
            *kept = Batch::default();
        }
    }

    async fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let now = self.clock.now();
        store::usage_journal::append(&self.store, self.random.id(now), &batch.to_text()).await
    }
}
