//! What has to be decided by the database while a request waits: who was first.

use tokio::sync::oneshot;

use super::{Ledger, Message, NotRecorded};
use crate::{
    clock::Timestamp,
    domain::{ApiKeyId, Family, FamilyId, Use},
    store::{StoreError, Tx, refresh_families, used_ids},
};

/// Each is one conditional write: of many at once, on whatever node, one is the first.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Uses up what counts only once.
    Once { hash: [u8; 32], until: Timestamp },
    /// Begins a family of refresh tokens; of whose key, where it is one's.
    Begin { family: Box<Family>, api_key: Option<ApiKeyId> },
    /// Uses up a generation of a family.
    Advance { family: FamilyId, generation: u32, now: Timestamp },
    /// Notes a use of a family that has but one generation.
    Use { family: FamilyId, generation: u32, now: Timestamp },
    /// Notes when a generation was first handed out for the one before it.
    Answered { family: FamilyId, generation: u32, at: Timestamp },
}

/// A decision on its way.
pub(super) struct Undecided {
    pub(super) decision: Decision,
    /// Counted if it is decided so.
    pub(super) uses: Vec<Use>,
    /// Who waits to hear it; `None`: no one, and it is tried again if it fails.
    pub(super) hearer: Option<oneshot::Sender<bool>>,
}

impl Decision {
    /// Every writer takes the rows of its decisions in this order, so that no two of them wait for
    /// each other.
    pub(super) fn place(&self) -> (u8, [u8; 32]) {
        let padded = |id: &uuid::Uuid| {
            let mut place = [0; 32];
            place[..16].copy_from_slice(id.as_bytes());
            place
        };
        match self {
            Self::Once { hash, .. } => (0, *hash),
            Self::Begin { family, .. } => (1, padded(&family.id.0)),
            Self::Advance { family, .. }
            | Self::Use { family, .. }
            | Self::Answered { family, .. } => (2, padded(&family.0)),
        }
    }

    /// Tells whether it came first, or was possible at all.
    pub(super) async fn carry_out(self, tx: &mut Tx) -> Result<bool, StoreError> {
        match self {
            Self::Once { hash, until } => used_ids::claim(tx, &hash, until).await,
            Self::Begin { family, api_key } => refresh_families::insert(tx, *family, api_key).await,
            Self::Advance { family, generation, now } => {
                refresh_families::advance(tx, family, generation, now).await
            }
            Self::Use { family, generation, now } => {
                refresh_families::note_use(tx, family, generation, now).await
            }
            Self::Answered { family, generation, at } => {
                refresh_families::answered(tx, family, generation, at).await
            }
        }
    }
}

impl Ledger {
    /// Waits until it is decided, durably; it shares its commit with whatever waits as well.
    pub async fn decide(&self, decision: Decision) -> Result<bool, NotRecorded> {
        self.decide_and_use(decision, Vec::new()).await
    }

    /// The same, with uses that are counted if it is decided so, in the same commit.
    pub async fn decide_and_use(
        &self,
        decision: Decision,
        uses: Vec<Use>,
    ) -> Result<bool, NotRecorded> {
        let (done, outcome) = oneshot::channel();
        let message = Message::Decide(Undecided { decision, uses, hearer: Some(done) });
        self.records.try_send(message).map_err(|_| NotRecorded::Full)?;
        outcome.await.map_err(|_| NotRecorded::Failed)
    }

    /// Notes that this generation is handed out now for the one before it. No one waits for it:
    /// what is not noted counts against no one.
    pub fn answered(&self, family: FamilyId, generation: u32, at: Timestamp) {
        let decision = Decision::Answered { family, generation, at };
        let undecided = Undecided { decision, uses: Vec::new(), hearer: None };
        let _ = self.records.try_send(Message::Decide(undecided));
    }

    /// Waits until whatever this node has noted before is written, or could not be.
    pub async fn settled(&self) -> Result<(), NotRecorded> {
        let (done, wait) = oneshot::channel();
        self.records.try_send(Message::Settle(done)).map_err(|_| NotRecorded::Full)?;
        wait.await.map_err(|_| NotRecorded::Failed)
    }
}
