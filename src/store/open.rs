//! Opens the database a URL names.

use std::{
    fs::OpenOptions, io::ErrorKind, os::unix::fs::OpenOptionsExt as _, path::Path,
    str::FromStr as _, sync::Arc, time::Duration,
};

use sqlx::{
    Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use tokio::time::timeout;

use super::{Store, StoreError};

/// How many connections to keep, and how long to wait for one.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub connections: u32,
    /// Beyond this a request is answered that we are too busy.
    pub acquire_within: Duration,
    /// Whether to make the file of an `SQLite` database where there is none.
    pub make_file: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 10, acquire_within: Duration::from_secs(2), make_file: true }
    }
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://…`. Changes no schema.
    pub async fn open(url: &str, options: Options) -> Result<Self, StoreError> {
        if url.starts_with("sqlite:") {
            Self::open_sqlite(url, options).await
        } else {
            let connect = PgConnectOptions::from_str(url)?.application_name("keyturn");
            let pool = PgPoolOptions::new()
                .max_connections(options.connections)
                .acquire_timeout(options.acquire_within);
            match pool.connect_with(connect.clone()).await {
                Err(sqlx::Error::PoolTimedOut) => Err(why_not(&connect, options).await.into()),
                pool => Ok(Self::Postgres(pool?)),
            }
        }
    }

    /// Opens a database only to look at it: whatever is asked of it changes nothing.
    pub async fn open_to_look(url: &str) -> Result<Self, StoreError> {
        let within = Options::default().acquire_within;
        if url.starts_with("sqlite:") {
            // Without a word on its journal: that would be written into the file.
            let connect = SqliteConnectOptions::from_str(url)?.read_only(true);
            let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(within);
            return Ok(Self::Sqlite {
                pool: pool.connect_with(connect).await?,
                writer: Arc::default(),
            });
        }
        let connect = PgConnectOptions::from_str(url)?
            .application_name("keyturn doctor")
            .options([("default_transaction_read_only", "on")]);
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(within);
        match pool.connect_with(connect.clone()).await {
            Err(sqlx::Error::PoolTimedOut) => {
                Err(why_not(&connect, Options::default()).await.into())
            }
            pool => Ok(Self::Postgres(pool?)),
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
        let connect = connect
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was acknowledged survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            // 8 MiB for each connection that needs it: the pages that are counted on now.
            .pragma("cache_size", "-8192")
            // Another process may hold the write lock: a command beside a busy server.
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new()
            .max_connections(most)
            // Pings before each use would cost more than the statements they guard.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(options.acquire_within)
            .connect_with(connect)
            .await?;
        Ok(Self::Sqlite { pool, writer: Arc::default() })
    }
}

/// What keeps the pool waiting, which does not say so itself.
async fn why_not(connect: &PgConnectOptions, options: Options) -> sqlx::Error {
    match timeout(options.acquire_within, PgConnection::connect_with(connect)).await {
        Ok(Err(error)) => error,
        Ok(Ok(_)) | Err(_) => sqlx::Error::PoolTimedOut,
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
