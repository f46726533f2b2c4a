//! Names a claim of another's token, however deep it lies.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};

use crate::domain::deceives;

/// `sub`, or `a.b` for the member `b` of the claim `a`. Where a name itself has a dot in it, a JSON
/// Pointer names it: `/kubernetes.io/namespace` (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClaimName {
    text: String,
    steps: Vec<String>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedClaimName {
    #[error(
        "a claim is named like `repository_id`, like `a.b` where it lies in another, or by a JSON \
         Pointer like `/kubernetes.io/namespace` where a name has dots in it"
    )]
    Form,
    #[error("the claim `{0}` is always checked, and is no condition: leave it out")]
    AlwaysChecked(String),
}

/// What every rule says of these by itself.
const ALWAYS_CHECKED: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

impl ClaimName {
    const LONGEST: usize = 256;

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is this claim on the top level.
    pub fn is(&self, name: &str) -> bool {
        self.steps.len() == 1 && self.steps[0] == name
    }

    /// The claim on the top level that it is, or lies in.
    pub fn top(&self) -> &str {
        &self.steps[0]
    }

    /// What it says as text: numbers and booleans as JSON writes them, of an array each element.
    /// Empty where it is not there, or is no such thing.
    pub fn texts(&self, claims: &Map<String, Value>) -> Vec<String> {
        let mut steps = self.steps.iter();
        let mut found = steps.next().and_then(|first| claims.get(first));
        for step in steps {
            found = found.and_then(|value| value.as_object()?.get(step));
        }
        match found {
            Some(Value::Array(elements)) => elements.iter().filter_map(text).collect(),
            Some(value) => text(value).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl FromStr for ClaimName {
    type Err = MalformedClaimName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = !text.chars().any(|it| deceives(it) || it.is_whitespace());
        let steps: Option<Vec<_>> = match text.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(unescaped).collect(),
            None => Some(text.split('.').map(str::to_owned).collect()),
        };
        let steps = steps.filter(|steps| plain && steps.iter().all(|step| !step.is_empty()));
        let steps =
            steps.filter(|_| text.len() <= Self::LONGEST).ok_or(MalformedClaimName::Form)?;
        if ALWAYS_CHECKED.contains(&steps[0].as_str()) {
            return Err(MalformedClaimName::AlwaysChecked(steps[0].clone()));
        }
        Ok(Self { text: text.to_owned(), steps })
    }
}

/// A step of a JSON Pointer (RFC 6901, section 4); `None` where `~` stands before something else.
fn unescaped(step: &str) -> Option<String> {
    let mut text = String::with_capacity(step.len());
    let mut characters = step.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '~' => match characters.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(text)
}

impl fmt::Display for ClaimName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for ClaimName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for ClaimName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_found_however_deep_it_lies() {
        let claims = json!({
            "sub": "job",
            "run": 7,
            "ok": true,
            "groups": ["a", 1, null, ["no"]],
            "kubernetes.io": { "namespace": "prod", "serviceaccount": { "name": "ci" } },
            "a": { "b/c~": { "d": "deep" } },
            "none": null,
        });
        let texts = |name: &str| {
            name.parse::<ClaimName>().unwrap().texts(claims.as_object().unwrap()).join(" ")
        };

        for (name, expected) in [
            ("sub", "job"),
            ("/sub", "job"),
            ("run", "7"),
            ("ok", "true"),
            ("groups", "a 1"),
            ("/kubernetes.io/namespace", "prod"),
            ("/kubernetes.io/serviceaccount/name", "ci"),
            ("/a/b~1c~0/d", "deep"),
            // What is not there, or is no text, says nothing.
            ("kubernetes.io.namespace", ""),
            ("sub.x", ""),
            ("groups.0", ""),
            ("a", ""),
            ("none", ""),
            ("Sub", ""),
        ] {
            assert_eq!(texts(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_checked_anyway_and_what_names_nothing_are_no_conditions() {
        for name in ["aud", "/iss", "exp.x"] {
            let problem = name.parse::<ClaimName>().unwrap_err();
            assert!(matches!(problem, MalformedClaimName::AlwaysChecked(_)), "{name}");
        }
        for name in ["", "/", ".", "a..b", "a.", "/a//b", "/a~2", "/a~", "a b", &"a".repeat(257)] {
            assert_eq!(name.parse::<ClaimName>(), Err(MalformedClaimName::Form), "{name:?}");
        }
    }
}
