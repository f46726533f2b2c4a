//! The database: there, whole, and of this version's schema.

use anyhow::Context as _;
use secrecy::ExposeSecret as _;

use super::{DATABASE, postgres, report::Report, sqlite, start, with_causes};
use crate::{
    config::Config,
    store::{MigrationFailed, Store},
};

/// `None` where nothing more can be asked of it.
pub(super) async fn check(config: &Config, deep: bool, report: &mut Report) -> Option<Store> {
    let url = config.database.url.expose_secret();
    if start::is_in_memory(url) {
        report.warning(
            DATABASE,
            "is in the memory of the server and ends with it: no other process sees it",
        );
        return None;
    }
    let file = start::database_file(url);
    if let Some(file) = file {
        sqlite::check_file(file, report)?;
    }
    let store = match Store::open_to_look(url).await.context("cannot be opened") {
        Ok(store) => store,
        Err(error) => {
            report.failed(DATABASE, format!("{}; {}", with_causes(&error), advice(file.is_some())));
            return None;
        }
    };
    let checked = match file {
        Some(_) => sqlite::check_content(&store, deep, report).await,
        None => postgres::check(&store, config, report).await,
    };
    match checked {
        Ok(true) => (),
        Ok(false) => return None,
        Err(error) => {
            let error = with_causes(&error.into());
            report.failed(DATABASE, format!("{error}; {}", advice(file.is_some())));
            return None;
        }
    }
    has_our_schema(&store, config, report).await.then_some(store)
}

fn advice(is_file: bool) -> &'static str {
    if is_file {
        "stop the server and restore a backup (docs/OPERATING.md), or see database.url if this is \
         another file"
    } else {
        "see database.url, and whether the server is up and lets this user in"
    }
}

async fn has_our_schema(store: &Store, config: &Config, report: &mut Report) -> bool {
    let advice = match store.check_migrated().await {
        Ok(()) => {
            report.ok("schema", "is that of this version");
            return true;
        }
        Err(MigrationFailed::Pending) if config.database.migrate_at_start => {
            "it lacks migrations: the next `keyturn serve` or `keyturn migrate` applies them"
                .to_owned()
        }
        Err(MigrationFailed::Pending) => {
            "it lacks migrations, and database.migrate_at_start is false: run `keyturn migrate`"
                .to_owned()
        }
        Err(error @ MigrationFailed::Newer(_)) => format!("{error}: run the newer version"),
        Err(error) => with_causes(&error.into()),
    };
    report.failed("schema", advice);
    false
}
