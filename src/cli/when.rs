//! A moment before or after now, as a command line says it: a date, a moment, a number of days.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, SubsecRound as _, TimeDelta, Utc};

use crate::clock::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    At(Timestamp),
    Days(TimeDelta),
}

#[derive(Debug, thiserror::Error)]
#[error("say a number of days, a date like 2030-01-31, or a moment like 2030-01-31T12:00:00Z")]
pub(super) struct MalformedWhen;

impl When {
    /// So many days before now.
    pub(super) fn back(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Days(span) => now - span,
        }
    }

    /// So many days after now.
    pub(super) fn ahead(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Days(span) => now + span,
        }
    }
}

impl FromStr for When {
    type Err = MalformedWhen;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(days) = text.parse::<u16>() {
            return Ok(Self::Days(TimeDelta::days(days.into())));
        }
        if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(Self::At(date.and_time(NaiveTime::MIN).and_utc()));
        }
        let moment = DateTime::parse_from_rfc3339(text).map_err(|_| MalformedWhen)?;
        Ok(Self::At(moment.with_timezone(&Utc).trunc_subsecs(0)))
    }
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
        for text in ["", "yesterday", "2030-02-30", "-3"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}
