//! What bounds a token beside the rights of anyone who holds them. Everything here only takes away.

use serde::{Deserialize, Serialize};

use super::{ClientTerms, OrganizationId, ResourceIdentifier, Scopes};
use crate::clock::Timestamp;

/// In each of its members `None` bounds nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceiling {
    pub scopes: Option<Scopes>,
    /// Whom a token may be for. The first is meant where none is asked for and the default is not
    /// among them.
    pub resources: Option<Vec<ResourceIdentifier>>,
    /// Where it may be used.
    pub organizations: Option<Vec<OrganizationId>>,
    /// No token outlives it.
    #[serde(with = "chrono::serde::ts_seconds_option", default)]
    pub expires_at: Option<Timestamp>,
}

impl Ceiling {
    /// What a client agreed to.
    pub fn of(terms: &ClientTerms) -> Self {
        Self {
            scopes: Some(terms.scopes.clone()),
            resources: terms.resources.clone(),
            expires_at: terms.expires_at,
            ..Self::default()
        }
    }

    pub fn until(end: Option<Timestamp>) -> Self {
        Self { expires_at: end, ..Self::default() }
    }

    /// What is below both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self {
            scopes: both(self.scopes.as_ref(), other.scopes.as_ref(), Scopes::intersection),
            resources: both(self.resources.as_ref(), other.resources.as_ref(), common),
            organizations: both(self.organizations.as_ref(), other.organizations.as_ref(), common),
            expires_at: both(self.expires_at.as_ref(), other.expires_at.as_ref(), |one, other| {
                *one.min(other)
            }),
        }
    }
}

fn both<T: Clone>(one: Option<&T>, other: Option<&T>, meet: impl Fn(&T, &T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(meet(one, other)),
        (one, other) => one.or(other).cloned(),
    }
}

#[expect(clippy::ptr_arg, reason = "what `both` compares are lists")]
fn common<T: Clone + PartialEq>(one: &Vec<T>, other: &Vec<T>) -> Vec<T> {
    one.iter().filter(|it| other.contains(it)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::timestamp;

    fn ceiling() -> impl Strategy<Value = Ceiling> {
        let scopes = proptest::option::of("[a-d]( [a-d]){0,3}");
        let resources = proptest::option::of(proptest::collection::vec("[a-c]", 0..3));
        let end = proptest::option::of(0..5_i64);
        (scopes, resources, end).prop_map(|(scopes, resources, end)| Ceiling {
            scopes: scopes.map(|text| text.parse().unwrap()),
            resources: resources.map(|all| all.iter().map(|text| text.parse().unwrap()).collect()),
            organizations: None,
            expires_at: end.map(|at| timestamp(at).unwrap()),
        })
    }

    proptest! {
        #[test]
        fn what_is_below_both_is_below_each(one in ceiling(), other in ceiling()) {
            let meet = one.and(&other);
            for bound in [&one, &other] {
                if let Some(scopes) = &bound.scopes {
                    prop_assert!(meet.scopes.clone().unwrap().iter().all(|it| scopes.contains(it)));
                }
                if let Some(resources) = &bound.resources {
                    prop_assert!(meet.resources.clone().unwrap().iter().all(|it| resources.contains(it)));
                }
                if let Some(end) = bound.expires_at {
                    prop_assert!(meet.expires_at.unwrap() <= end);
                }
            }
        }
    }
}
