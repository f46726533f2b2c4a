//! Reads JSON and queries, and tells which member of what was sent is wrong.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use url::form_urlencoded;

/// A member, and what is wrong with it.
#[derive(Debug)]
pub(super) struct BadMember {
    /// From the outside in; empty: all that was sent.
    pub(super) path: Vec<Step>,
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    Item(usize),
}

const UNKNOWN: &str = "unknown field `";

/// How serde begins where it names a member in its words.
const NAMING: [&str; 3] = [UNKNOWN, "missing field `", "duplicate field `"];

pub(super) fn json<T: DeserializeOwned>(text: &[u8]) -> Result<T, BadMember> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader)
        .map_err(|bad| BadMember::new(bad.path(), bad.inner().to_string()))?;
    let end = reader.end();
    end.map(|()| value).map_err(|bad| BadMember { path: Vec::new(), reason: bad.to_string() })
}

pub(super) fn query<T: DeserializeOwned>(text: &str) -> Result<T, BadMember> {
    let pairs = form_urlencoded::parse(text.as_bytes());
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs))
        .map_err(|bad| BadMember::new(bad.path(), bad.inner().to_string()))
}

impl BadMember {
    fn new(path: &Path, reason: String) -> Self {
        let steps = path.iter().filter_map(|segment| match segment {
            Segment::Map { key } => Some(Step::Member(key.clone())),
            Segment::Seq { index } => Some(Step::Item(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        });
        let mut path: Vec<_> = steps.collect();
        let named = named(&reason).map(|name| Step::Member(name.to_owned()));
        if let Some(named) = named.filter(|named| path.last() != Some(named)) {
            path.push(named);
        }
        // The place in the text is told only where no member tells it better.
        let reason = match reason.rsplit_once(" at line ") {
            Some((reason, _)) if !path.is_empty() => reason.to_owned(),
            _ => reason,
        };
        Self { path, reason }
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.reason.starts_with(UNKNOWN)
    }

    /// The known member that was probably meant.
    fn meant(&self) -> Option<&str> {
        let name = named(&self.reason).filter(|_| self.is_unknown())?;
        nearest(self.reason.split('`').skip(3).step_by(2), name)
    }
}

fn named(reason: &str) -> Option<&str> {
    NAMING.iter().find_map(|words| reason.strip_prefix(words))?.split('`').next()
}

/// Of the names that are known the one that this is probably a slip of.
pub(super) fn nearest<'a>(known: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(1);
    let far = known.map(|known| (strsim::damerau_levenshtein(known, name), known));
    far.min_by_key(|(far, _)| *far).filter(|(far, _)| *far <= most).map(|(_, known)| known)
}

impl fmt::Display for BadMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names_itself = self.path.len() == 1 && named(&self.reason).is_some();
        match &self.path[..] {
            [] => f.write_str("the body: ")?,
            _ if names_itself => (),
            steps => write!(
                f,
                "`{}`: ",
                steps.iter().map(Step::to_string).collect::<String>().trim_start_matches('.')
            )?,
        }
        f.write_str(&self.reason)?;
        self.meant().map_or(Ok(()), |name| write!(f, "; did you mean `{name}`?"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => write!(f, ".{name}"),
            Self::Item(index) => write!(f, "[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(rename = "name")]
        _name: String,
        #[serde(rename = "parts")]
        _parts: Option<Vec<Part>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part {
        #[serde(rename = "size")]
        _size: u8,
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            (r#"{"name":1}"#, "`name`: invalid type: integer `1`, expected a string"),
            (r"{}", "missing field `name`"),
            (r#"{"name":"a","parts":[{"size":1},{}]}"#, "`parts[1].size`: missing field `size`"),
            (
                r#"{"nmae":"a"}"#,
                "unknown field `nmae`, expected `name` or `parts`; did you mean `name`?",
            ),
            (r#"{"colour":"a"}"#, "unknown field `colour`, expected `name` or `parts`"),
            (
                r#"{"name":"a","parts":[{"size":300}]}"#,
                "`parts[0].size`: invalid value: integer `300`, expected u8",
            ),
            (r"{", "the body: EOF while parsing an object at line 1 column 1"),
            (r#"{"name":"a"} x"#, "the body: trailing characters at line 1 column 14"),
        ];
        for (text, told) in cases {
            assert_eq!(json::<Body>(text.as_bytes()).unwrap_err().to_string(), told);
        }
        assert_eq!(
            query::<Part>("size=x").unwrap_err().to_string(),
            "`size`: invalid digit found in string"
        );
        assert_eq!(
            query::<Part>("sise=1").unwrap_err().to_string(),
            "unknown field `sise`, expected `size`; did you mean `size`?"
        );
    }
}
