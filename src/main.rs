//! Runs one command; prints what went wrong, with its causes; sets the exit code.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match keyturn::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keyturn: {}", keyturn::cli::with_causes(&error));
            ExitCode::FAILURE
        }
    }
}
