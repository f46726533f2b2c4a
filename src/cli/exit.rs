//! Exit codes: what a script may go by. `docs/CLI.md` lists them for its readers.

use std::process::ExitCode;

/// How a command ended, where it did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    /// What the message says; trying again changes nothing.
    Failed = 1,
    /// The command line makes no sense. The same number as clap's own.
    WrongUsage = 2,
    /// There is no credential, or the server refused it: another one is needed.
    Refused = 3,
    /// The server cannot be reached or cannot answer now: the same command may succeed later.
    TryLater = 4,
    /// `apply --plan` found something to do.
    Differs = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
