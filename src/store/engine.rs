//! One set of statements, two engines.

use std::sync::Arc;

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{audit_events, changes, counters};
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
    },
    Postgres(PgPool),
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
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("it exists already")]
    Conflict,
    /// What it belongs to has gone meanwhile, or something has come to belong to it.
    #[error("something else was made or deleted meanwhile")]
    Dangling,
    /// The database holds what keyturn never writes.
    #[error("unexpected content in {0}")]
    Corrupt(&'static str),
    /// Away, overloaded or full: the same request may succeed later.
    #[error("the database is not available: {0}")]
    Unavailable(sqlx::Error),
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) if cause.is_unique_violation() => Self::Conflict,
            sqlx::Error::Database(cause) if cause.is_foreign_key_violation() => Self::Dangling,
            sqlx::Error::Database(cause) if is_transient(cause.code().as_deref()) => {
                Self::Unavailable(error)
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            _ => Self::Database(error),
        }
    }
}

/// `SQLite`: busy, read-only, I/O error, full, cannot open. PostgreSQL: connection lost, rolled
/// back by the server, out of resources, ended by an operator, in recovery, system error.
fn is_transient(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 8 | 10 | 13 | 14),
        _ => ["08", "25006", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class)),
    }
}

impl StoreError {
    /// Tells whether the same transaction may succeed at once: another one was in its way, or has
    /// deleted what it refers to.
    pub fn is_of_the_moment(&self) -> bool {
        match self {
            Self::Dangling => true,
            Self::Unavailable(sqlx::Error::Database(cause)) => {
                is_undone_for_another(cause.code().as_deref())
            }
            _ => false,
        }
    }

    /// Tells whether the database is well and refused the very values it was given: they would be
    /// refused for ever.
    pub fn is_for_the_values(&self) -> bool {
        match self {
            Self::Conflict => true,
            Self::Database(sqlx::Error::Database(cause)) => {
                is_for_the_values(cause.code().as_deref().unwrap_or_default())
            }
            _ => false,
        }
    }
}

/// PostgreSQL: serialization failure, deadlock.
fn is_undone_for_another(code: Option<&str>) -> bool {
    matches!(code, Some("40001" | "40P01"))
}

/// `SQLite`: too big, a constraint, a wrong type. PostgreSQL: data exception, a constraint.
fn is_for_the_values(code: &str) -> bool {
    match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 18..=20),
        _ => ["22", "23"].iter().any(|class| code.starts_with(class)),
    }
}

impl Store {
    /// A transaction that only reads, so that all it sees is from one moment.
    pub async fn read(&self) -> Result<Tx, StoreError> {
        let engine = match self {
            Self::Sqlite { pool, .. } => Engine::Sqlite(pool.begin().await?),
            // By default each statement would see what was committed before it.
            Self::Postgres(pool) => {
                Engine::Postgres(pool.begin_with("begin isolation level repeatable read").await?)
            }
        };
        Ok(Tx { engine, events: Vec::new(), changes: Vec::new(), _writer: None })
    }

    pub async fn write(&self) -> Result<Tx, StoreError> {
        let (engine, turn) = match self {
            Self::Sqlite { pool, writer } => {
                let turn = Arc::clone(writer).lock_owned().await;
                // Taking the write lock up front: a transaction that reads first and then finds
                // another writer ahead of it cannot be saved.
                (Engine::Sqlite(pool.begin_with("begin immediate").await?), Some(turn))
            }
            // Whatever the server's default is: conditional writes decide who was first, so nobody
            // has to be told to try again.
            Self::Postgres(pool) => {
                let tx = pool.begin_with("begin isolation level read committed").await?;
                (Engine::Postgres(tx), None)
            }
        };
        Ok(Tx { engine, events: Vec::new(), changes: Vec::new(), _writer: turn })
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

/// Declares a module's SQL as named constants and lists them for the portability test.
macro_rules! statements {
    ($($name:ident = $sql:literal;)*) => {
        $(const $name: &str = $sql;)*
        pub const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

/// Declares a row and how it is read, by the names of its columns.
macro_rules! row {
    ($(#[$doc:meta])* $vis:vis struct $row:ident {
        $($seen:vis $column:ident: $type:ty),* $(,)?
    }) => {
        $(#[$doc])*
        $vis struct $row { $($seen $column: $type),* }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $row
        where
            &'static str: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)*
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self { $($column: row.try_get(stringify!($column))?),* })
            }
        }
    };
}

/// Binds the arguments and runs one statement: `fetch!(tx, FIND(name) => fetch_optional)`.
macro_rules! fetch {
    ($tx:expr, $sql:ident($($arg:expr),* $(,)?) => $fetch:ident) => {
        match &mut $tx.engine {
            $crate::store::engine::Engine::Sqlite(tx) =>
                sqlx::query_as($sql)$(.bind($arg))*.$fetch(&mut **tx).await,
            $crate::store::engine::Engine::Postgres(tx) =>
                sqlx::query_as($sql)$(.bind($arg))*.$fetch(&mut **tx).await,
        }
    };
}

/// Like `fetch!`, for a statement that returns no rows; gives the number of rows it changed.
macro_rules! execute {
    ($tx:expr, $sql:ident($($arg:expr),* $(,)?)) => {
        match &mut $tx.engine {
            $crate::store::engine::Engine::Sqlite(tx) => sqlx::query($sql)
                $(.bind($arg))*.execute(&mut **tx).await.map(|done| done.rows_affected()),
            $crate::store::engine::Engine::Postgres(tx) => sqlx::query($sql)
                $(.bind($arg))*.execute(&mut **tx).await.map(|done| done.rows_affected()),
        }
    };
}

/// Like `execute!`, for as many arguments as are bound at run time:
/// `execute_built!(tx, sql, |query| query.bind(minute))`.
macro_rules! execute_built {
    ($tx:expr, $sql:expr, |$query:ident| $built:expr) => {
        match &mut $tx.engine {
            $crate::store::engine::Engine::Sqlite(tx) => {
                let $query = sqlx::query($sql);
                $built.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            $crate::store::engine::Engine::Postgres(tx) => {
                let $query = sqlx::query($sql);
                $built.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        }
    };
}

/// Like `execute!`, where the statement is a transaction by itself: one way to the database and
/// back instead of three.
macro_rules! execute_alone {
    ($store:expr, $sql:ident($($arg:expr),* $(,)?)) => {
        match $store {
            $crate::store::Store::Sqlite { pool, writer } => {
                let _turn = writer.lock().await;
                sqlx::query($sql)$(.bind($arg))*.execute(pool).await
                    .map(|done| done.rows_affected())
            }
            $crate::store::Store::Postgres(pool) => sqlx::query($sql)
                $(.bind($arg))*.execute(pool).await.map(|done| done.rows_affected()),
        }
    };
}

/// Like `fetch!`, outside any transaction: one statement that only reads, on the hot path.
macro_rules! fetch_alone {
    ($store:expr, $sql:ident($($arg:expr),* $(,)?) => $fetch:ident) => {
        match $store {
            $crate::store::Store::Sqlite { pool, .. } =>
                sqlx::query_as($sql)$(.bind($arg))*.$fetch(pool).await,
            $crate::store::Store::Postgres(pool) =>
                sqlx::query_as($sql)$(.bind($arg))*.$fetch(pool).await,
        }
    };
}
