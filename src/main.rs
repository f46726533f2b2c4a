//! Runs one command; prints what went wrong, with its causes; sets the exit code.

use std::process::ExitCode;

use clap::Parser as _;
use keyturn::cli::{Cli, run};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keyturn: {error:#}");
            ExitCode::FAILURE
        }
    }
}
