//! When something is to expire, as a command line says it: any moment, or `never`.

use std::str::FromStr;

use super::when::{WAYS, When};
use crate::{clock::Timestamp, domain::Lifetime};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expires {
    At(When),
    Never,
}

#[derive(Debug, thiserror::Error)]
#[error("{WAYS}, or `never`")]
pub(super) struct MalformedExpiry;

impl Expires {
    pub(super) fn lifetime(self, now: Timestamp) -> Lifetime {
        match self {
            Self::At(when) => Lifetime::Until(when.ahead(now)),
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
        text.parse().map(Self::At).map_err(|_| MalformedExpiry)
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
        for text in ["2", "2d", "48h", "1970-01-03T00:00:00Z", "1970-01-03T02:00:00+02:00"] {
            assert_eq!(until(text), Lifetime::Until(timestamp(2 * 86_400).unwrap()), "{text}");
        }
        assert_eq!(until("never"), Lifetime::Never);
        assert!("tomorrow".parse::<Expires>().is_err());
        assert!("2030-02-30".parse::<Expires>().is_err());
    }
}
