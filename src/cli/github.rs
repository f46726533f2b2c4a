//! The public keys by which GitHub signs what its secret scanning reports: from a file, or fetched.

use std::{fs, path::Path, sync::Arc, time::Duration};

use anyhow::Context as _;

use crate::{config::GithubKeys, peers::Reporters, signing::ReporterKeys};

/// GitHub publishes a key long before it signs with it; one that is not known is asked for at once.
const FETCH_EVERY: Duration = Duration::from_hours(1);
/// After a failure.
const TRY_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// Reads them from the file that is configured, if one is.
pub(super) fn read(from: &GithubKeys) -> anyhow::Result<ReporterKeys> {
    let keys = ReporterKeys::default();
    if let GithubKeys::File(file) = from {
        let document = fs::read_to_string(file).map_err(anyhow::Error::from);
        let read = document.and_then(|document| Ok(keys.replace(&document)?));
        read.with_context(|| format!("cannot use {} (setting leaks.github_keys)", file.display()))?;
    }
    Ok(keys)
}

pub(super) fn read_file(reporters: &Reporters, file: &Path) -> anyhow::Result<()> {
    Ok(reporters.replace(&fs::read_to_string(file)?)?)
}

/// Fetches them every hour, where a URL is configured. When it fails, the keys that were fetched
/// before go on.
pub(super) async fn follow(reporters: Arc<Reporters>) {
    loop {
        let pause = match reporters.fetch().await {
            Ok(()) => FETCH_EVERY,
            Err(error) => {
                tracing::warn!(%error, "cannot fetch GitHub's public keys");
                TRY_AGAIN_AFTER
            }
        };
        tokio::time::sleep(pause).await;
    }
}
