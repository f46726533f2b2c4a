//! Free text that people write: descriptions, their own names.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::deceives;

/// Up to 500 characters without white space at its ends, without control characters but line ends,
/// and without the marks that make text look other than it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text(Box<str>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a text has up to 500 characters, and none that is invisible or turns the direction")]
pub struct MalformedText;

impl Text {
    pub const LONGEST: usize = 500;

    /// What the database holds was a text when it was written.
    pub fn from_stored(text: String) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Text {
    type Err = MalformedText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let plain = text.chars().all(|c| c == '\n' || !deceives(c));
        if !plain || text.chars().count() > Self::LONGEST {
            return Err(MalformedText);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_and_what_deceives_is_refused() {
        assert_eq!(" Nächtlicher Bau\n ".parse::<Text>().unwrap().as_str(), "Nächtlicher Bau");
        assert_eq!("".parse::<Text>().unwrap(), Text::default());
        for bad in ["a\0b", "pay\u{202E}evil", "a\u{200B}b", "a\u{7}", "a\u{2028}b"] {
            assert_eq!(bad.parse::<Text>(), Err(MalformedText), "{bad:?}");
        }
        assert!("é".repeat(500).parse::<Text>().is_ok());
        assert!("é".repeat(501).parse::<Text>().is_err());
    }
}
