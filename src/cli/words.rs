//! Spans and moments as people say them.

use chrono::TimeDelta;

use crate::clock::Timestamp;

/// `14 min`, `22 h`, `30 days`.
pub(super) fn span(span: TimeDelta) -> String {
    match (span.num_minutes(), span.num_hours(), span.num_days()) {
        (..=0, ..) => "less than a minute".to_owned(),
        (minutes @ ..120, ..) => format!("{minutes} min"),
        (_, hours @ ..48, _) => format!("{hours} h"),
        (.., days) => format!("{days} days"),
    }
}

pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    format!("{} ago", span(now - at))
}

/// `2030-01-31 12:00 UTC`.
pub(super) fn moment(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// `expires on 2030-01-31 12:00 UTC, in 90 days`.
pub(super) fn end(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(
        || "never expires".to_owned(),
        |at| format!("expires on {}, in {}", moment(at), span(at - now)),
    )
}

/// A name as a shell takes it: no name holds a quote.
pub(super) fn argument(name: &str) -> String {
    if name.contains(' ') { format!("'{name}'") } else { name.to_owned() }
}

/// One line to each thing, the second column aligned.
pub(super) fn lines(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(what, _)| what.chars().count()).max().unwrap_or(0);
    let lines = lines.iter().map(|(what, value)| format!("{what:width$}  {value}"));
    lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_one_unit_that_says_enough() {
        let said = |minutes| span(TimeDelta::minutes(minutes));
        assert_eq!(said(-5), "less than a minute");
        assert_eq!(said(0), "less than a minute");
        assert_eq!(said(1), "1 min");
        assert_eq!(said(119), "119 min");
        assert_eq!(said(120), "2 h");
        assert_eq!(said(48 * 60 - 1), "47 h");
        assert_eq!(said(48 * 60), "2 days");
    }
}
