//! A connection that is clean or closed: one goes back to the pool only if its transaction ended by
//! a successful COMMIT or ROLLBACK and no statement was left in the middle.

use std::{io, mem, sync::Arc, time::Duration};

use sqlx::{Database, Pool, Postgres, Sqlite, pool::PoolConnection};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedMutexGuard},
    time::timeout,
};

use super::{error::spares_the_connection, watch::Watch};

/// What all connections of a store share.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) watch: Arc<Watch>,
    /// A statement that takes longer has failed.
    pub(super) statement_within: Duration,
    /// How long to wait for a connection or for the turn to write.
    pub(super) acquire_within: Duration,
    /// A database in memory ends with its connection, which therefore is never closed.
    pub(super) in_memory: bool,
    /// Whether PostgreSQL is to be told that statements may take longer.
    pub(super) is_patient: bool,
}

/// A commit may wait for the disk, and whether it happened is not known if it is given up.
const COMMIT_WITHIN: Duration = Duration::from_secs(5);
/// For how long a transaction that no one wants any more is rolled back before its connection is
/// closed instead.
const ROLL_BACK_WITHIN: Duration = Duration::from_secs(2);
/// The server's own deadline is to be the first, so that the connection can be used on.
const LATER_THAN_THE_SERVER: Duration = Duration::from_millis(250);

impl Session {
    /// The turn to write, first come first served.
    pub(super) async fn turn(&self, writer: &Arc<Mutex<()>>) -> sqlx::Result<OwnedMutexGuard<()>> {
        let turn = timeout(self.acquire_within, Arc::clone(writer).lock_owned()).await;
        turn.map_err(|_| sqlx::Error::PoolTimedOut)
    }
}

/// An engine that takes statements as text, several of them at once.
pub(super) trait Engine: Database {
    fn say(
        connection: &mut Self::Connection,
        sql: &'static str,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;
}

impl Engine for Sqlite {
    async fn say(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(sql).execute(connection).await.map(drop)
    }
}

impl Engine for Postgres {
    async fn say(connection: &mut Self::Connection, sql: &'static str) -> sqlx::Result<()> {
        sqlx::raw_sql(sql).execute(connection).await.map(drop)
    }
}

/// A connection in use.
pub(super) struct Held<DB: Engine> {
    /// `None` once it was given back.
    connection: Option<PoolConnection<DB>>,
    progress: Progress,
}

/// How far a connection in use has come.
pub(super) struct Progress {
    session: Session,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In no transaction.
    Idle,
    InTransaction,
    /// In a transaction that has refused a statement: it can only be rolled back.
    Refused,
    /// In the middle of a statement, or no one knows where.
    Unknown,
}

impl<DB: Engine> Held<DB> {
    pub(super) async fn acquire(pool: &Pool<DB>, session: &Session) -> sqlx::Result<Self> {
        session.watch.check_file()?;
        let connection = Some(pool.acquire().await?);
        Ok(Self { connection, progress: Progress { session: session.clone(), state: State::Idle } })
    }

    pub(super) async fn begin(
        pool: &Pool<DB>,
        session: &Session,
        sql: &'static str,
    ) -> sqlx::Result<Self> {
        let mut held = Self::acquire(pool, session).await?;
        let within = session.statement_within;
        let (progress, connection) = held.parts();
        progress.step(within, State::InTransaction, DB::say(connection, sql)).await?;
        Ok(held)
    }

    pub(super) async fn commit(mut self) -> sqlx::Result<()> {
        let (progress, connection) = self.parts();
        if progress.state != State::InTransaction {
            let why = "a statement of this transaction has failed: nothing can be committed";
            return Err(sqlx::Error::Io(io::Error::other(why)));
        }
        progress.step(COMMIT_WITHIN, State::Idle, DB::say(connection, "commit")).await
    }

    /// For a statement that is run by way of [`Progress::run`].
    pub(super) fn parts(&mut self) -> (&mut Progress, &mut DB::Connection) {
        let connection = self.connection.as_mut().expect("it is given back at the end");
        (&mut self.progress, connection)
    }
}

impl Progress {
    /// Runs a statement within its deadline.
    pub(super) async fn run<T>(
        &mut self,
        statement: impl Future<Output = sqlx::Result<T>>,
    ) -> sqlx::Result<T> {
        self.step(self.session.statement_within, self.state, statement).await
    }

    /// Runs a statement that is a transaction by itself: it commits as well.
    pub(super) async fn run_alone<T>(
        &mut self,
        statement: impl Future<Output = sqlx::Result<T>>,
    ) -> sqlx::Result<T> {
        let within = self.session.statement_within.max(COMMIT_WITHIN);
        self.step(within, self.state, statement).await
    }

    /// Where this future is dropped the state stays unknown.
    async fn step<T>(
        &mut self,
        within: Duration,
        then: State,
        statement: impl Future<Output = sqlx::Result<T>>,
    ) -> sqlx::Result<T> {
        let before = mem::replace(&mut self.state, State::Unknown);
        let done = match timeout(within + LATER_THAN_THE_SERVER, statement).await {
            Ok(done) => done,
            Err(_) => Err(sqlx::Error::Io(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("no answer within {within:?}"),
            ))),
        };
        self.state = match &done {
            _ if before == State::Unknown => State::Unknown,
            Ok(_) => then,
            Err(error) if spares_the_connection(error) => match before {
                State::Idle => State::Idle,
                _ => State::Refused,
            },
            Err(error) => {
                self.session.watch.saw(error);
                State::Unknown
            }
        };
        done
    }
}

impl<DB: Engine> Drop for Held<DB> {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let in_memory = self.progress.session.in_memory;
        match (self.progress.state, Handle::try_current()) {
            (State::Idle, _) => drop(connection),
            (State::InTransaction | State::Refused, Ok(runtime)) => {
                runtime.spawn(roll_back(connection, in_memory));
            }
            (State::Unknown, Ok(runtime)) if in_memory => {
                runtime.spawn(roll_back(connection, in_memory));
            }
            (_, Ok(_)) => connection.close_on_drop(),
            // The process ends.
            (_, Err(_)) => drop(connection.detach()),
        }
    }
}

async fn roll_back<DB: Engine>(mut connection: PoolConnection<DB>, in_memory: bool) {
    let done = timeout(ROLL_BACK_WITHIN, DB::say(&mut connection, "rollback")).await;
    if !matches!(done, Ok(Ok(()))) && !in_memory {
        connection.close_on_drop();
    }
}
