//! The one writer: commits together whatever came while it was committing.

use std::{mem, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    task::yield_now,
    time::{Instant, sleep_until, timeout, timeout_at},
};

use super::{Message, Recording, Writes, batch::Batch, decision::Undecided, shared::Shared};
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
    shared: Shared,
}

/// Most messages to one commit.
const MOST_AT_ONCE: usize = 1024;
/// When uses are recorded soon, this is how soon.
const SOON: Duration = Duration::from_millis(500);
/// Most different uses kept in memory while the database cannot be written.
const MOST_KEPT: usize = 100_000;
/// Most notes that no one waits for, kept while the database cannot be written.
const MOST_NOTED: usize = 10_000;
/// A commit that takes longer counts as failed: callers are waiting.
const COMMIT_WITHIN: Duration = Duration::from_secs(5);
/// How often it is tried whether the database takes writes again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What was gathered beside the batch.
#[derive(Default)]
struct Gathered {
    /// Who waits for the commit.
    waiters: Vec<oneshot::Sender<()>>,
    undecided: Vec<Undecided>,
    /// Who waits for the end of the write, whatever comes of it.
    settling: Vec<oneshot::Sender<()>>,
    /// Who waits for the end.
    closing: Option<oneshot::Sender<()>>,
    /// No one is left to send anything.
    ended: bool,
}

impl Gathered {
    fn is_last(&self) -> bool {
        self.ended || self.closing.is_some()
    }

    /// Whether someone waits for an answer.
    fn is_urgent(&self) -> bool {
        !self.settling.is_empty() || self.undecided.iter().any(|it| it.hearer.is_some())
    }

    fn add(&mut self, message: Message, kept: &mut Batch, shared: &mut Shared) {
        match message {
            Message::Use(used, waiter) => {
                kept.add_use(shared.of(used));
                self.waiters.extend(waiter);
            }
            Message::Refusal(refusal) => kept.add_refusal(*refusal),
            Message::Decide(undecided) => self.undecided.push(undecided),
            Message::Settle(waiter) => self.settling.push(waiter),
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
        let shared = Shared::default();
        Self { waiting, store, clock, random, recording, writes, shared }
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
            let waiters = mem::take(&mut gathered.waiters);
            self.write(&mut kept, waiters, &mut gathered.undecided).await;
            for waiter in gathered.settling.drain(..) {
                let _ = waiter.send(());
            }
        }
        if let Some(done) = gathered.closing {
            // No one waits any more where the receiver is gone.
            let _ = done.send(());
        }
    }

    /// Waits for a message and takes what else is there. May be dropped at any time.
    async fn gather(&mut self, kept: &mut Batch, gathered: &mut Gathered) {
        let mut messages = Vec::with_capacity(64);
        gathered.ended = self.waiting.recv_many(&mut messages, MOST_AT_ONCE).await == 0;
        for message in messages {
            gathered.add(message, kept, &mut self.shared);
        }
        // Requests that are about to hand in their use share this commit, not the next.
        yield_now().await;
        for _ in 0..MOST_AT_ONCE {
            let Ok(message) = self.waiting.try_recv() else { break };
            gathered.add(message, kept, &mut self.shared);
        }
    }

    /// Gathers for a second, then looks whether the database takes writes again: maybe no one sends
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
            if gathered.is_urgent() {
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

    /// Writes the batch and empties it, or keeps what no one waits for, for the next time.
    async fn write(
        &self,
        kept: &mut Batch,
        waiters: Vec<oneshot::Sender<()>>,
        undecided: &mut Vec<Undecided>,
    ) {
        if kept.is_empty() && undecided.is_empty() {
            return;
        }
        undecided.sort_by_cached_key(|it| it.decision.place());
        let failure = match timeout(COMMIT_WITHIN, self.commit(kept, undecided)).await {
            Ok(Ok(outcomes)) => {
                self.writes.succeeded();
                *kept = Batch::default();
                for (hearer, outcome) in undecided.drain(..).map(|it| it.hearer).zip(outcomes) {
                    let _ = hearer.map(|hearer| hearer.send(outcome));
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
        drop(waiters);
        undecided.retain(|it| it.hearer.is_none());
        undecided.truncate(MOST_NOTED);
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
    async fn commit(
        &self,
        batch: &Batch,
        undecided: &[Undecided],
    ) -> Result<Vec<bool>, StoreError> {
        const TRIES: u8 = 5;
        for _ in 1..TRIES {
            match self.commit_once(batch, undecided).await {
                Err(error) if error.is_of_the_moment() => (),
                done => return done,
            }
        }
        self.commit_once(batch, undecided).await
    }

    /// All in one transaction, so that what waits together costs one commit.
    async fn commit_once(
        &self,
        batch: &Batch,
        undecided: &[Undecided],
    ) -> Result<Vec<bool>, StoreError> {
        let now = self.clock.now();
        if undecided.is_empty() {
            let id = self.random.id(now);
            store::usage_journal::append(&self.store, id, &batch.to_text()).await?;
            return Ok(Vec::new());
        }
        let mut tx = self.store.write().await?;
        if !batch.is_empty() {
            let id = self.random.id(now);
            store::usage_journal::append_in(&mut tx, id, &batch.to_text()).await?;
        }
        let mut outcomes = Vec::with_capacity(undecided.len());
        // Of what is refused no use is counted.
        let mut decided = Batch::default();
        for Undecided { decision, uses, .. } in undecided {
            let outcome = decision.clone().carry_out(&mut tx).await?;
            for used in uses.iter().filter(|_| outcome) {
                decided.add_use(used.clone());
            }
            outcomes.push(outcome);
        }
        if !decided.is_empty() {
            let id = self.random.id(now);
            store::usage_journal::append_in(&mut tx, id, &decided.to_text()).await?;
        }
        tx.commit(now).await?;
        Ok(outcomes)
    }
}
