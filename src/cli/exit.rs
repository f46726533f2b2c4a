//! Exit codes: what a script may go by. `docs/CLI.md` lists them for its readers.

use std::process::ExitCode;

use super::{apply::Differs, auth::Failure};
use crate::{
    manage::Rejection,
    store::{MigrationFailed, StoreError},
};

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

impl Exit {
    pub(super) fn of(error: &anyhow::Error) -> Self {
        if error.downcast_ref().is_some_and(Rejection::may_pass)
            || error.downcast_ref().is_some_and(StoreError::may_pass)
            || error.downcast_ref().is_some_and(MigrationFailed::may_pass)
        {
            return Self::TryLater;
        }
        if error.is::<Differs>() {
            return Self::Differs;
        }
        error.downcast_ref().map_or(Self::Failed, Failure::exit)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;
    use crate::app::TooBusy;

    #[test]
    fn the_cause_decides_whatever_was_said_about_it() {
        let refused = Err::<(), _>(Failure::NoCredential).context("cannot sign in").unwrap_err();
        assert_eq!(Exit::of(&refused), Exit::Refused);
        let busy = Err::<(), _>(Rejection::from(TooBusy)).context("cannot make").unwrap_err();
        assert_eq!(Exit::of(&busy), Exit::TryLater);
        assert_eq!(Exit::of(&anyhow!("anything else")), Exit::Failed);
    }
}
