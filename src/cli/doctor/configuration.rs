//! The configuration: what it promises to callers, and the files it names.

use super::{super::github, report::Report, with_causes};
use crate::{config::Config, listener::tls};

const WHAT: &str = "configuration";

/// What could not be read or was wrong in itself has been refused before.
pub(super) fn check(config: &Config, report: &mut Report) {
    let Config { issuer, listen, .. } = config;
    if let Some(files) = &config.tls
        && let Err(error) = tls::load(&files.certificate, &files.key)
    {
        report.failed(WHAT, with_causes(&error.into()));
        return;
    }
    if let Err(error) = github::read(&config.leaks.github_keys) {
        report.failed(WHAT, with_causes(&error));
        return;
    }
    // Only a loopback address may do without TLS.
    let reach = if issuer.starts_with("https:") { "" } else { ", for this machine alone" };
    report.ok(WHAT, format!("the issuer is {issuer}{reach}; the server listens on {listen}"));
}
