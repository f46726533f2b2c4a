//! Runs one command; prints what went wrong, with its causes; sets the exit code.

use std::process::ExitCode;

/// The allocator of the C library took an eighth of an exchange's processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match keyturn::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let why = keyturn::cli::with_causes(&error);
            keyturn::telemetry::last_words(format!("keyturn: {why}"));
            keyturn::cli::exit_code(&error)
        }
    }
}
