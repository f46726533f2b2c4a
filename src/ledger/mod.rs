//! The durable record of what was issued and refused, and of what counts only once.
//!
//! Requests hand their records to one writer, which commits whatever waited during its last
//! commit: the more wait, the less each costs. What was committed is folded into counts later.

mod batch;
mod decision;
mod fold;
mod marked;
mod shared;
mod writer;
mod writes;

use std::sync::{Arc, atomic::AtomicU64};

use tokio::sync::{mpsc, oneshot};

use self::decision::Undecided;
pub use self::{decision::Decision, fold::Fold, writer::Writer, writes::Writes};
use crate::{
    clock::Clock,
    domain::{RefusalRecord, Use},
    random::Random,
    store::Store,
};

/// When a use has to be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// No token leaves without a trace.
    BeforeReply,
    /// Within a second: exchanges go on while the database cannot be written.
    Soon,
}

#[derive(Clone)]
pub struct Ledger {
    records: mpsc::Sender<Message>,
    recording: Recording,
    writes: Writes,
    quarantined: Arc<AtomicU64>,
}

enum Message {
    Use(Use, Option<oneshot::Sender<()>>),
    Refusal(Box<RefusalRecord>),
    Decide(Undecided),
    /// Answers when everything before it is durable or given up.
    Settle(oneshot::Sender<()>),
    /// The same, and the writer ends.
    Close(oneshot::Sender<()>),
}

/// The use could not be recorded, so its token must not be given out.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRecorded {
    #[error("too many records are waiting to be written")]
    Full,
    #[error("the record could not be written")]
    Failed,
}

/// Says when the use is as durable as it has to be.
pub struct Receipt(Option<oneshot::Receiver<()>>);

impl Receipt {
    pub async fn durable(self) -> Result<(), NotRecorded> {
        match self.0 {
            None => Ok(()),
            Some(done) => done.await.map_err(|_| NotRecorded::Failed),
        }
    }
}

/// The ledger and the writer behind it, which runs until the ledger is closed.
pub fn open(store: Store, clock: Clock, random: Random, recording: Recording) -> (Ledger, Writer) {
    let (records, waiting) = mpsc::channel(recording.most_waiting());
    let writes = Writes::default();
    let ledger = Ledger { records, recording, writes: writes.clone(), quarantined: Arc::default() };
    (ledger, Writer::new(waiting, store, clock, random, recording, writes))
}

impl Recording {
    /// Records that may wait: beyond it callers are told that we are overloaded. Where no one waits
    /// for the commit, they outlast one that hangs.
    fn most_waiting(self) -> usize {
        match self {
            Self::BeforeReply => 16_384,
            Self::Soon => 262_144,
        }
    }
}

impl Ledger {
    pub fn writes(&self) -> &Writes {
        &self.writes
    }

    /// Whether no token leaves while the database cannot be written.
    pub fn waits_for_writes(&self) -> bool {
        self.recording == Recording::BeforeReply
    }

    pub fn record_use(&self, used: Use) -> Result<Receipt, NotRecorded> {
        let (done, receipt) = match self.recording {
            Recording::Soon => (None, Receipt(None)),
            Recording::BeforeReply => {
                let (done, wait) = oneshot::channel();
                (Some(done), Receipt(Some(wait)))
            }
        };
        self.records.try_send(Message::Use(used, done)).map_err(|_| NotRecorded::Full)?;
        Ok(receipt)
    }

    /// Counts the records that this process has put into quarantine.
    pub fn quarantined(&self) -> &Arc<AtomicU64> {
        &self.quarantined
    }

    /// Counts a use that was refused, if there is room. No request waits for it.
    pub fn record_refused_use(&self, used: Use) {
        self.record_beside(Message::Use(used, None));
    }

    /// Keeps why something was refused, if there is room. Never makes the refused caller wait.
    pub fn record_refusal(&self, refusal: RefusalRecord) {
        self.record_beside(Message::Refusal(Box::new(refusal)));
    }

    /// Half of the room is for what is issued: a flood of refusals leaves it alone.
    fn record_beside(&self, message: Message) {
        if self.records.capacity() > self.records.max_capacity() / 2 {
            // Dropped when the writer is gone: nothing was issued, and the caller is told no anyway.
            let _ = self.records.try_send(message);
        }
    }

    /// Waits until all that was handed in is written, then ends the writer.
    pub async fn close(&self) {
        let (done, wait) = oneshot::channel();
        if self.records.send(Message::Close(done)).await.is_ok() {
            // An error means that the writer is gone already.
            let _ = wait.await;
        }
    }
}
