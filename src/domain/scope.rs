//! What a token may be used for.

use std::{fmt, str::FromStr, sync::Arc};

use super::Item;

/// A set of scope tokens, sorted, written as RFC 6749, section 3.3 does: separated by single
/// spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes(Arc<[Arc<str>]>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("scopes are printable ASCII without quotes or backslashes, separated by single spaces")]
pub struct MalformedScope;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope {0} is not granted")]
pub struct NotGranted(pub String);

/// One scope, as an item of a list from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeToken(Arc<str>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a scope is 1 to {} printable ASCII characters without spaces, quotes and backslashes",
    ScopeToken::LONGEST
)]
pub struct MalformedScopeToken;

impl ScopeToken {
    const LONGEST: usize = 200;
}

impl FromStr for ScopeToken {
    type Err = MalformedScopeToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = is_scope(text) && text.len() <= Self::LONGEST;
        if fits { Ok(Self(text.into())) } else { Err(MalformedScopeToken) }
    }
}

impl Item for ScopeToken {
    const MEMBER: &'static str = "scopes";
    const EXAMPLE: &'static str = "read";
}

/// RFC 6749, section 3.3.
fn is_scope(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    !text.is_empty() && text.bytes().all(is_plain)
}

impl Scopes {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, scope: &str) -> bool {
        self.0.binary_search_by(|known| (**known).cmp(scope)).is_ok()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|scope| &**scope)
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        if self.iter().all(|scope| other.contains(scope)) {
            return self.clone();
        }
        Self(self.0.iter().filter(|scope| other.contains(scope)).cloned().collect())
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&*other.0).cloned().collect()
    }

    /// The requested scopes, provided all of them are here; everything here if none is named.
    pub fn narrow(&self, requested: Option<Self>) -> Result<Self, NotGranted> {
        let Some(requested) = requested else { return Ok(self.clone()) };
        let extra = requested.iter().find(|scope| !self.contains(scope)).map(str::to_owned);
        extra.map_or(Ok(requested), |extra| Err(NotGranted(extra)))
    }
}

impl serde::Serialize for Scopes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Scopes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl FromIterator<Arc<str>> for Scopes {
    fn from_iter<I: IntoIterator<Item = Arc<str>>>(scopes: I) -> Self {
        let mut scopes: Vec<_> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes.into())
    }
}

impl FromIterator<ScopeToken> for Scopes {
    fn from_iter<I: IntoIterator<Item = ScopeToken>>(scopes: I) -> Self {
        scopes.into_iter().map(|scope| scope.0).collect()
    }
}

impl FromStr for Scopes {
    type Err = MalformedScope;

    /// The empty text is the empty set: it is how a column holds it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.split(' ')
            .map(|name| is_scope(name).then(|| Arc::<str>::from(name)).ok_or(MalformedScope))
            .collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes(text: &str) -> Scopes {
        text.parse().unwrap()
    }

    #[test]
    fn narrowing_gives_what_was_asked_or_names_what_is_too_much() {
        let granted = scopes("read write");
        assert_eq!(granted.narrow(None), Ok(granted.clone()));
        assert_eq!(granted.narrow(Some(scopes("read"))), Ok(scopes("read")));
        assert_eq!(granted.narrow(Some(scopes("read admin"))), Err(NotGranted("admin".into())));
    }

    #[test]
    fn anything_beyond_the_grammar_is_refused() {
        for text in [" ", "a  b", " a", "a ", "a\tb", "a\"", "a\\", "é", "a\0"] {
            assert_eq!(text.parse::<Scopes>(), Err(MalformedScope), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same_set(text in "[a-z:._-]{1,8}( [a-z:._-]{1,8}){0,5}") {
            let set = scopes(&text);
            prop_assert_eq!(scopes(&set.to_string()), set);
        }

        #[test]
        fn an_intersection_is_within_both(a in "[a-d]( [a-d]){0,3}", b in "[a-d]( [a-d]){0,3}") {
            let (a, b) = (scopes(&a), scopes(&b));
            let both = a.intersection(&b);
            prop_assert!(both.iter().all(|scope| a.contains(scope) && b.contains(scope)));
        }
    }
}
