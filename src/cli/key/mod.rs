//! `keyturn key`: makes, shows and changes API keys.

mod change;
mod create;
mod file;
mod show;
mod simulate;

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
    /// Make a key and show its secret, this once
    Create(create::Args),
    /// List all keys: whose they are, what they may do, when they were last used
    List,
    /// Show all there is to know of a key but its secret
    Show(Named),
    /// End a key for ever; a running server refuses it within a second
    Revoke(Named),
    /// Stop a key until it is enabled again
    Disable(Named),
    /// Let a disabled key work again
    Enable(Named),
    /// Give a key other roles; its secret stays
    Roles(change::RolesArgs),
    /// Give a key a new secret and show it, this once
    Rotate(change::RotateArgs),
    /// Change when a key expires, where `api_keys.expiry_may_change` allows it
    Expires(change::ExpiresArgs),
    /// Say what a key would get now, without its secret
    Simulate(simulate::Args),
}

#[derive(clap::Args)]
struct Named {
    /// The key's name, or its id
    #[arg(value_name = "NAME|ID")]
    key: String,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    let app = start::manage(config).await?;
    match command {
        Command::Create(args) => create::run(&app, args, output).await,
        Command::List => show::list(&app, output).await,
        Command::Show(Named { key }) => show::show(&app, &key, output).await,
        Command::Revoke(Named { key }) => change::revoke(&app, &key, output).await,
        Command::Disable(Named { key }) => change::set_enabled(&app, &key, false, output).await,
        Command::Enable(Named { key }) => change::set_enabled(&app, &key, true, output).await,
        Command::Roles(args) => change::roles(&app, args, output).await,
        Command::Rotate(args) => change::rotate(&app, &args, output).await,
        Command::Expires(args) => change::expires(&app, &args, output).await,
        Command::Simulate(args) => simulate::run(&app, &args, output).await,
    }
}
