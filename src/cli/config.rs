//! `keyturn config`: what is in force, and what could be set.

use clap::Subcommand;

use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Print what is in force, secrets masked
    Check,
    /// Print every setting with its default
    Example,
}

pub(super) fn run(command: &Command, config: &Config) {
    match command {
        Command::Check => print!("{}", config.describe()),
        Command::Example => example(),
    }
}

/// Needs no valid configuration: it helps to write one.
pub(super) fn example() {
    print!("{}", Config::example());
}
