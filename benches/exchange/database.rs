//! The databases with keys in them, kept from cell to cell; those of SQLite also from run to run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use keyturn::store::{Options, Store};

use crate::{
    cell::{Conditions, Engine},
    postgres, seed,
};

pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) store: Store,
}

/// Runs one statement or query on whichever engine there is.
macro_rules! on {
    ($store:expr, $pool:ident => $run:expr) => {
        match $store {
            keyturn::store::Store::Sqlite { pool: $pool, .. } => $run.await,
            keyturn::store::Store::Postgres { pool: $pool, .. } => $run.await,
        }
    };
}
pub(crate) use on;

/// Where all that the bench writes is kept.
pub(crate) fn folder() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exchange-bench");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

impl Database {
    /// The database of these conditions, filled, without any use recorded.
    pub(crate) async fn prepare(folder: &Path, conditions: Conditions) -> anyhow::Result<Self> {
        let database = match conditions.engine {
            Engine::Sqlite => Self::sqlite(folder, conditions.keys).await?,
            Engine::Postgres => Self::postgres(conditions.keys).await?,
        };
        for empty in ["delete from usage", "delete from usage_journal", "delete from refusals"] {
            on!(&database.store, pool => async {
                sqlx::query(empty).execute(pool).await.map(drop)
            })?;
        }
        Ok(database)
    }

    async fn sqlite(folder: &Path, keys: usize) -> anyhow::Result<Self> {
        let folder = folder.join(format!("sqlite-{keys}"));
        let filled = folder.join("filled");
        let is_filled = filled.exists();
        if !is_filled && folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let url = format!("sqlite:{}", folder.join("keyturn.db").display());
        let store = Store::open(&url, Options::default()).await?;
        if !is_filled {
            seed::fill(&store, keys).await?;
            fs::write(filled, "")?;
        }
        Ok(Self { url, store })
    }

    async fn postgres(keys: usize) -> anyhow::Result<Self> {
        let server = postgres::server().context("there is no PostgreSQL server")?;
        let url = server.database().await;
        let store = Store::open(&url, Options::default()).await?;
        make_durable(&store).await;
        seed::fill(&store, keys).await?;
        Ok(Self { url, store })
    }

    /// Whether every use that was recorded has been counted.
    pub(crate) async fn is_folded(&self) -> anyhow::Result<bool> {
        const WAITING: &str = "select count(*) from usage_journal";
        let waiting: i64 = on!(&self.store, pool => sqlx::query_scalar(WAITING).fetch_one(pool))?;
        Ok(waiting == 0)
    }
}

/// A server for tests waits for no disk; what is measured here does. A server that somebody named
/// stays as it is.
async fn make_durable(store: &Store) {
    let Store::Postgres { pool, .. } = store else { return };
    let fsync: Result<String, _> = sqlx::query_scalar("show fsync").fetch_one(pool).await;
    if fsync.is_ok_and(|fsync| fsync == "on") {
        return;
    }
    for statement in [
        "alter system set fsync = on",
        "alter system set full_page_writes = on",
        "alter system set synchronous_commit = on",
        "select pg_reload_conf()",
    ] {
        if let Err(error) = sqlx::query(statement).execute(pool).await {
            println!("PostgreSQL does not wait for its disk: {error}");
        }
    }
}
