//! The `change_feed` table: which line of changes the database is on. Reads the feed onwards from a
//! mark, and proves that it is still the feed that the mark was made in.

use sqlx::{PgConnection, types::Uuid};

use super::{Store, StoreError, Tx, changes, connection::Held, parameter::Parameter as _};
use crate::{
    clock::{self, Timestamp},
    domain::Change,
    random::Random,
};

statements! {
    END = "
        select f.epoch, n.value, c.tag
        from change_feed f join counters n on n.name = 'changes'
            left join changes c on c.number = n.value";

    ONWARDS = "
        select f.epoch, n.value, c.number, c.tag, c.change
        from change_feed f join counters n on n.name = 'changes'
            left join changes c on c.number >= $1
        order by c.number limit 1000";

    BEGIN_EPOCH = "
        update change_feed set epoch = $1";
}

/// How far a feed was read, with all that tells this feed from any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    epoch: Uuid,
    /// `None` on `SQLite`, and where the database does not tell.
    server: Option<ServerIdentity>,
    /// Of the last change that was read.
    number: i64,
    /// Of the same change; `None` where its row was not there.
    tag: Option<i64>,
}

impl Mark {
    /// Of the last change that was read.
    pub fn number(&self) -> i64 {
        self.number
    }
}

/// Of a PostgreSQL server. A standby that becomes the primary begins a new timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ServerIdentity {
    system: i64,
    timeline: String,
}

/// What comes after a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Onwards {
    /// The feed goes on from the mark. Up to 1000 changes, oldest first; `None` stands for one that
    /// a newer version wrote and this one cannot read.
    Continues {
        changes: Vec<Option<Change>>,
        mark: Mark,
    },
    Broken(Broken),
}

/// Why a feed does not go on from a mark: what changed is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("the database is another one, or was restored: its epoch is new")]
    OtherEpoch,
    #[error("the database server is another one, or a standby that was promoted")]
    OtherServer,
    #[error("the database was set back: its last change has a lower number")]
    SetBack,
    #[error("the database was set back: the last change seen was replaced")]
    Replaced,
    #[error("changes were deleted before they were read")]
    Hole,
}

/// Begins a new epoch: every node that follows the feed forgets what it knows and reads it anew.
/// For a database that was restored, or is a copy of another.
pub async fn begin_epoch(tx: &mut Tx) -> Result<(), StoreError> {
    let epoch = Uuid::from_bytes(Random::System.bytes());
    execute!(tx, BEGIN_EPOCH(epoch))?;
    changes::notify(tx).await
}

/// The end of the feed, and the database's clock where it has one of its own.
pub async fn end(store: &Store) -> Result<(Mark, Option<Timestamp>), StoreError> {
    type Row = (Uuid, i64, Option<i64>);
    let (row, session): (Option<Row>, _) = match store {
        Store::Sqlite { .. } => (fetch_alone!(store, END() => fetch_optional)?, Session::default()),
        Store::Postgres { pool, session, .. } => {
            let mut held = Held::acquire(pool, session).await?;
            let (progress, connection) = held.parts();
            let session = progress.run(Session::of(connection)).await?;
            let end = sqlx::query_as(END).fetch_optional(connection);
            (progress.run(end).await?, session)
        }
    };
    let (epoch, number, tag) = row.ok_or(StoreError::Corrupt("change_feed"))?;
    Ok((Mark { epoch, server: session.server, number, tag }, session.clock))
}

/// What came after this mark, and the database's clock where it has one of its own.
pub async fn onwards(
    store: &Store,
    from: &Mark,
) -> Result<(Onwards, Option<Timestamp>), StoreError> {
    let (rows, session): (Vec<Row>, _) = match store {
        Store::Sqlite { .. } => {
            (fetch_alone!(store, ONWARDS(from.number) => fetch_all)?, Session::default())
        }
        // In one session, so that both are said of one server.
        Store::Postgres { pool, session, .. } => {
            let mut held = Held::acquire(pool, session).await?;
            let (progress, connection) = held.parts();
            let session = progress.run(Session::of(connection)).await?;
            let rows = sqlx::query_as(ONWARDS).bind(from.number.bound()).fetch_all(connection);
            (progress.run(rows).await?, session)
        }
    };
    let onwards = match read(rows, from, session.server.as_ref())? {
        Ok((changes, mark)) => Onwards::Continues { changes, mark },
        Err(broken) => Onwards::Broken(broken),
    };
    Ok((onwards, session.clock))
}

/// Epoch and last number of the feed; number, tag and text of a change, if there is one.
type Row = (Uuid, i64, Option<i64>, Option<i64>, Option<String>);

/// Rows to one reading.
const MOST: usize = 1000;

type Read = Result<(Vec<Option<Change>>, Mark), Broken>;

fn read(rows: Vec<Row>, from: &Mark, server: Option<&ServerIdentity>) -> Result<Read, StoreError> {
    let (epoch, end) = match rows.first() {
        Some((epoch, end, ..)) => (*epoch, *end),
        None => return Err(StoreError::Corrupt("change_feed")),
    };
    if epoch != from.epoch {
        return Ok(Err(Broken::OtherEpoch));
    }
    if server != from.server.as_ref() {
        return Ok(Err(Broken::OtherServer));
    }
    if end < from.number {
        return Ok(Err(Broken::SetBack));
    }
    let is_all = rows.len() < MOST;
    let mut mark = from.clone();
    let mut is_seen = from.tag.is_none();
    let mut changes = Vec::new();
    for (_, _, number, tag, text) in rows {
        let (Some(number), Some(text)) = (number, text) else { break };
        if number == from.number {
            // A row that came to be under a number that had none is as new as one replaced.
            if tag != from.tag {
                return Ok(Err(Broken::Replaced));
            }
            is_seen = true;
        } else if number == mark.number + 1 {
            changes.push(serde_json::from_str(&text).ok());
            (mark.number, mark.tag) = (number, tag);
        } else {
            return Ok(Err(Broken::Hole));
        }
    }
    if !is_seen || (is_all && mark.number != end) {
        return Ok(Err(Broken::Hole));
    }
    Ok(Ok((changes, mark)))
}

/// What a database server says of itself.
#[derive(Default)]
struct Session {
    server: Option<ServerIdentity>,
    clock: Option<Timestamp>,
}

const SESSION: &str = "
    select pg_is_in_recovery(), extract(epoch from clock_timestamp())::bigint,
        (select system_identifier from pg_control_system()),
        case when not pg_is_in_recovery()
            then left(pg_walfile_name(pg_current_wal_lsn()), 8) end";

const SESSION_WITHOUT_IDENTITY: &str = "
    select pg_is_in_recovery(), extract(epoch from clock_timestamp())::bigint, null::bigint,
        null::text";

impl Session {
    /// Fails at a standby: it cannot prove that what it holds is all there is.
    async fn of(connection: &mut PgConnection) -> sqlx::Result<Self> {
        type Row = (bool, i64, Option<i64>, Option<String>);
        let told: Result<Row, _> = sqlx::query_as(SESSION).fetch_one(&mut *connection).await;
        let (is_standby, seconds, system, timeline) = match told {
            // Some hosted databases keep it to themselves. Epoch and tags tell most of it.
            Err(sqlx::Error::Database(cause)) if is_withheld(cause.code().as_deref()) => {
                sqlx::query_as(SESSION_WITHOUT_IDENTITY).fetch_one(&mut *connection).await?
            }
            told => told?,
        };
        if is_standby {
            let why = "the database is a standby, and may lack what its primary has";
            return Err(sqlx::Error::Protocol(why.to_owned()));
        }
        let server = system.zip(timeline);
        let server = server.map(|(system, timeline)| ServerIdentity { system, timeline });
        Ok(Self { server, clock: clock::timestamp(seconds) })
    }
}

/// Insufficient privilege, unknown function, not supported.
fn is_withheld(code: Option<&str>) -> bool {
    matches!(code, Some("42501" | "42883" | "0A000"))
}
