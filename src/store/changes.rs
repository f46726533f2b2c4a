//! The `changes` table: what every node has to forget, in the order of the commits.

use sqlx::postgres::PgListener;

use super::{Store, StoreError, Tx, counters, engine::Engine};
use crate::{clock::Timestamp, domain::Change};

statements! {
    APPEND = "
        insert into changes (number, at, change) values ($1, $2, $3)";

    AFTER = "
        select number, change from changes where number > $1 order by number limit 1000";

    PRUNE = "
        delete from changes where number <= (
            select max(number) from (
                select number, at from changes order by number limit 1000) as oldest
            where (at < $1 or number <= $2) and number < (select max(number) from changes))";
}

/// Wakes those who listen. PostgreSQL's own: nothing depends on it but how soon they look.
const NOTIFY: &str = "select pg_notify('keyturn_changes', '')";
const CHANNEL: &str = "keyturn_changes";

pub(super) async fn append(tx: &mut Tx, change: &Change, now: Timestamp) -> Result<(), StoreError> {
    let number = counters::next(tx, counters::CHANGES).await?;
    let text = serde_json::to_string(change).map_err(|_| StoreError::Corrupt("changes.change"))?;
    execute!(tx, APPEND(number, now.timestamp(), text.as_str()))?;
    Ok(())
}

pub(super) async fn notify(tx: &mut Tx) -> Result<(), StoreError> {
    if let Engine::Postgres(tx) = &mut tx.engine {
        sqlx::query(NOTIFY).execute(&mut **tx).await?;
    }
    Ok(())
}

/// The number of the last change.
pub async fn last(store: &Store) -> Result<i64, StoreError> {
    let mut tx = store.read().await?;
    counters::value(&mut tx, counters::CHANGES).await
}

/// Up to 1000 changes after this number, oldest first. `None` stands for one that a newer version
/// wrote and this one cannot read.
pub async fn after(store: &Store, number: i64) -> Result<Vec<(i64, Option<Change>)>, StoreError> {
    let rows: Vec<(i64, String)> = fetch_alone!(store, AFTER(number) => fetch_all)?;
    let read = |(number, text): (i64, String)| (number, serde_json::from_str(&text).ok());
    Ok(rows.into_iter().map(read).collect())
}

/// Deletes up to 1000 of the oldest: those from before this moment, and those beyond this many of
/// the newest. Gives how many rows that were. The last change stays: who has missed it must notice.
pub async fn prune(tx: &mut Tx, before: Timestamp, most: i64) -> Result<u64, StoreError> {
    let superfluous = counters::value(tx, counters::CHANGES).await? - most;
    Ok(execute!(tx, PRUNE(before.timestamp(), superfluous))?)
}

/// Waits for somebody's notice of a change.
pub struct Notices(PgListener);

impl Notices {
    /// `None` on an engine that sends none.
    pub async fn listen(store: &Store) -> Result<Option<Self>, StoreError> {
        let Store::Postgres(pool) = store else { return Ok(None) };
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
