//! `keyturn migrate`: brings the database to the schema this version needs.

use anyhow::Context as _;
use secrecy::ExposeSecret as _;

use crate::{
    config::Config,
    store::{Migrated, Options, Store},
};

pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    let store = Store::open(config.database.url.expose_secret(), Options::default()).await;
    let store = store.context("cannot open the database")?;
    let migrated = store.migrate().await.context("cannot bring the database up to date")?;
    let Migrated { before, after } = migrated;
    match after - before {
        _ if before == 0 => println!("The database is created: {after} migrations were applied."),
        0 => println!("The database is up to date: it has all {after} migrations."),
        1 => println!("The database is up to date: 1 migration was applied, it has {after}."),
        new => {
            println!("The database is up to date: {new} migrations were applied, it has {after}.");
        }
    }
    Ok(())
}
