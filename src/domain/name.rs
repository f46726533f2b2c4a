//! Names people give: plain ASCII, so that no two of them look alike.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name is 1 to 64 letters, digits, '-', '_', '.' and single spaces, begins and ends with a \
     letter or digit, and is no id (UUID)"
)]
pub struct MalformedName;

fn check(text: &str) -> Result<(), MalformedName> {
    let plain =
        text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b' '));
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let fits = bytes.len() <= 64 && ends(bytes.first()) && ends(bytes.last());
    // What is named by its name or its id must not be two things.
    let is_id = Uuid::try_parse(text).is_ok();
    if plain && fits && !is_id && !text.contains("  ") { Ok(()) } else { Err(MalformedName) }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = MalformedName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// How people refer to a key. Never changes; unique among the keys of its owner.
    KeyName;
    /// Unique among the organizations with the same parent.
    OrganizationName;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_people_use_are_accepted() {
        for text in ["ci", "Nightly Build 2", "a", "deploy.prod_eu-1", &"x".repeat(64)] {
            assert_eq!(text.parse::<KeyName>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn fx_39k_a_name_is_no_id() {
        for text in [
            "0197f000-0000-7000-8000-000000000000",
            "0197F000-0000-7000-8000-00000000000A",
            "0197f00000007000800000000000000a",
        ] {
            assert_eq!(text.parse::<KeyName>(), Err(MalformedName), "{text}");
            assert_eq!(text.parse::<OrganizationName>(), Err(MalformedName), "{text}");
        }
        assert!("0197f000".parse::<KeyName>().is_ok());
    }

    #[test]
    fn names_that_could_pass_for_others_are_refused() {
        let long = "x".repeat(65);
        for text in ["", " ci", "ci ", "a  b", "-ci", "сi", "a\0b", "a\nb", "a/b", "a\"b", &long] {
            assert_eq!(text.parse::<KeyName>(), Err(MalformedName), "{text:?}");
        }
    }
}
