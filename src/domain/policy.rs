//! What an operator decided about keys.

use std::num::NonZeroU32;

use chrono::TimeDelta;

use super::{RefreshTerms, SecretPrefix};
use crate::clock::Timestamp;

#[derive(Clone, Debug)]
pub struct KeyPolicy {
    pub prefix: SecretPrefix,
    pub default_lifetime: TimeDelta,
    pub longest_lifetime: TimeDelta,
    pub may_never_expire: bool,
    /// Whether the end of a key may be changed after it was made.
    pub expiry_may_change: bool,
    /// Most keys in one tree of organizations; `None`: no limit.
    pub most_per_tree: Option<NonZeroU32>,
    /// The part after the `@` of every key's audit address.
    pub audit_email_domain: String,
}

/// What an operator decided about refresh tokens. Those of registered clients are as the client's
/// terms say.
#[derive(Clone, Debug)]
pub struct RefreshPolicy {
    /// `None`: who exchanges a key is given none, and what was given is refused.
    pub for_api_keys: Option<RefreshTerms>,
    /// For how long one that was used gives the same successor again, to anyone who lost the
    /// answer.
    pub grace: TimeDelta,
}

/// How long a new key is to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    Default,
    Until(Timestamp),
    Never,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpiryRefused {
    #[error("a key must expire in the future")]
    InThePast,
    #[error("a key may live {0} days at most")]
    TooFar(i64),
    #[error("a key must expire: the setting api_keys.may_never_expire is off")]
    NeverIsNotAllowed,
}

impl KeyPolicy {
    /// When a key made now with this lifetime is dead.
    pub fn expiry(
        &self,
        lifetime: Lifetime,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, ExpiryRefused> {
        let longest = self.longest_lifetime;
        match lifetime {
            Lifetime::Default => Ok(Some(now + self.default_lifetime.min(longest))),
            Lifetime::Until(end) if end <= now => Err(ExpiryRefused::InThePast),
            Lifetime::Until(end) if end - now > longest + Self::SLACK => {
                Err(ExpiryRefused::TooFar(longest.num_days()))
            }
            Lifetime::Until(end) => Ok(Some(end)),
            Lifetime::Never if self.may_never_expire => Ok(None),
            Lifetime::Never => Err(ExpiryRefused::NeverIsNotAllowed),
        }
    }

    /// A caller that asks for "a year" has counted from some minutes ago, or in another time zone.
    const SLACK: TimeDelta = TimeDelta::days(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::timestamp;

    #[test]
    fn a_key_lives_as_long_as_the_policy_lets_it() {
        let policy = KeyPolicy {
            prefix: "ktk".parse().unwrap(),
            default_lifetime: TimeDelta::days(183),
            longest_lifetime: TimeDelta::days(365),
            may_never_expire: false,
            expiry_may_change: false,
            most_per_tree: None,
            audit_email_domain: "keyturn.test".into(),
        };
        let now = timestamp(1_800_000_000).unwrap();
        let expiry = |lifetime| policy.expiry(lifetime, now);
        assert_eq!(expiry(Lifetime::Default), Ok(Some(now + TimeDelta::days(183))));
        assert_eq!(expiry(Lifetime::Until(now)), Err(ExpiryRefused::InThePast));
        let far = Lifetime::Until(now + TimeDelta::days(400));
        assert_eq!(expiry(far), Err(ExpiryRefused::TooFar(365)));
        assert_eq!(expiry(Lifetime::Never), Err(ExpiryRefused::NeverIsNotAllowed));
        let lax = KeyPolicy { may_never_expire: true, ..policy.clone() };
        assert_eq!(lax.expiry(Lifetime::Never, now), Ok(None));
    }
}
