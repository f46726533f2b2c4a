//! The command line: one file a command.

mod config;
mod healthcheck;
mod migrate;
mod serve;
mod start;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Turns a long-lived API key into a six-minute signed token.
#[derive(Parser)]
#[command(name = "keyturn", version, about, long_about = None)]
struct Cli {
    /// The configuration file [default: keyturn.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve tokens until told to stop
    Serve,
    /// Bring the database up to date
    Migrate,
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Succeed if the server that this configuration describes is ready
    Healthcheck,
}

/// Runs the command that this process was started with to its end.
pub async fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Command::Config(config::Command::Example) = cli.command {
        config::example();
        return Ok(());
    }
    let config = start::read_config(cli.config.as_deref())?;
    match cli.command {
        Command::Serve => serve::run(&config).await,
        Command::Migrate => migrate::run(&config).await,
        Command::Config(command) => {
            config::run(&command, &config);
            Ok(())
        }
        Command::Healthcheck => healthcheck::run(&config).await,
    }
}
