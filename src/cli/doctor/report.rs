//! What was found, one line a check.

use serde::Serialize;

use super::with_causes;
use crate::clock::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    Ok,
    /// It works; you should look at it.
    Warning,
    /// It does not work, or will not for long.
    Failed,
}

impl Health {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

#[derive(Serialize)]
struct Finding {
    health: Health,
    what: String,
    /// What is so; where it should be otherwise, what to do.
    detail: String,
}

/// A table, for programs.
#[derive(Serialize)]
pub(super) struct Listed {
    pub(super) table: String,
    pub(super) rows: i64,
    /// False where the engine was only asked for its guess.
    pub(super) is_counted: bool,
    pub(super) bytes: i64,
    pub(super) oldest: Option<Timestamp>,
    pub(super) bound: String,
}

#[derive(Default, Serialize)]
pub(super) struct Report {
    checks: Vec<Finding>,
    pub(super) tables: Vec<Listed>,
}

impl Report {
    pub(super) fn ok(&mut self, what: &str, detail: impl Into<String>) {
        self.add(Health::Ok, what, detail);
    }

    pub(super) fn warning(&mut self, what: &str, detail: impl Into<String>) {
        self.add(Health::Warning, what, detail);
    }

    pub(super) fn failed(&mut self, what: &str, detail: impl Into<String>) {
        self.add(Health::Failed, what, detail);
    }

    pub(super) fn add(&mut self, health: Health, what: &str, detail: impl Into<String>) {
        // One line a check, whatever an engine puts into its messages.
        let detail = detail.into().split_whitespace().collect::<Vec<_>>().join(" ");
        self.checks.push(Finding { health, what: what.to_owned(), detail });
    }

    /// A check that could not be made.
    pub(super) fn unless_failed(&mut self, what: &str, checked: anyhow::Result<()>) {
        if let Err(error) = checked {
            self.failed(what, format!("could not be looked at: {}", with_causes(&error)));
        }
    }

    pub(super) fn failures(&self) -> usize {
        self.checks.iter().filter(|finding| finding.health == Health::Failed).count()
    }

    pub(super) fn text(&self) -> String {
        let width = self.checks.iter().map(|finding| finding.what.chars().count()).max();
        let width = width.unwrap_or_default();
        let line = |Finding { health, what, detail }: &Finding| {
            format!("{:7}  {what:width$}  {detail}", health.as_str())
        };
        self.checks.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// As people read sizes.
pub(super) fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_cut_not_rounded() {
        let sizes = [0, 1023, 1024, 1_100_000, (3 << 30) - 1];
        let read = ["0 bytes", "1023 bytes", "1.0 KiB", "1.0 MiB", "2.9 GiB"];
        assert_eq!(sizes.map(size), read);
    }

    #[test]
    fn a_finding_is_one_line_and_lines_stand_under_each_other() {
        let mut report = Report::default();
        report.ok("clock", "right");
        report.failed("database", "broken\n  twice");
        assert_eq!(report.text(), "ok       clock     right\nfailed   database  broken twice");
        assert_eq!(report.failures(), 1);
    }
}
