//! The configuration: what it promises to callers, and the files it names.

use std::{fs, os::unix::fs::PermissionsExt as _};

use chrono::TimeDelta;

use super::{super::github, report::Report, with_causes};
use crate::{
    cli::words::span,
    clock::Timestamp,
    config::{Config, Tls},
    listener::tls,
};

const WHAT: &str = "configuration";
const CERTIFICATE: &str = "TLS certificate";
const DAY: i64 = 24 * 60 * 60;
/// Renewals come earlier.
const SOON: i64 = 14 * DAY;

/// What could not be read or was wrong in itself has been refused before.
pub(super) fn check(config: &Config, now: Timestamp, report: &mut Report) {
    let Config { issuer, listen, .. } = config;
    if let Some(files) = &config.tls {
        match tls::load(&files.certificate, &files.key) {
            Ok(identity) => check_certificate(files, identity.expires_at(), now, report),
            Err(error) => {
                report.failed(WHAT, with_causes(&error.into()));
                return;
            }
        }
    }
    if let Err(error) = github::read(&config.leaks.github_keys) {
        report.failed(WHAT, with_causes(&error));
        return;
    }
    // Only a loopback address may do without TLS.
    let reach = if issuer.starts_with("https:") { "" } else { ", for this machine alone" };
    report.ok(WHAT, format!("the issuer is {issuer}{reach}; the server listens on {listen}"));
}

fn check_certificate(files: &Tls, expires_at: Option<i64>, now: Timestamp, report: &mut Report) {
    let path = files.certificate.display();
    let left = expires_at.map(|end| end - now.timestamp());
    match left {
        None => report.warning(CERTIFICATE, format!("{path} does not say when it expires")),
        Some(..0) => report.failed(CERTIFICATE, format!("{path} has expired: renew it")),
        Some(left) if left < SOON => {
            let left = span(TimeDelta::seconds(left));
            report.warning(CERTIFICATE, format!("{path} expires in {left}: renew it"));
        }
        Some(left) => {
            let left = span(TimeDelta::seconds(left));
            report.ok(CERTIFICATE, format!("{path} expires in {left}"));
        }
    }
    let mode = fs::metadata(&files.key).map(|it| it.permissions().mode() & 0o777);
    if let Ok(mode) = mode
        && mode & 0o007 != 0
    {
        let key = files.key.display();
        let advice = format!("others can read {key} (mode {mode:04o}): run `chmod 600 {key}`");
        report.warning(CERTIFICATE, advice);
    }
}
