//! `keyturn copy`: moves everything to an empty database, of either engine.

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::{output, start};
use crate::{
    clock::Clock,
    config::Config,
    store::{
        Options, Store,
        transfer::{self, Purpose},
    },
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The URL of an empty database: sqlite:FILE or postgres://…; its password may be in PGPASSWORD
    #[arg(long, value_name = "URL")]
    to: SecretString,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let from = start::existing_database(config).await?;
    let to = Store::open(args.to.expose_secret(), Options::default()).await;
    let to = to.context("cannot open the target (--to)")?;
    to.migrate().await.context("cannot make the tables of the target (--to)")?;
    let contents = transfer::copy(&from, &to, Purpose::Successor, Clock::system().now()).await?;
    to.close().await;
    let rows: u64 = contents.values().map(|table| table.rows).sum();
    output::print(&format!(
        "Copied {rows} rows of {} tables, and compared them.\nSet database.url to the new database \
         and start the server. The old database is as it was: do not start a server on it again.\n",
        contents.len()
    ))
}
