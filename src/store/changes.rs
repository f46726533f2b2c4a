//! The `changes` table: what every node has to forget, in the order of the commits.

use sqlx::postgres::PgListener;

use super::{Store, StoreError, Tx, counters, engine::Engine};
use crate::{clock::Timestamp, domain::Change, random::Random};

statements! {
    APPEND = "
        insert into changes (number, at, tag, change) values ($1, $2, $3, $4)";

    PRUNE = "
        delete from changes where number <= (
            select max(number) from (
                select number, at from changes order by number limit 1000) as oldest
            where (at < $1 or number <= $2) and number < (select max(number) from changes))";
}

/// Wakes those who listen. PostgreSQL's own: nothing depends on it but how soon they look.
const NOTIFY: &str = "select pg_notify('keyturn_changes', '')";
const CHANNEL: &str = "keyturn_changes";
/// PostgreSQL's own: `SQLite` has one writer anyway.
const WAIT_IN_LINE: &str = "select value from counters where name = 'changes' for update";

impl Store {
    /// A transaction that changes state: all that it reads is of now, and stays so until it has
    /// ended. Those of all nodes wait for each other in one line, so that what one has committed
    /// counts in every later one.
    pub async fn change(&self) -> Result<Tx, StoreError> {
        let turn = match self {
            Self::Sqlite { .. } => None,
            Self::Postgres { line, session, .. } => Some(session.turn(line).await?),
        };
        let tx = self.write().await?;
        let mut tx = Tx { turn: turn.or(tx.turn), ..tx };
        wait_in_line(&mut tx).await?;
        Ok(tx)
    }
}

/// Waits until no other transaction that changes state is under way, on whatever node. The row of
/// the counter is locked until this transaction has ended; statements after this one see all that
/// was committed before.
pub(super) async fn wait_in_line(tx: &mut Tx) -> Result<(), StoreError> {
    if std::mem::replace(&mut tx.is_alone, true) {
        return Ok(());
    }
    if let Engine::Postgres(held) = &mut tx.engine {
        let (progress, connection) = held.parts();
        progress.run(sqlx::query(WAIT_IN_LINE).execute(connection)).await?;
    }
    Ok(())
}

pub(super) async fn append(tx: &mut Tx, change: &Change, now: Timestamp) -> Result<(), StoreError> {
    let number = counters::next(tx, counters::CHANGES).await?;
    let text = serde_json::to_string(change).map_err(|_| StoreError::Corrupt("changes.change"))?;
    let tag = i64::from_be_bytes(Random::System.bytes());
    execute!(tx, APPEND(number, now.timestamp(), tag, text.as_str()))?;
    Ok(())
}

pub(super) async fn notify(tx: &mut Tx) -> Result<(), StoreError> {
    if let Engine::Postgres(held) = &mut tx.engine {
        let (progress, connection) = held.parts();
        progress.run(sqlx::query(NOTIFY).execute(connection)).await?;
    }
    Ok(())
}

/// Deletes up to 1000 of the oldest: those from before this moment, and those beyond this many of
/// the newest. Gives how many rows that were. The last change stays: who has missed it must notice.
pub async fn prune(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    let superfluous = counters::value(tx, counters::CHANGES).await? - most;
    Ok(execute!(tx, PRUNE(before.timestamp(), superfluous))?)
}

/// Waits for a notice of a change.
pub struct Notices(PgListener);

impl Notices {
    /// `None` on an engine that sends none.
    pub async fn listen(store: &Store) -> Result<Option<Self>, StoreError> {
        let Store::Postgres { pool, .. } = store else { return Ok(None) };
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(Self(listener)))
    }

    /// May be dropped while it waits. Fails when the connection is lost.
    pub async fn next(&mut self) -> Result<(), StoreError> {
        self.0.recv().await?;
        Ok(())
    }
}
