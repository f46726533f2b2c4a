//! The command line: one file a command.

mod again;
mod apply;
mod audit;
mod auth;
mod background;
mod backup;
mod beside;
mod client;
mod config;
mod confirm;
mod copy;
mod descriptors;
mod doctor;
mod door;
mod exit;
mod expires;
mod explain;
mod export;
mod failed;
mod github;
mod healthcheck;
mod key;
mod key_encryption_key;
mod manual;
mod member;
mod migrate;
mod named;
mod names;
mod obstacles;
mod openapi;
mod operator;
mod organization;
mod output;
mod progress;
mod proof;
mod quickstart;
mod reload;
mod resource;
mod restore;
mod role;
mod secret_file;
mod serve;
mod server;
mod signals;
mod signing_key;
mod start;
mod trust;
mod usage;
mod user;
mod webhook;
mod when;
mod words;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use self::progress::shown;
use crate::domain::printable_lines;

/// Turns a long-lived API key into a six-minute signed token.
#[derive(Parser)]
#[command(name = "keyturn", version, about, long_about = None)]
struct Cli {
    #[expect(clippy::doc_markdown, reason = "the help shows it as it stands here")]
    /// The configuration file [env: KEYTURN_CONFIG] [default: keyturn.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Asked,
}

#[derive(Subcommand)]
enum Asked {
    #[command(flatten)]
    OfServer(Box<Command>),
    /// Look at all that a server needs, also where that is broken, and say what to do
    Doctor(doctor::Args),
    #[command(flatten)]
    Anywhere(Anywhere),
}

/// What works by a server's configuration.
#[derive(Subcommand)]
enum Command {
    /// Make all that a first token needs, then serve
    Quickstart,
    /// Serve tokens until told to stop
    Serve,
    /// Make, list and change API keys
    Key(key::Args),
    /// Register, list and change OAuth clients: programs with a name of their own
    Client(client::Args),
    /// Make, list and change organizations
    #[command(name = "org", visible_alias = "organization")]
    Organization(organization::Args),
    /// Define, list and delete roles
    Role(role::Args),
    /// Make, list and change users
    User(user::Args),
    /// Give users roles in organizations
    Member(member::Args),
    /// Register the servers that take tokens
    Resource(resource::Args),
    /// Make, list and change the rules by which tokens of others are trusted
    Trust(trust::Args),
    /// Show or change the organization that runs the server
    Server(server::Args),
    /// See who changed what, and whether that record is whole
    Audit(audit::Args),
    /// Look at signing keys and let them follow each other
    SigningKey(signing_key::Args),
    /// Make everything what a file says, or show what that would change
    Apply(apply::Args),
    /// Write what there is as such a file
    Export(export::Args),
    /// Say why a request was refused
    Explain(explain::Args),
    /// Let organizations hear of what happens to their keys
    Webhook(webhook::Args),
    /// Tell how keys are used: how often, from where, with which outcome
    Usage(usage::Args),
    /// Back up the database to one file
    Backup(backup::Args),
    /// Restore a backup into an empty database
    Restore(restore::Args),
    /// Copy everything to an empty database, also of the other engine
    Copy(copy::Args),
    /// Show or replace the key that encrypts signing keys
    #[command(visible_alias = "kek")]
    KeyEncryptionKey(key_encryption_key::Args),
    /// Bring the database up to date
    Migrate,
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Succeed if the server that this configuration describes is ready
    Healthcheck,
}

/// What works in any folder: a server's configuration there, right or wrong, is none of its
/// business.
#[derive(Subcommand)]
enum Anywhere {
    /// Hold a key: keep it, turn it into access tokens, hand these to other programs
    Auth(auth::Args),
    /// Print the description of the management API
    Openapi,
    /// Print the completions of a shell
    Completions { shell: manual::KnownShell },
    /// Write the manual pages, one a command
    Man(manual::ManArgs),
}

fn command_line() -> clap::Command {
    confirm::with_yes(Cli::command())
}

/// Runs the command that this process was started with to its end.
pub async fn run() -> anyhow::Result<()> {
    let matches = command_line().get_matches();
    let Cli { config, command } = Cli::from_arg_matches(&matches)?;
    let config = config.or_else(start::named_config);
    confirm::ask(&matches)?;
    signals::survive_full_files();
    match command {
        Asked::OfServer(command) => run_by_config(*command, config.as_deref()).await,
        Asked::Doctor(args) => {
            let config = start::read_config(config.as_deref());
            shown("checking", Box::pin(doctor::run(args, config))).await
        }
        Asked::Anywhere(Anywhere::Auth(args)) => auth::run(args).await,
        Asked::Anywhere(Anywhere::Openapi) => openapi::run(),
        Asked::Anywhere(Anywhere::Completions { shell }) => {
            manual::completions(shell, command_line())
        }
        Asked::Anywhere(Anywhere::Man(args)) => manual::man(&args, command_line()),
    }
}

async fn run_by_config(command: Command, file: Option<&Path>) -> anyhow::Result<()> {
    if let Command::Config(config::Command::Example) = command {
        config::example();
        return Ok(());
    }
    let config = start::read_config(file)?;
    match command {
        Command::Quickstart => quickstart::run(&config, file).await,
        Command::Serve => serve::run(&config, file).await,
        Command::Key(args) => key::run(args, &config).await,
        Command::Client(args) => client::run(args, &config).await,
        Command::Organization(args) => organization::run(args, &config).await,
        Command::Role(args) => role::run(args, &config).await,
        Command::User(args) => user::run(args, &config).await,
        Command::Member(args) => member::run(args, &config).await,
        Command::Resource(args) => resource::run(args, &config).await,
        Command::Trust(args) => trust::run(args, &config).await,
        Command::Server(args) => server::run(args, &config).await,
        Command::Audit(args) => audit::run(args, &config).await,
        Command::SigningKey(args) => signing_key::run(args, &config).await,
        Command::Apply(args) => {
            shown("applying the file", Box::pin(apply::run(args, &config))).await
        }
        Command::Export(args) => {
            shown("reading the database", Box::pin(export::run(args, &config))).await
        }
        Command::Explain(args) => explain::run(args, &config).await,
        Command::Webhook(args) => webhook::run(args, &config).await,
        Command::Usage(args) => usage::run(args, &config).await,
        Command::Backup(args) => shown("backing up", Box::pin(backup::run(args, &config))).await,
        Command::Restore(args) => shown("restoring", Box::pin(restore::run(args, &config))).await,
        Command::Copy(args) => shown("copying", Box::pin(copy::run(args, &config))).await,
        Command::KeyEncryptionKey(args) => key_encryption_key::run(args, &config).await,
        Command::Migrate => shown("applying migrations", Box::pin(migrate::run(&config))).await,
        Command::Config(command) => {
            config::run(&command, &config);
            Ok(())
        }
        Command::Healthcheck => healthcheck::run(&config).await,
    }
}

/// What a script may go by where a command failed.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    failed::exit(error).into()
}

/// What went wrong, then its causes, each only if it says more: many a library repeats its cause.
pub fn with_causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    printable_lines(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_that_was_told_is_not_told_again() {
        let error = anyhow!("full").context("disk: full").context("cannot write");
        assert_eq!(with_causes(&error), "cannot write: disk: full");
    }
}
