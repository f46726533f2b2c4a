//! `keyturn doctor`: looks at everything a server needs, changes nothing, and says what to do.

mod api_keys;
mod audit;
mod clock;
mod configuration;
mod database;
mod disk;
mod encryption;
mod operators;
mod postgres;
mod registration;
mod report;
mod server;
mod signing_keys;
mod sqlite;
mod tables;

use anyhow::bail;

use self::report::Report;
use super::{output::Output, start, with_causes};
use crate::{clock::Clock, config::Config};

/// What the checks of either engine are about.
const DATABASE: &str = "database";

#[derive(clap::Args)]
pub(super) struct Args {
    /// Check every page of the database and every audit event, and count every row
    #[arg(long)]
    deep: bool,
    #[command(flatten)]
    output: Output,
}

/// Takes also what is wrong with the configuration: that is a finding like any other.
pub(super) async fn run(args: Args, config: anyhow::Result<Config>) -> anyhow::Result<()> {
    let Args { deep, output } = args;
    let mut report = Report::default();
    match config {
        Ok(config) => examine(&config, deep, &mut report).await,
        Err(error) => report.failed("configuration", with_causes(&error)),
    }
    output.say(&report.text(), &report)?;
    match report.failures() {
        0 => Ok(()),
        1 => bail!("one check failed"),
        failures => bail!("{failures} checks failed"),
    }
}

async fn examine(config: &Config, deep: bool, report: &mut Report) {
    let now = Clock::system().now();
    configuration::check(config, now, report);
    server::check(config, report).await;
    disk::check(config, report);
    let key = encryption::check(config, report);
    let Some(store) = database::check(config, deep, report).await else {
        report.warning("everything else", "was not looked at: the database comes first");
        return;
    };
    let checked = tables::check(&store, config, deep, now, report).await;
    report.unless_failed("tables", checked);
    let checked = operators::check(&store, report).await;
    report.unless_failed("operators", checked);
    let checked = clock::check(&store, report).await;
    report.unless_failed("clock", checked);
    let checked = signing_keys::check(&store, config, key, now, report).await;
    report.unless_failed("signing keys", checked);
    let checked = audit::check(&store, deep, report).await;
    report.unless_failed("audit trail", checked);
    let checked = registration::check(&store, config, report).await;
    report.unless_failed("registration", checked);
    let checked = api_keys::check(&store, now, report).await;
    report.unless_failed("API keys", checked);
}
