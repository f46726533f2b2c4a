//! What had ended after the backup was made: read from an audit export, and ended again.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, bail};

use crate::{
    cli::{output, start},
    config::Config,
    manage::end_again::{ExportedEvent, Report, end_again},
};

/// The lines of `keyturn audit export`.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<ExportedEvent>> {
    let text = fs::read_to_string(file);
    let text = text.with_context(|| format!("cannot read {}", file.display()))?;
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    lines
        .map(|(line, number)| {
            serde_json::from_str(line).with_context(|| {
                let file = file.display();
                format!("{file}, line {number}: expected a line of `keyturn audit export`")
            })
        })
        .collect()
}

/// Says what may have come back where there is no export to go by.
pub(super) async fn end_again_or_warn(
    config: &Config,
    events: Option<Vec<ExportedEvent>>,
    made_at: &str,
) -> anyhow::Result<()> {
    let Some(events) = events else {
        return output::print(&format!(
            "Whatever was revoked, disabled or removed after {made_at} works again. With an audit \
             export of the lost database, restore with --audit FILE to end it again; otherwise \
             look through `keyturn key list`.\n"
        ));
    };
    let app = start::manage_signing_keys(config).await?;
    let report = end_again(&app, &start::asker(), &events).await;
    let report = report.context("the database is restored, but nothing has ended again")?;
    output::print(&told(&report, made_at))?;
    match report.failed.len() {
        0 => Ok(()),
        count => bail!(
            "the database is restored, but {count} of what had ended works again: end it by hand"
        ),
    }
}

fn told(report: &Report, made_at: &str) -> String {
    let mut text = match report.ended.len() {
        0 => "Nothing had to be ended again.\n".to_owned(),
        count => format!("Ended again, as the audit export says ({count}):\n"),
    };
    for ended in &report.ended {
        let _ = writeln!(text, "  {ended}");
    }
    if !report.failed.is_empty() {
        text += "Not ended again:\n";
    }
    for failed in &report.failed {
        let _ = writeln!(text, "  {failed}");
    }
    if !report.is_proven {
        text += "The export lacks the last event of the backup: nothing proves that it is of the \
                 same database.\n";
    }
    if report.has_gap {
        text += "The export begins too late: events between the backup and it are not known.\n";
    }
    if !report.missing.is_empty() {
        let _ = writeln!(text, "Changes after {made_at} that are lost:");
        for (action, count) in &report.missing {
            let _ = writeln!(text, "  {count} x {action}");
        }
    }
    text
}
