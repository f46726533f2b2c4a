//! Where the directory reads: from its memory, or by one transaction that sees what is so now.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use tokio::{
    sync::{Mutex, MutexGuard, SemaphorePermit},
    time::timeout,
};

use super::{Directory, LOOK_UP_WITHIN};
use crate::store::{StoreError, Tx};

#[derive(Clone)]
pub(super) enum Reads {
    /// From memory, and from the store what is not there.
    Memory,
    /// By this transaction alone. Nothing is remembered: it may be undone.
    Within(Arc<Mutex<Tx>>),
}

/// A transaction by which a directory reads.
pub struct Within(Arc<Mutex<Tx>>);

impl Within {
    /// The transaction again, when no directory reads by it any more.
    ///
    /// # Panics
    /// Where one still does.
    pub fn end(self) -> Tx {
        Arc::into_inner(self.0).expect("no one reads by it any longer").into_inner()
    }
}

pub(super) enum Reading<'a> {
    Own(Tx),
    Shared(MutexGuard<'a, Tx>),
}

impl Deref for Reading<'_> {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        match self {
            Self::Own(tx) => tx,
            Self::Shared(tx) => tx,
        }
    }
}

impl DerefMut for Reading<'_> {
    fn deref_mut(&mut self) -> &mut Tx {
        match self {
            Self::Own(tx) => tx,
            Self::Shared(tx) => tx,
        }
    }
}

impl Directory {
    /// One that answers by what this transaction sees, and by nothing that is remembered.
    #[must_use]
    pub fn within(&self, tx: Tx) -> (Self, Within) {
        let tx = Arc::new(Mutex::new(tx));
        (Self(Arc::clone(&self.0), Reads::Within(Arc::clone(&tx))), Within(tx))
    }

    pub(super) fn remembers(&self) -> bool {
        matches!(self.1, Reads::Memory)
    }

    /// Leave to read what a stranger names and is not in memory. Half of the connections read it;
    /// the others serve what is known. `None`: it is read by a transaction that has its own.
    pub(super) async fn lookup(&self) -> Result<Option<SemaphorePermit<'_>>, StoreError> {
        if !self.remembers() {
            return Ok(None);
        }
        let permit = timeout(LOOK_UP_WITHIN, self.0.lookups.acquire()).await;
        permit.map_err(|_| StoreError::too_busy())?.map(Some).map_err(|_| StoreError::too_busy())
    }

    pub(super) async fn read(&self) -> Result<Reading<'_>, StoreError> {
        match &self.1 {
            Reads::Memory => Ok(Reading::Own(self.0.store.read().await?)),
            Reads::Within(tx) => Ok(Reading::Shared(tx.lock().await)),
        }
    }
}
