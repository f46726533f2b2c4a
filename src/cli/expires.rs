//! When a key is to expire, as a command line says it: a date, a number of days, or `never`.

use std::str::FromStr;

use chrono::{NaiveDate, NaiveTime, TimeDelta};

use crate::{clock::Timestamp, domain::Lifetime};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expires {
    /// From the first second of this date, UTC.
    On(NaiveDate),
    /// From now.
    After(TimeDelta),
    Never,
}

#[derive(Debug, thiserror::Error)]
#[error("say a date like 2030-01-31, a number of days, or `never`")]
pub(super) struct MalformedExpiry;

impl Expires {
    pub(super) fn lifetime(self, now: Timestamp) -> Lifetime {
        match self {
            Self::On(date) => Lifetime::Until(date.and_time(NaiveTime::MIN).and_utc()),
            Self::After(span) => Lifetime::Until(now + span),
            Self::Never => Lifetime::Never,
        }
    }
}

impl Expires {
    /// Of what has no usual lifetime. `None`: it never ends by itself.
    pub(super) fn end(self, now: Timestamp) -> Option<Timestamp> {
        match self.lifetime(now) {
            Lifetime::Until(end) => Some(end),
            Lifetime::Never | Lifetime::Default => None,
        }
    }
}

impl FromStr for Expires {
    type Err = MalformedExpiry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "never" {
            return Ok(Self::Never);
        }
        // Five digits of days: further than any clock of ours goes, and no date.
        if let Ok(days) = text.parse::<u16>() {
            return Ok(Self::After(TimeDelta::days(days.into())));
        }
        NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Self::On).map_err(|_| MalformedExpiry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::timestamp;

    #[test]
    fn a_date_is_its_first_second() {
        let now = timestamp(0).unwrap();
        let until = |text: &str| text.parse::<Expires>().unwrap().lifetime(now);
        assert_eq!(until("1970-01-03"), Lifetime::Until(timestamp(2 * 86_400).unwrap()));
        assert_eq!(until("2"), Lifetime::Until(timestamp(2 * 86_400).unwrap()));
        assert_eq!(until("never"), Lifetime::Never);
        assert!("tomorrow".parse::<Expires>().is_err());
        assert!("2030-02-30".parse::<Expires>().is_err());
    }
}
