//! `keyturn key`: makes, shows and changes API keys.

mod advice;
mod change;
mod create;
mod list;
mod rotate;
mod rotating;
mod secret;
mod show;
mod shown;
mod shown_secret;
mod simulate;
mod update;

use clap::Subcommand;

use self::change::{Change, Several};
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
    /// List keys: whose they are, what they may do, when they were last used
    List(list::Args),
    /// Show all there is to know of a key but its secret
    Show(Named),
    /// Change what a key may do, from where and how long; its secret stays
    #[command(override_usage = "keyturn key update [OPTIONS] <NAME|ID>")]
    Update(update::Args),
    /// Give a key a new secret and show it, this once; the old one goes on for a while
    Rotate(rotate::RotateArgs),
    /// Say when the old secret of a key that was rotated dies
    Rotation(rotate::RotationArgs),
    /// Say what a key would get now, without its secret
    Simulate(simulate::Args),
    /// Stop keys until they are enabled again
    Disable(Several),
    /// Let disabled keys work again
    Enable(Several),
    /// Keep keys from being changed and deleted; they go on working
    Lock(Several),
    /// Let locked keys be changed again
    Unlock(Several),
    /// Revoke keys; a running server refuses them within a second
    Revoke(Several),
    /// Delete keys and free their names. To end a key, `revoke` is what one usually wants: it keeps
    /// the key's record
    Delete(Several),
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
        Command::List(args) => list::run(&app, args, output).await,
        Command::Show(Named { key }) => show::run(&app, &key, output).await,
        Command::Update(args) => update::run(&app, args, output).await,
        Command::Rotate(args) => rotate::rotate(&app, &args, output).await,
        Command::Rotation(args) => rotate::set_end(&app, &args, output).await,
        Command::Simulate(args) => simulate::run(&app, &args, output).await,
        Command::Disable(keys) => change::run(&app, Change::Disable, keys, output).await,
        Command::Enable(keys) => change::run(&app, Change::Enable, keys, output).await,
        Command::Lock(keys) => change::run(&app, Change::Lock, keys, output).await,
        Command::Unlock(keys) => change::run(&app, Change::Unlock, keys, output).await,
        Command::Revoke(keys) => change::run(&app, Change::Revoke, keys, output).await,
        Command::Delete(keys) => change::run(&app, Change::Delete, keys, output).await,
    }
}
