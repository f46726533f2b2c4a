//! Opens the database a URL names.

use std::{
    fs::OpenOptions,
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    str::FromStr as _,
    sync::Arc,
    time::Duration,
};

use sqlx::{
    Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use tokio::time::timeout;

use super::{
    Store, StoreError,
    connection::Session,
    watch::{Watch, check_session},
};

/// How many connections to keep, and how long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub connections: u32,
    /// Beyond this a request is answered that we are too busy.
    pub acquire_within: Duration,
    /// A statement that takes longer has failed.
    pub statement_within: Duration,
    /// A PostgreSQL session is used for so long.
    pub session_lifetime: Duration,
    /// Whether to make the file of an `SQLite` database where there is none.
    pub make_file: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections: 10,
            acquire_within: Duration::from_secs(2),
            statement_within: Duration::from_secs(10),
            session_lifetime: Duration::from_mins(5),
            make_file: true,
        }
    }
}

impl Options {
    fn session(self, file: Option<PathBuf>, in_memory: bool) -> Session {
        Session {
            watch: Arc::new(Watch::new(file)),
            statement_within: self.statement_within,
            acquire_within: self.acquire_within,
            in_memory,
            is_patient: false,
        }
    }
}

/// A whole-database look may take this long.
const LOOK_WITHIN: Duration = Duration::from_hours(1);

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…`. Changes no schema.
    pub async fn open(url: &str, options: Options) -> Result<Self, StoreError> {
        if url.starts_with("sqlite:") {
            Self::open_sqlite(url, options).await
        } else {
            Self::open_postgres(url, options).await
        }
    }

    /// Opens a database only to look at it: whatever is asked of it changes nothing.
    pub async fn open_to_look(url: &str) -> Result<Self, StoreError> {
        let options = Options { statement_within: LOOK_WITHIN, ..Options::default() };
        let within = options.acquire_within;
        let session = options.session(None, false);
        if url.starts_with("sqlite:") {
            // Without a word on its journal: that would be written into the file.
            let connect = SqliteConnectOptions::from_str(url)?.read_only(true);
            let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(within);
            let pool = pool.connect_with(connect).await?;
            return Ok(Self::Sqlite { pool, writer: Arc::default(), session });
        }
        let connect = postgres_options(url)?
            .application_name("keyturn doctor")
            .options([("default_transaction_read_only", "on")]);
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(within);
        match pool.connect_with(connect.clone()).await {
            Err(sqlx::Error::PoolTimedOut) => Err(why_not(&connect, within).await.into()),
            pool => Ok(Self::Postgres { pool: pool?, line: Arc::default(), session }),
        }
    }

    async fn open_postgres(url: &str, options: Options) -> Result<Self, StoreError> {
        let session = options.session(None, false);
        let within = options.acquire_within;
        let deadline = format!("{}ms", options.statement_within.as_millis());
        let connect = postgres_options(url)?.application_name("keyturn").options([
            ("statement_timeout", deadline.as_str()),
            ("lock_timeout", deadline.as_str()),
        ]);
        let watch = Arc::clone(&session.watch);
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .max_lifetime(options.session_lifetime)
            .acquire_timeout(within)
            .after_connect(|connection, _| Box::pin(check_new_session(connection)))
            .before_acquire(move |_, session| {
                let trusted = watch.trusts(session.age);
                Box::pin(async move { Ok(trusted) })
            });
        match pool.connect_with(connect.clone()).await {
            Err(sqlx::Error::PoolTimedOut) => Err(why_not(&connect, within).await.into()),
            pool => Ok(Self::Postgres { pool: pool?, line: Arc::default(), session }),
        }
    }

    async fn open_sqlite(url: &str, options: Options) -> Result<Self, StoreError> {
        // Each connection is a thread with a cache of its own, and reads are short: four keep two
        // cores busy. A database in memory exists once per connection.
        let in_memory = url.contains(":memory:");
        let most = if in_memory { 1 } else { options.connections.clamp(2, 4) };
        let connect = SqliteConnectOptions::from_str(url)?;
        if options.make_file && !in_memory {
            make_file(connect.get_filename())?;
        }
        let file = (!in_memory).then(|| connect.get_filename().to_owned());
        let session = options.session(file, in_memory);
        let connect = connect
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was acknowledged survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            // 8 MiB for each connection that needs it: the pages that are counted on now.
            .pragma("cache_size", "-8192")
            // One long reader makes the write-ahead log long: afterwards it is cut to 4 MiB.
            .pragma("journal_size_limit", "4194304")
            // Another process may hold the write lock: a command beside a busy server.
            .busy_timeout(options.statement_within);
        let watch = Arc::clone(&session.watch);
        let pool = SqlitePoolOptions::new()
            .max_connections(most)
            // Pings before each use would cost more than the statements they guard.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(options.acquire_within)
            .after_connect(move |_, _| {
                let same = watch.look_at_file();
                Box::pin(async move { same })
            })
            .connect_with(connect)
            .await?;
        Ok(Self::Sqlite { pool, writer: Arc::default(), session })
    }
}

impl Store {
    /// Opens an `SQLite` database that is one file at any time, without a log beside it.
    pub(super) async fn open_single_file(path: &Path) -> Result<Self, StoreError> {
        let connect = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Delete)
            .synchronous(SqliteSynchronous::Full);
        let session = Options::default().session(None, false);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(connect).await?;
        Ok(Self::Sqlite { pool, writer: Arc::default(), session })
    }
}

/// The pool tries again at once where this fails: a pause keeps that from flooding the server.
async fn check_new_session(connection: &mut PgConnection) -> sqlx::Result<()> {
    let checked = check_session(connection).await;
    if checked.is_err() {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    checked
}

/// A URL writes an IPv6 address in brackets (RFC 3986, section 3.2.2), which are no part of it.
pub(super) fn postgres_options(url: &str) -> sqlx::Result<PgConnectOptions> {
    let read = PgConnectOptions::from_str(url)?;
    let address = read.get_host().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = address.map(str::to_owned);
    Ok(match address {
        Some(address) => read.host(&address),
        None => read,
    })
}

/// What keeps the pool waiting, which does not say so itself.
async fn why_not(connect: &PgConnectOptions, within: Duration) -> sqlx::Error {
    let session = async { check_session(&mut PgConnection::connect_with(connect).await?).await };
    match timeout(within, session).await {
        Ok(Err(error)) => error,
        Ok(Ok(())) | Err(_) => sqlx::Error::PoolTimedOut,
    }
}

/// Makes the file readable by its owner only: it is to hold hashes and wrapped keys. `SQLite` gives
/// the files beside it the same mode.
fn make_file(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(sqlx::Error::Io(error).into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fx_39o_an_ipv6_address_is_read_without_its_brackets() {
        for (url, host, port) in [
            ("postgres://u@[::1]:5433/d", "::1", 5433),
            ("postgres://u:p@[2001:db8::7]/d", "2001:db8::7", 5432),
            ("postgres://u@db.example.com/d", "db.example.com", 5432),
        ] {
            let options = postgres_options(url).unwrap();
            assert_eq!((options.get_host(), options.get_port()), (host, port), "{url}");
        }
    }
}
