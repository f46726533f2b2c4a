//! What the failure of a command means to a script: the cause decides, not what was said about it.

use super::{apply::Differs, auth::Failure, exit::Exit};
use crate::{
    manage::Rejection,
    store::{MigrationFailed, StoreError},
};

/// How a command ended that failed for this reason.
pub(super) fn exit(error: &anyhow::Error) -> Exit {
    if error.downcast_ref().is_some_and(Rejection::may_pass)
        || error.downcast_ref().is_some_and(StoreError::may_pass)
        || error.downcast_ref().is_some_and(MigrationFailed::may_pass)
    {
        return Exit::TryLater;
    }
    if error.is::<Differs>() {
        return Exit::Differs;
    }
    error.downcast_ref().map_or(Exit::Failed, Failure::exit)
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;
    use crate::app::TooBusy;

    #[test]
    fn the_cause_decides_whatever_was_said_about_it() {
        let refused = Err::<(), _>(Failure::NoCredential).context("cannot sign in").unwrap_err();
        assert_eq!(exit(&refused), Exit::Refused);
        let busy = Err::<(), _>(Rejection::from(TooBusy)).context("cannot make").unwrap_err();
        assert_eq!(exit(&busy), Exit::TryLater);
        assert_eq!(exit(&anyhow!("anything else")), Exit::Failed);
    }
}
