//! The one writer: commits together whatever came while it was committing.

use std::{mem, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::{Instant, sleep_until, timeout, timeout_at},
};

use super::{Message, Recording, Writes, batch::Batch, decision::Decision};
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
    writes: Writes,
}

/// Most messages to one commit.
const MOST_AT_ONCE: usize = 1024;
/// When uses are recorded soon, this is how soon.
const SOON: Duration = Duration::from_millis(500);
/// Most different uses kept in memory while the database cannot be written.
const MOST_KEPT: usize = 100_000;
/// A commit that takes longer counts as failed: callers are waiting.
const COMMIT_WITHIN: Duration = Duration::from_secs(5);
/// How often it is tried whether the database takes writes again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What was gathered beside the batch.
#[derive(Default)]
struct Gathered {
    /// Who waits for the commit.
    waiters: Vec<oneshot::Sender<()>>,
    /// What is to be decided, and who waits to hear it.
    undecided: Vec<(Decision, oneshot::Sender<bool>)>,
    /// Who waits for the end.
    closing: Option<oneshot::Sender<()>>,
    /// Nobody is left to send anything.
    ended: bool,
}

impl Gathered {
    fn is_last(&self) -> bool {
        self.ended || self.closing.is_some()
    }

    fn add(&mut self, message: Message, kept: &mut Batch) {
        match message {
            Message::Use(used, waiter) => {
                kept.add_use(used);
                self.waiters.extend(waiter);
            }
            Message::Refusal(refusal) => kept.add_refusal(*refusal),
            Message::Decide(decision, waiter) => self.undecided.push((decision, waiter)),
            Message::Close(done) => self.closing = Some(done),
        }
    }
}

impl Writer {
    pub(super) fn new(
        waiting: mpsc::Receiver<Message>,
        store: Store,
        clock: Clock,
        random: Random,
        recording: Recording,
        writes: Writes,
    ) -> Self {
        Self { waiting, store, clock, random, recording, writes }
    }

    /// Runs until the ledger is closed or every handle to it is gone.
    pub async fn run(mut self) {
        let mut kept = Batch::default();
        let mut gathered = Gathered::default();
        while !gathered.is_last() {
            match self.recording {
                _ if self.writes.are_failing() => self.try_again(&mut kept, &mut gathered).await,
                Recording::BeforeReply => self.gather(&mut kept, &mut gathered).await,
                Recording::Soon => self.gather_for_a_while(&mut kept, &mut gathered).await,
            }
            let undecided = mem::take(&mut gathered.undecided);
            self.write(&mut kept, mem::take(&mut gathered.waiters), undecided).await;
        }
        if let Some(done) = gathered.closing {
            // Nobody waits any more where the receiver is gone.
            let _ = done.send(());
        }
    }

    /// Waits for a message and takes what else is there. May be dropped at any time.
    async fn gather(&mut self, kept: &mut Batch, gathered: &mut Gathered) {
        let mut messages = Vec::with_capacity(64);
        gathered.ended = self.waiting.recv_many(&mut messages, MOST_AT_ONCE).await == 0;
        for message in messages {
            gathered.add(message, kept);
        }
        // Requests that are about to hand in their use share this commit, not the next.
        yield_now().await;
        for _ in 0..MOST_AT_ONCE {
            let Ok(message) = self.waiting.try_recv() else { break };
            gathered.add(message, kept);
        }
    }

    /// Gathers for a second, then looks whether the database takes writes again: maybe nobody sends
    /// requests to a server that says that it is not ready.
    async fn try_again(&mut self, kept: &mut Batch, gathered: &mut Gathered) {
        if timeout(TRY_AGAIN_AFTER, self.gather(kept, gathered)).await.is_err()
            && kept.is_empty()
            && let Ok(Ok(_)) = timeout(COMMIT_WITHIN, self.commit_once(kept, &[])).await
        {
            self.writes.succeeded();
        }
    }

    /// Gathers until it is time to write. Takes no more than can be kept: what then fills the queue
    /// is told to its callers.
    async fn gather_for_a_while(&mut self, kept: &mut Batch, gathered: &mut Gathered) {
        if kept.is_empty() {
            self.gather(kept, gathered).await;
        }
        let until = Instant::now() + SOON;
        while !gathered.is_last() && kept.len() < MOST_KEPT {
            if !gathered.undecided.is_empty() {
                // Somebody waits for an answer.
                return;
            }
            if timeout_at(until, self.gather(kept, gathered)).await.is_err() {
                return;
            }
        }
        if !gathered.is_last() {
            sleep_until(until).await;
        }
    }

    /// Writes the batch and empties it, or keeps what nobody waits for, for the next time.
    async fn write(
        &self,
        kept: &mut Batch,
        waiters: Vec<oneshot::Sender<()>>,
        undecided: Vec<(Decision, oneshot::Sender<bool>)>,
    ) {
        if kept.is_empty() && undecided.is_empty() {
            return;
        }
        let mut undecided = undecided;
        undecided.sort_by_cached_key(|(decision, _)| decision.place());
        let (decisions, hearers): (Vec<_>, Vec<_>) = undecided.into_iter().unzip();
        let failure = match timeout(COMMIT_WITHIN, self.commit(kept, &decisions)).await {
            Ok(Ok(outcomes)) => {
                self.writes.succeeded();
                *kept = Batch::default();
                for (hearer, outcome) in hearers.into_iter().zip(outcomes) {
                    let _ = hearer.send(outcome);
                }
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
        drop((waiters, hearers));
        let records = kept.len();
        if self.writes.have_failed() {
            tracing::error!(error = failure, records, "could not record usage");
        } else {
            tracing::debug!(error = failure, records, "could not record usage");
        }
        if self.recording == Recording::BeforeReply {
            *kept = Batch::default();
        }
    }

    /// Tries again where another transaction was in the way: callers need not hear of it.
    async fn commit(&self, batch: &Batch, decisions: &[Decision]) -> Result<Vec<bool>, StoreError> {
        const TRIES: u8 = 5;
        for _ in 1..TRIES {
            match self.commit_once(batch, decisions).await {
                Err(error) if error.is_of_the_moment() => (),
                done => return done,
            }
        }
        self.commit_once(batch, decisions).await
    }

    /// All in one transaction, so that what waits together costs one commit.
    async fn commit_once(
        &self,
        batch: &Batch,
        decisions: &[Decision],
    ) -> Result<Vec<bool>, StoreError> {
        let now = self.clock.now();
        let id = self.random.id(now);
        if decisions.is_empty() {
            store::usage_journal::append(&self.store, id, &batch.to_text()).await?;
            return Ok(Vec::new());
        }
        let mut tx = self.store.write().await?;
        if !batch.is_empty() {
            store::usage_journal::append_in(&mut tx, id, &batch.to_text()).await?;
        }
        let mut outcomes = Vec::with_capacity(decisions.len());
        for decision in decisions {
            outcomes.push(decision.clone().carry_out(&mut tx).await?);
        }
        tx.commit(now).await?;
        Ok(outcomes)
    }
}
