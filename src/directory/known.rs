//! Which secrets and clients there may be. Asked before a look-up for a source that has failed too often:
//! what is not among them does not exist, and costs the database nothing.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use super::Directory;
use crate::{
    domain::{ClientId, SecretHash},
    store::{self, StoreError},
};

/// Everything that there is, once that was read; and some of what is gone.
#[derive(Default)]
pub(super) struct Known {
    state: Mutex<State>,
    /// Held while all of it is read: one task at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct State {
    marks: HashSet<Mark>,
    holds: Holds,
    /// Counts how often all of it was forgotten.
    forgotten: u64,
}

/// How much of what there is the marks are.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Holds {
    /// It was never read.
    #[default]
    Nothing,
    /// It is being read.
    Some,
    All,
    /// There is more than is remembered.
    TooMuch,
}

/// Half of an id, or as many bits of a hash: what differs is not the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Mark(u64);

/// 32 MiB. Of more than that nothing is remembered, and all of it is looked up.
const MOST: usize = 2_000_000;
/// Rows to one statement.
const PAGE: i64 = 10_000;

impl From<&SecretHash> for Mark {
    fn from(hash: &SecretHash) -> Self {
        Self::from(hash.short())
    }
}

impl From<ClientId> for Mark {
    fn from(id: ClientId) -> Self {
        Self::from(id.0)
    }
}

impl From<Uuid> for Mark {
    fn from(id: Uuid) -> Self {
        let (_, random) = id.as_u64_pair();
        Self(random)
    }
}

impl State {
    /// Tells whether it is worth to go on.
    fn extend(&mut self, marks: impl IntoIterator<Item = Mark>) -> bool {
        if !matches!(self.holds, Holds::Some | Holds::All) {
            return false;
        }
        self.marks.extend(marks);
        if self.marks.len() > MOST {
            (self.marks, self.holds) = (HashSet::new(), Holds::TooMuch);
        }
        self.holds != Holds::TooMuch
    }
}

impl Known {
    pub(super) fn add(&self, mark: Mark) {
        self.state().extend([mark]);
    }

    pub(super) fn forget_all(&self) {
        let mut state = self.state();
        *state = State { forgotten: state.forgotten + 1, ..State::default() };
    }

    /// `None`: it is not known, and to read all of it would tell.
    fn has(&self, mark: Mark) -> Option<bool> {
        let state = self.state();
        match state.holds {
            Holds::Nothing | Holds::Some => None,
            Holds::All => Some(state.marks.contains(&mark)),
            Holds::TooMuch => Some(true),
        }
    }

    /// From here on what is new is added. Gives how often all of it was forgotten.
    fn begin_reading(&self) -> u64 {
        let mut state = self.state();
        (state.marks, state.holds) = (HashSet::new(), Holds::Some);
        state.forgotten
    }

    /// Adds some of what was read. Tells whether it is worth to read on.
    fn add_read(&self, marks: impl Iterator<Item = Mark>, forgotten: u64) -> bool {
        let mut state = self.state();
        state.forgotten == forgotten && state.extend(marks)
    }

    fn end_reading(&self, forgotten: u64) {
        let mut state = self.state();
        if state.forgotten == forgotten {
            state.holds = Holds::All;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Directory {
    /// Whether there may be a secret with this hash. Certain only where it says no.
    pub async fn may_have_secret(&self, hash: &SecretHash) -> bool {
        self.may_have(hash.into()).await
    }

    /// Whether there may be this client. Certain only where it says no.
    pub async fn may_have_client(&self, id: ClientId) -> bool {
        self.may_have(id.into()).await
    }

    async fn may_have(&self, mark: Mark) -> bool {
        if !self.remembers() || !self.is_fresh() {
            return true;
        }
        if let Some(known) = self.0.known.has(mark) {
            return known;
        }
        let Ok(turn) = Arc::clone(&self.0.known.turn).try_lock_owned() else { return true };
        let directory = self.clone();
        // The request may be dropped: the reading goes on.
        let reading = tokio::spawn(async move {
            if let Err(error) = directory.read_what_there_is().await {
                tracing::debug!(%error, "could not read which secrets there are");
            }
            drop(turn);
        });
        reading.await.is_err() || self.0.known.has(mark).unwrap_or(true)
    }

    async fn read_what_there_is(&self) -> Result<(), StoreError> {
        let (store, known) = (&self.0.store, &self.0.known);
        let forgotten = known.begin_reading();
        let mut after = Uuid::nil();
        loop {
            let page = store::api_key_secrets::hashes(store, after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = last.0;
            if !known.add_read(page.iter().map(|(_, hash)| hash.into()), forgotten) {
                return Ok(());
            }
        }
        let mut after = Uuid::nil();
        loop {
            let page = store::clients::ids(store, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.0;
            if !known.add_read(page.iter().map(|id| (*id).into()), forgotten) {
                return Ok(());
            }
        }
        known.end_reading(forgotten);
        Ok(())
    }
}
