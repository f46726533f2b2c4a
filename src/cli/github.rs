//! The public keys by which GitHub signs what its secret scanning reports: from a file, or fetched.

use std::{fs, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};

use crate::{
    config::GithubKeys,
    outbound::{BODY_LIMIT, Outbound},
    signing::ReporterKeys,
};

/// GitHub publishes a key long before it signs with it.
const FETCH_EVERY: Duration = Duration::from_hours(1);
/// After a failure.
const TRY_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// Reads them from the file that is configured, if one is.
pub(super) fn read(from: &GithubKeys) -> anyhow::Result<ReporterKeys> {
    let keys = ReporterKeys::default();
    if let GithubKeys::File(file) = from {
        read_file(&keys, file).with_context(|| {
            format!("cannot use {} (setting leaks.github_keys)", file.display())
        })?;
    }
    Ok(keys)
}

fn read_file(keys: &ReporterKeys, file: &Path) -> anyhow::Result<()> {
    Ok(keys.replace(&fs::read_to_string(file)?)?)
}

/// Fetches them from a URL for ever. Until it succeeds, reports are not taken; when it fails later,
/// the keys that were fetched before go on.
pub(super) async fn follow(url: String, keys: Arc<ReporterKeys>, outbound: Outbound) {
    loop {
        let pause = match fetch(&url, &keys, &outbound).await {
            Ok(()) => FETCH_EVERY,
            Err(error) => {
                tracing::warn!(%error, "cannot fetch GitHub's public keys");
                TRY_AGAIN_AFTER
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn fetch(url: &str, keys: &ReporterKeys, outbound: &Outbound) -> anyhow::Result<()> {
    let answer = outbound.get(url, BODY_LIMIT).await?;
    if answer.status != 200 || answer.content_type != "application/json" {
        bail!("the answer is no JSON with status 200");
    }
    // What is wrong with it is ours to say: the parser could quote a stranger.
    let document = String::from_utf8(answer.body).context("the answer is not UTF-8")?;
    keys.replace(&document).map_err(|_| anyhow::anyhow!("the answer is no list of public keys"))
}
