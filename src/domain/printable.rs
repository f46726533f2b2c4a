//! Text from outside that is recorded or shown: it is made printable where it enters.

use std::{borrow::Cow, fmt, ops::Deref};

use serde::{Deserialize, Deserializer, Serialize};

/// Text without control characters and without characters that make it look other than it is.
/// Where there were some, it has their escapes, like `\u{1b}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Printable(Box<str>);

impl Printable {
    pub fn new(text: &str) -> Self {
        Self(printable(text).into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text with an escape in the place of each character that does not print as itself.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, deceives)
}

/// Like [`printable`], for text of several lines.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && deceives(c))
}

fn escaped(text: &str, deceives: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&deceives) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !deceives(c) => escaped.push(c),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c => escaped.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character controls a terminal, ends a line, turns the direction of text or is
/// invisible (Unicode Technical Report 36).
pub fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}')
}

impl Deref for Printable {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Printable {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Printable {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Printable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&<Cow<'de, str>>::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fx_10_what_controls_or_deceives_is_escaped_and_the_rest_stays() {
        for (text, printed) in [
            ("Läden & Co.", "Läden & Co."),
            ("a\0b", "a\\u{0}b"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("one\ntwo\r\t", "one\\ntwo\\r\\t"),
            ("\u{7f}\u{9b}", "\\u{7f}\\u{9b}"),
            ("pay\u{202e}evil", "pay\\u{202e}evil"),
            ("a\u{2028}b\u{200b}c\u{2066}", "a\\u{2028}b\\u{200b}c\\u{2066}"),
        ] {
            assert_eq!(Printable::new(text).as_str(), printed);
        }
        assert_eq!(printable_lines("one\ntwo\u{7}"), "one\ntwo\\u{7}");
    }

    proptest! {
        #[test]
        fn fx_10_what_is_printable_stays_as_it_is(text in "\\PC*|.*") {
            let once = Printable::new(&text);
            prop_assert!(!once.as_str().contains(deceives));
            prop_assert_eq!(Printable::new(once.as_str()), once);
        }
    }
}
