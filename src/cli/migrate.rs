//! `keyturn migrate`: brings the database to the schema this version needs.

use anyhow::Context as _;
use secrecy::ExposeSecret as _;

use crate::{
    config::Config,
    store::{Options, Store},
};

pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    let store = Store::open(config.database.url.expose_secret(), Options::default()).await;
    let store = store.context("cannot open the database")?;
    store.migrate().await.context("cannot bring the database up to date")?;
    println!("The database is up to date.");
    Ok(())
}
