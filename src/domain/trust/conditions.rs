//! What a token has to say of itself to be trusted: all of it.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ClaimName, MalformedClaimName, Pattern};
use crate::domain::{BadItem, items};

/// By claim, the patterns of which it has to match one. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Vec<String>>")]
#[serde(into = "BTreeMap<ClaimName, Vec<Pattern>>")]
pub struct Conditions(BTreeMap<ClaimName, Vec<Pattern>>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedConditions {
    #[error("a rule needs a condition: without one it would trust every token of the issuer")]
    None,
    #[error("a rule has {} conditions at most, each of as many patterns", Conditions::MOST)]
    TooMany,
    #[error("the condition on `{0}` has no pattern, so that nothing would fulfil it")]
    NoPattern(ClaimName),
    #[error(transparent)]
    Claim(#[from] MalformedClaimName),
    #[error(transparent)]
    Pattern(#[from] BadItem),
}

/// What became of one condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub claim: ClaimName,
    /// One of these would do.
    pub expected: Vec<Pattern>,
    /// Empty where the token does not say it.
    pub found: Vec<String>,
    pub holds: bool,
}

impl Conditions {
    const MOST: usize = 20;
    /// No longer text is held against a pattern.
    const LONGEST_TEXT: usize = 2048;

    pub fn iter(&self) -> impl Iterator<Item = (&ClaimName, &[Pattern])> {
        self.0.iter().map(|(claim, patterns)| (claim, &patterns[..]))
    }

    /// Whether a claim on the top level has to be one of certain texts.
    pub fn fix(&self, name: &str) -> bool {
        self.iter()
            .any(|(claim, patterns)| claim.is(name) && patterns.iter().all(Pattern::is_exact))
    }

    pub(super) fn findings(&self, claims: &Map<String, Value>) -> Vec<Finding> {
        let finding = |(claim, patterns): (&ClaimName, &[Pattern])| {
            let found = claim.texts(claims);
            let fits = |text: &&String| text.len() <= Self::LONGEST_TEXT;
            let holds = found
                .iter()
                .filter(fits)
                .any(|text| patterns.iter().any(|pattern| pattern.matches(text)));
            Finding { claim: claim.clone(), expected: patterns.to_vec(), found, holds }
        };
        self.iter().map(finding).collect()
    }
}

impl TryFrom<BTreeMap<ClaimName, Vec<Pattern>>> for Conditions {
    type Error = MalformedConditions;

    fn try_from(all: BTreeMap<ClaimName, Vec<Pattern>>) -> Result<Self, Self::Error> {
        if all.is_empty() {
            return Err(MalformedConditions::None);
        }
        if all.len() > Self::MOST || all.values().any(|patterns| patterns.len() > Self::MOST) {
            return Err(MalformedConditions::TooMany);
        }
        match all.iter().find(|(_, patterns)| patterns.is_empty()) {
            Some((claim, _)) => Err(MalformedConditions::NoPattern(claim.clone())),
            None => Ok(Self(all)),
        }
    }
}

impl TryFrom<BTreeMap<String, Vec<String>>> for Conditions {
    type Error = MalformedConditions;

    fn try_from(written: BTreeMap<String, Vec<String>>) -> Result<Self, Self::Error> {
        let mut all = BTreeMap::new();
        for (claim, patterns) in written {
            let patterns: Vec<Pattern> = items(&format!("conditions.{claim}"), &patterns)?;
            all.insert(claim.parse::<ClaimName>()?, patterns);
        }
        all.try_into()
    }
}

impl From<Conditions> for BTreeMap<ClaimName, Vec<Pattern>> {
    fn from(conditions: Conditions) -> Self {
        conditions.0
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.claim)?;
        match &self.found[..] {
            [] => f.write_str("is not said")?,
            [one] => write!(f, "is `{one}`")?,
            several => write!(f, "is one of `{}`", several.join("`, `"))?,
        }
        let expected: Vec<_> = self.expected.iter().map(Pattern::as_str).collect();
        let (expected, not) = (expected.join("` or `"), if self.holds { "as" } else { "not" });
        write!(f, ", {not} `{expected}`")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn conditions(json: Value) -> Result<Conditions, String> {
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    #[test]
    fn all_conditions_have_to_hold_and_of_each_one_pattern() {
        let conditions =
            conditions(json!({ "id": ["42"], "ref": ["refs/heads/main", "refs/tags/*"] })).unwrap();
        let held = |claims: Value| {
            let findings = conditions.findings(claims.as_object().unwrap());
            findings.iter().map(|finding| finding.holds).collect::<Vec<_>>()
        };

        assert_eq!(held(json!({ "id": "42", "ref": "refs/tags/v1" })), [true, true]);
        assert_eq!(held(json!({ "id": 42, "ref": ["x", "refs/heads/main"] })), [true, true]);
        assert_eq!(held(json!({ "id": "43", "ref": "refs/heads/dev" })), [false, false]);
        assert_eq!(held(json!({ "id": "42 " })), [false, false]);
        assert_eq!(
            held(json!({ "id": "42", "ref": "refs/tags/".to_owned() + &"a".repeat(2048) })),
            [true, false]
        );
    }

    #[test]
    fn a_finding_says_what_was_said_and_what_was_expected() {
        let conditions = conditions(json!({ "ref": ["a", "b*"] })).unwrap();
        let told = |claims: Value| conditions.findings(claims.as_object().unwrap())[0].to_string();

        assert_eq!(told(json!({})), "`ref` is not said, not `a` or `b*`");
        assert_eq!(told(json!({ "ref": "c" })), "`ref` is `c`, not `a` or `b*`");
        assert_eq!(told(json!({ "ref": "bc" })), "`ref` is `bc`, as `a` or `b*`");
    }

    #[test]
    fn a_rule_without_conditions_or_with_one_that_nothing_fulfils_is_none() {
        for (json, expected) in [
            (json!({}), "needs a condition"),
            (json!({ "sub": [] }), "no pattern"),
            (json!({ "sub": ["*"] }), "says nothing"),
            (json!({ "sub": ["a", ""] }), "conditions.sub[1] is blank"),
            (json!({ "sub": ["\u{a0}"] }), "conditions.sub[0] is blank"),
            (json!({ "aud": ["x"] }), "always checked"),
            (json!({ "sub": vec!["a"; 21] }), "at most"),
        ] {
            let problem = conditions(json).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
