//! One set of statements, two engines.

use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{
    audit_events, changes,
    connection::{Held, Session},
    counters,
    error::StoreError,
};
use crate::{
    clock::Timestamp,
    domain::{AuditEvent, Change},
};

#[derive(Clone)]
pub enum Store {
    Sqlite {
        pool: SqlitePool,
        /// `SQLite` has one writer. Those of this process queue here, first come first served,
        /// where the engine's own waiting would let chance decide.
        writer: Arc<Mutex<()>>,
        session: Session,
    },
    Postgres {
        pool: PgPool,
        session: Session,
    },
}

/// A transaction on whichever engine the store runs on.
pub struct Tx {
    pub(super) engine: Engine,
    events: Vec<AuditEvent>,
    changes: Vec<Change>,
    /// Held until the transaction has ended.
    _writer: Option<OwnedMutexGuard<()>>,
}

pub(super) enum Engine {
    Sqlite(Held<Sqlite>),
    Postgres(Held<Postgres>),
}

/// How long a statement may take that no request waits for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Each reads what was committed before its first statement; by default each statement would see
/// more than the one before it.
const READ: &str = "begin isolation level repeatable read";
const READ_PATIENTLY: &str =
    "begin isolation level repeatable read; set local statement_timeout = '60s'";
/// Whatever the server's default is: conditional writes decide which was first, so that no caller
/// has to be told to try again.
const WRITE: &str = "begin isolation level read committed";
const WRITE_PATIENTLY: &str =
    "begin isolation level read committed; set local statement_timeout = '60s'";

impl Store {
    /// A transaction that only reads, so that all it sees is from one moment.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let engine = match self {
            Self::Sqlite { pool, session, .. } => {
                Engine::Sqlite(Held::begin(pool, session, "begin").await?)
            }
            Self::Postgres { pool, session } => {
                let begin = if session.is_patient { READ_PATIENTLY } else { READ };
                Engine::Postgres(Held::begin(pool, session, begin).await?)
            }
        };
        Ok(Tx { engine, events: Vec::new(), changes: Vec::new(), _writer: None })
    }

    pub async fn write(&self) -> Result<Tx, StoreError> {
        let (engine, turn) = match self {
            Self::Sqlite { pool, writer, session } => {
                let turn = session.turn(writer).await?;
                // Taking the write lock up front: a transaction that reads first and then finds
                // another writer ahead of it cannot be saved.
                (Engine::Sqlite(Held::begin(pool, session, "begin immediate").await?), Some(turn))
            }
            Self::Postgres { pool, session } => {
                let begin = if session.is_patient { WRITE_PATIENTLY } else { WRITE };
                (Engine::Postgres(Held::begin(pool, session, begin).await?), None)
            }
        };
        Ok(Tx { engine, events: Vec::new(), changes: Vec::new(), _writer: turn })
    }

    /// The same database for work that no request waits for: a statement may take a minute.
    #[must_use]
    pub fn patient(&self) -> Self {
        let mut patient = self.clone();
        match &mut patient {
            Self::Sqlite { session, .. } | Self::Postgres { session, .. } => {
                session.is_patient = true;
                session.statement_within = session.statement_within.max(PATIENCE);
                session.acquire_within = session.acquire_within.max(PATIENCE);
            }
        }
        patient
    }

    /// So many connections may be taken by work that anybody can ask for.
    pub fn half_of_connections(&self) -> usize {
        let most = match self {
            Self::Sqlite { pool, .. } => pool.options().get_max_connections(),
            Self::Postgres { pool, .. } => pool.options().get_max_connections(),
        };
        usize::try_from(most / 2).unwrap_or(usize::MAX).max(1)
    }

    pub(super) fn session(&self) -> &Session {
        match self {
            Self::Sqlite { session, .. } | Self::Postgres { session, .. } => session,
        }
    }

    /// Tells whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut tx = self.read().await?;
        counters::value(&mut tx, counters::CHANGES).await.map(drop)
    }
}

impl Tx {
    /// Remembers what this transaction makes stale, for the change feed.
    pub fn changes(&mut self, change: Change) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    /// Remembers what this transaction does, for the audit trail.
    pub fn record(&mut self, event: AuditEvent) {
        self.events.push(event);
    }

    /// Commits, and gives what this process has to forget at once. Other processes learn it from
    /// the feed.
    ///
    /// The audit trail and the feed are written last, in this order: their numbers are taken under
    /// locks that end with the transaction, so that they become visible in their order.
    pub async fn commit(mut self, now: Timestamp) -> Result<Vec<Change>, StoreError> {
        for event in std::mem::take(&mut self.events) {
            audit_events::append(&mut self, &event).await?;
        }
        let changes = std::mem::take(&mut self.changes);
        for change in &changes {
            changes::append(&mut self, change, now).await?;
        }
        if !changes.is_empty() {
            changes::notify(&mut self).await?;
        }
        match self.engine {
            Engine::Sqlite(tx) => tx.commit().await?,
            Engine::Postgres(tx) => tx.commit().await?,
        }
        Ok(changes)
    }
}
