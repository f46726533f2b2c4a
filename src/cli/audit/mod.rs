//! `keyturn audit`: who changed what, and whether that record is whole.

mod export;
mod list;
mod shown;
mod verify;

use clap::Subcommand;

use super::{output::Output, start};
use crate::config::Config;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    /// List changes, the newest first
    List(list::Args),
    /// Check that no record was altered or taken out
    Verify(verify::Args),
    /// Print all of the trail as JSON lines, the oldest first
    Export(export::Args),
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    let app = start::manage(config).await?;
    match command {
        Command::List(args) => list::run(&app, args, output).await,
        Command::Verify(args) => verify::run(&app, args, output).await,
        Command::Export(args) => export::run(&app, &args).await,
    }
}
