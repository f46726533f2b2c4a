//! A moment before or after now, as a command line says it: a date, a moment, or a span from now.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, SubsecRound as _, TimeDelta, Utc};

use crate::clock::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    At(Timestamp),
    /// From now.
    Span(TimeDelta),
}

#[derive(Debug, thiserror::Error)]
#[error("{WAYS}")]
pub(super) struct MalformedWhen;

/// How a moment may be said.
pub(super) const WAYS: &str = "say a span like 90d or 12h, a number of days, a date like \
                               2030-01-31, or a moment like 2030-01-31T12:00:00Z";

impl When {
    /// Before now, where it is a span.
    pub(super) fn back(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Span(span) => now - span,
        }
    }

    /// After now, where it is a span.
    pub(super) fn ahead(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Span(span) => now + span,
        }
    }
}

impl FromStr for When {
    type Err = MalformedWhen;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(span) = span(text) {
            return Ok(Self::Span(span));
        }
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Self::At(date.and_time(NaiveTime::MIN).and_utc()));
        }
        let moment = DateTime::parse_from_rfc3339(text).map_err(|_| MalformedWhen)?;
        Ok(Self::At(moment.with_timezone(&Utc).trunc_subsecs(0)))
    }
}

/// A number alone is one of days. With five digits: further than any clock of ours goes.
fn span(text: &str) -> Option<TimeDelta> {
    let unit = text.strip_suffix(['h', 'd', 'w']).unwrap_or(text);
    let number = i64::from(unit.parse::<u16>().ok()?);
    Some(match text.chars().last()? {
        'h' => TimeDelta::hours(number),
        'w' => TimeDelta::weeks(number),
        _ => TimeDelta::days(number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::timestamp;

    #[test]
    fn days_count_from_now_and_a_date_is_its_first_second() {
        let (now, day) = (timestamp(10 * 86_400).unwrap(), timestamp(2 * 86_400).unwrap());
        let when = |text: &str| text.parse::<When>().unwrap();
        assert_eq!(when("8").back(now), day);
        assert_eq!(when("8").ahead(now), timestamp(18 * 86_400).unwrap());
        for text in ["1970-01-03", "1970-01-03T00:00:00Z", "1970-01-03T01:00:00.9+01:00"] {
            assert_eq!((when(text).back(now), when(text).ahead(now)), (day, day), "{text}");
        }
        for text in ["8d", "192h"] {
            assert_eq!(when(text).back(now), day, "{text}");
        }
        assert_eq!(when("1w").back(now), timestamp(3 * 86_400).unwrap());
        for text in ["", "yesterday", "2030-02-30", "-3", "d", "8dd", "8m", "-8d", "99999d"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}
