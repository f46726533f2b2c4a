//! One set of statements, two engines.

use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{
    connection::{Held, Session},
    error::StoreError,
};
use crate::domain::{AuditEvent, Change};

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
        /// Those of this process that change state queue here, so that they do not take all
        /// connections while they wait for those of other processes.
        line: Arc<Mutex<()>>,
        session: Session,
    },
}

/// A transaction on whichever engine the store runs on.
pub struct Tx {
    pub(super) engine: Engine,
    pub(super) events: Vec<AuditEvent>,
    pub(super) changes: Vec<Change>,
    /// Whether no other transaction can commit a change of state before this one has ended.
    pub(super) is_alone: bool,
    /// Held until the transaction has ended.
    pub(super) turn: Option<OwnedMutexGuard<()>>,
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
            Self::Postgres { pool, session, .. } => {
                let begin = if session.is_patient { READ_PATIENTLY } else { READ };
                Engine::Postgres(Held::begin(pool, session, begin).await?)
            }
        };
        Ok(Tx::new(engine, None))
    }

    /// A transaction that writes what is no change of state: records, counts, what is pruned.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        let (engine, turn) = match self {
            Self::Sqlite { pool, writer, session } => {
                let turn = session.turn(writer).await?;
                // Taking the write lock up front: a transaction that reads first and then finds
                // another writer ahead of it cannot be saved.
                (Engine::Sqlite(Held::begin(pool, session, "begin immediate").await?), Some(turn))
            }
            Self::Postgres { pool, session, .. } => {
                let begin = if session.is_patient { WRITE_PATIENTLY } else { WRITE };
                (Engine::Postgres(Held::begin(pool, session, begin).await?), None)
            }
        };
        Ok(Tx::new(engine, turn))
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

    /// So many connections may be taken by work that anyone can ask for.
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

    /// Closes every connection: what was written is on the disk, and no log is left beside it.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { pool, .. } => pool.close().await,
            Self::Postgres { pool, .. } => pool.close().await,
        }
    }
}
