//! What a claim has to look like: a text to the letter, or one with gaps.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::domain::{Item, deceives, is_blank};

/// `*` is any run of characters but `/` and `:`, which separate what names are made of; `**` is any
/// run. Everything else is itself, to the letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    text: String,
    /// Empty where the text is meant to the letter.
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Part {
    Letter(char),
    /// `*`.
    Name,
    /// `**`.
    Anything,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedPattern {
    #[error(
        "a pattern has 1 to {} characters, not all of them spaces and none a control character",
        Pattern::LONGEST
    )]
    Form,
    #[error("the pattern `{0}` says nothing: name at least a letter or a digit beside `*`")]
    Anything(String),
}

impl Pattern {
    const LONGEST: usize = 256;

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether only one text matches it.
    pub fn is_exact(&self) -> bool {
        self.parts.is_empty()
    }

    /// Takes no more steps than the length of the one times that of the other, whatever they are.
    pub fn matches(&self, text: &str) -> bool {
        if self.is_exact() {
            return self.text == text;
        }
        let mut reached = vec![false; self.parts.len() + 1];
        reached[0] = true;
        self.skip_gaps(&mut reached);
        for character in text.chars() {
            reached = self.after(&reached, character);
            if !reached.contains(&true) {
                return false;
            }
        }
        reached[self.parts.len()]
    }

    /// Where in the pattern one may be after one more character.
    fn after(&self, reached: &[bool], character: char) -> Vec<bool> {
        let mut next = vec![false; reached.len()];
        for (place, part) in self.parts.iter().enumerate().filter(|(place, _)| reached[*place]) {
            match part {
                Part::Letter(letter) => next[place + 1] |= *letter == character,
                Part::Name => next[place] |= !matches!(character, '/' | ':'),
                Part::Anything => next[place] = true,
            }
        }
        self.skip_gaps(&mut next);
        next
    }

    /// A gap may be of no characters.
    fn skip_gaps(&self, reached: &mut [bool]) {
        for (place, part) in self.parts.iter().enumerate() {
            if reached[place] && !matches!(part, Part::Letter(_)) {
                reached[place + 1] = true;
            }
        }
    }
}

impl Item for Pattern {
    const MEMBER: &'static str = "conditions";
    const EXAMPLE: &'static str = "refs/heads/main";
}

impl FromStr for Pattern {
    type Err = MalformedPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if is_blank(text) || length > Self::LONGEST || text.contains(deceives) {
            return Err(MalformedPattern::Form);
        }
        if !text.contains('*') {
            return Ok(Self { text: text.to_owned(), parts: Vec::new() });
        }
        if !text.chars().any(char::is_alphanumeric) {
            return Err(MalformedPattern::Anything(text.to_owned()));
        }
        let mut parts = Vec::with_capacity(length);
        for character in text.chars() {
            match (character, parts.last()) {
                ('*', Some(Part::Name | Part::Anything)) => {
                    parts.pop();
                    parts.push(Part::Anything);
                }
                ('*', _) => parts.push(Part::Name),
                (letter, _) => parts.push(Part::Letter(letter)),
            }
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_star_stays_within_a_name_and_two_go_anywhere() {
        for (text, matched) in [
            ("refs/heads/main", "refs/heads/main"),
            ("refs/heads/*", "refs/heads/main"),
            ("refs/heads/*", "refs/heads/"),
            ("refs/**", "refs/heads/feature/x"),
            ("repo:acme/*:ref:refs/heads/main", "repo:acme/web:ref:refs/heads/main"),
            ("release-*-v*", "release-a-b-v1"),
            ("**/deploy", "a/b/deploy"),
            ("a***b", "a/:b"),
            ("é*", "éa"),
        ] {
            assert!(pattern(text).matches(matched), "{text} {matched}");
        }
        for (text, other) in [
            ("refs/heads/main", "refs/heads/Main"),
            ("refs/heads/main", "refs/heads/main "),
            ("refs/heads/*", "refs/heads/feature/x"),
            ("refs/heads/*", "xrefs/heads/a"),
            ("repo:acme/*:ref:refs/heads/main", "repo:acme/web:pr:ref:refs/heads/main"),
            ("repo:acme/*", "repo:acme-evil/web"),
            ("*.acme", "xacme"),
            ("main", ""),
        ] {
            assert!(!pattern(text).matches(other), "{text} {other}");
        }
    }

    #[test]
    fn a_pattern_that_everything_fulfils_is_none() {
        for text in ["*", "**", "***", "*/*", "**:*", "*-*"] {
            assert_eq!(text.parse::<Pattern>(), Err(MalformedPattern::Anything(text.to_owned())));
        }
        for text in ["", "a\nb", &"a".repeat(257)] {
            assert_eq!(text.parse::<Pattern>(), Err(MalformedPattern::Form), "{text:?}");
        }
    }

    /// A matcher that tries one way after the other would not come back.
    #[test]
    fn many_gaps_do_not_multiply() {
        let text = format!("{}c", "*a".repeat(120));

        assert!(!pattern(&text).matches(&"a".repeat(10_000)));
    }

    /// As the documentation says it, without a thought for time.
    fn plainly(parts: &[Part], text: &[char]) -> bool {
        let Some((first, rest)) = parts.split_first() else { return text.is_empty() };
        let gap = |within: &dyn Fn(char) -> bool| {
            (0..=text.len())
                .any(|end| text[..end].iter().all(|it| within(*it)) && plainly(rest, &text[end..]))
        };
        match first {
            Part::Letter(letter) => text.first() == Some(letter) && plainly(rest, &text[1..]),
            Part::Name => gap(&|it| !matches!(it, '/' | ':')),
            Part::Anything => gap(&|_| true),
        }
    }

    proptest! {
        #[test]
        fn it_matches_what_the_plain_rule_matches(text in "[ab/:*]{0,8}a", other in "[ab/:]{0,10}") {
            let pattern = pattern(&text);
            let characters: Vec<_> = other.chars().collect();
            let expected = if pattern.is_exact() {
                text == other
            } else {
                plainly(&pattern.parts, &characters)
            };
            prop_assert_eq!(pattern.matches(&other), expected);
        }

        #[test]
        fn without_a_star_it_matches_itself_alone(text in "[^*\\p{C}\\p{Zl}\\p{Zp}]{1,20}", other in ".{0,20}") {
            prop_assume!(!is_blank(&text));
            let pattern = pattern(&text);
            prop_assert!(pattern.is_exact() && pattern.matches(&text));
            prop_assert_eq!(pattern.matches(&other), text == other);
        }
    }
}
