//! What the system may tell this process, and what must not end it.

use tokio::signal::unix::{SignalKind, signal};

/// A file at its greatest size is an error of the write, not the end of the process. The same holds
/// for a pipe without a reader, which the standard library sees to.
pub(super) fn survive_full_files() {
    let full_file = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    if let Err(error) = signal(full_file) {
        tracing::warn!(%error, "a file that grows too large ends this process");
    }
}
