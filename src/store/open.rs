//! Opens the database a URL names.

use std::{str::FromStr as _, sync::Arc, time::Duration};

use sqlx::{
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Store, StoreError};

/// How many connections to keep, and how long to wait for one.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub connections: u32,
    /// Beyond this a request is answered that we are too busy.
    pub acquire_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { connections: 10, acquire_within: Duration::from_secs(2) }
    }
}

impl Store {
    /// Opens `sqlite:PATH`, making the file if there is none, or `postgres://…`. Changes no schema.
    pub async fn open(url: &str, options: Options) -> Result<Self, StoreError> {
        if url.starts_with("sqlite:") {
            Self::open_sqlite(url, options).await
        } else {
            let connect = PgConnectOptions::from_str(url)?.application_name("keyturn");
            let pool = PgPoolOptions::new()
                .max_connections(options.connections)
                .acquire_timeout(options.acquire_within);
            Ok(Self::Postgres(pool.connect_with(connect).await?))
        }
    }

    async fn open_sqlite(url: &str, options: Options) -> Result<Self, StoreError> {
        // Each connection is a thread with a cache of its own, and reads are short: four keep two
        // cores busy. A database in memory exists once per connection.
        let most = if url.contains(":memory:") { 1 } else { options.connections.clamp(2, 4) };
        let connect = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was acknowledged survives a power cut.
            .synchronous(SqliteSynchronous::Full)
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
