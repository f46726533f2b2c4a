//! Opens the database that the configuration names.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, bail};
use secrecy::ExposeSecret as _;

use crate::{
    config::Config,
    store::{self, Store},
};

/// The database a command finds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Database {
    MadeIfMissing,
    /// In the wrong folder a command says so instead of making a second database.
    Existing,
}

/// The user of a command can wait, and can stop it.
const COMMAND_STATEMENT_WITHIN: Duration = Duration::from_mins(1);

/// Opens the database, and brings it up to date if the configuration says so.
pub(super) async fn open(config: &Config, database: Database) -> anyhow::Result<Store> {
    let url = config.database.url.expose_secret();
    if let (Some(path), Database::Existing) = (path(url), database)
        && !path.exists()
    {
        bail!(
            "there is no database {} (setting database.url): `keyturn quickstart`, `keyturn serve` \
             and `keyturn migrate` make one",
            path.display()
        );
    }
    let store = connect(config, database).await?;
    if config.database.migrate_at_start {
        store.migrate().await.context("cannot bring the database up to date")?;
    }
    store.check_migrated().await?;
    Ok(store)
}

/// Opens the database, and makes its file where there is none. Changes no schema.
pub(super) async fn open_unmigrated(config: &Config) -> anyhow::Result<Store> {
    connect(config, Database::MadeIfMissing).await
}

async fn connect(config: &Config, database: Database) -> anyhow::Result<Store> {
    let options = store::Options {
        connections: config.database.connections.get(),
        acquire_within: Duration::from_secs(2),
        statement_within: match database {
            Database::MadeIfMissing => config.database.statement_timeout,
            Database::Existing => COMMAND_STATEMENT_WITHIN,
        },
        session_lifetime: config.database.connection_lifetime,
        make_file: database == Database::MadeIfMissing,
    };
    let url = config.database.url.expose_secret();
    Store::open(url, options).await.with_context(|| cannot_open(url))
}

/// Names the file, but not a server: its URL may hold a password.
fn cannot_open(url: &str) -> String {
    let path = path(url).map(|path| format!(" {}", path.display())).unwrap_or_default();
    format!("cannot open the database{path} (setting database.url)")
}

/// The file of an `SQLite` database; `None` for one in memory or on a server.
pub(in crate::cli) fn path(url: &str) -> Option<&Path> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    (path != ":memory:").then_some(Path::new(path))
}

/// Tells whether the database is one that no other process sees.
pub(in crate::cli) fn is_in_memory(url: &str) -> bool {
    url.starts_with("sqlite:") && url.contains(":memory:")
}
