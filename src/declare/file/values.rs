//! Values as a file writes them: texts that the domain parses, lists of words, a word or a list.

use std::{fmt::Display, marker::PhantomData, str::FromStr};

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use serde::{Deserialize, Deserializer, de::Error};
use toml::Value;

use crate::{
    clock::{self, Timestamp},
    declare::Reach,
    domain::{Item, Lifetime, ProofDemand, ResourceIdentifier, RoleName, Roles, items},
};

/// Whatever the domain reads from text.
#[derive(Clone, Debug)]
pub(super) struct Parsed<T>(pub(super) T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

/// A list of items that the domain reads one by one.
#[derive(Clone, Debug)]
pub(super) struct Listed<T, L = Vec<T>> {
    pub(super) listed: L,
    of: PhantomData<T>,
}

impl<'de, T: Item, L: FromIterator<T>> Deserialize<'de> for Listed<T, L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let listed = items(T::MEMBER, &texts).map_err(D::Error::custom)?;
        Ok(Self { listed, of: PhantomData })
    }
}

/// A list, or `"all"` for a user's key that may do whatever its user may.
#[derive(Clone, Debug)]
pub(super) struct KeyRoles(pub(super) Option<Roles>);

impl<'de> Deserialize<'de> for KeyRoles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match WordOrList::deserialize(deserializer)? {
            WordOrList::Word(word) if word == "all" => Ok(Self(None)),
            WordOrList::List(names) => {
                let roles = items::<RoleName, _>("roles", &names).map_err(D::Error::custom)?;
                Ok(Self(Some(roles)))
            }
            WordOrList::Word(_) => {
                let expected = "roles are a list; for a user's key also \"all\": what the user may";
                Err(D::Error::custom(expected))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Reach {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match WordOrList::deserialize(deserializer)? {
            WordOrList::Word(word) if word == "own" => Ok(Self::Own),
            WordOrList::Word(word) if word == "subtree" => Ok(Self::Subtree),
            WordOrList::List(paths) => {
                items("reach", &paths).map(Self::Listed).map_err(D::Error::custom)
            }
            WordOrList::Word(_) => Err(D::Error::custom(
                "a reach is \"own\", \"subtree\", or a list of paths of organizations",
            )),
        }
    }
}

/// `"none"`, `"any"`, or a list of thumbprints.
#[derive(Clone, Debug)]
pub(super) struct Proof(pub(super) ProofDemand);

impl<'de> Deserialize<'de> for Proof {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let demand = match WordOrList::deserialize(deserializer)? {
            WordOrList::Word(word) => word.parse().map_err(D::Error::custom),
            WordOrList::List(keys) => {
                let keys = items("proof", &keys).map_err(D::Error::custom)?;
                ProofDemand::one_of(keys).map_err(D::Error::custom)
            }
        };
        demand.map(Self)
    }
}

enum WordOrList {
    Word(String),
    List(Vec<String>),
}

impl<'de> Deserialize<'de> for WordOrList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = |item| match item {
            Value::String(text) => Ok(text),
            _ => Err(D::Error::custom("each item of the list is a text in quotes")),
        };
        match Value::deserialize(deserializer)? {
            Value::String(word) => Ok(Self::Word(word)),
            Value::Array(items) => {
                Ok(Self::List(items.into_iter().map(text).collect::<Result<_, _>>()?))
            }
            _ => Err(D::Error::custom("this is a word in quotes, or a list")),
        }
    }
}

/// A date, a moment, or `"never"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expires(pub(super) Lifetime);

impl<'de> Deserialize<'de> for Expires {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let end = match Value::deserialize(deserializer)? {
            Value::String(text) if text == "never" => return Ok(Self(Lifetime::Never)),
            Value::String(text) => moment(&text),
            Value::Datetime(moment_or_date) => moment(&moment_or_date.to_string()),
            _ => None,
        };
        let expected = "say a date like 2030-01-31, the first day on which the key no longer \
                        works, a moment like 2030-01-31T12:00:00Z, or \"never\"";
        end.map(|end| Self(Lifetime::Until(end))).ok_or_else(|| D::Error::custom(expected))
    }
}

impl Expires {
    /// Of what has no usual lifetime.
    pub(super) fn end(self) -> Option<Timestamp> {
        match self.0 {
            Lifetime::Until(end) => Some(end),
            Lifetime::Never | Lifetime::Default => None,
        }
    }
}

/// A date is its first second, UTC. Parts of a second are dropped.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date.and_time(NaiveTime::MIN).and_utc());
    }
    let moment = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    clock::timestamp(moment.timestamp())
}

/// Seconds, or `"default"` for what is configured.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenLifetime(pub(super) Option<TimeDelta>);

impl<'de> Deserialize<'de> for TokenLifetime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = match Value::deserialize(deserializer)? {
            Value::String(word) if word == "default" => return Ok(Self(None)),
            Value::Integer(seconds) => TimeDelta::try_seconds(seconds),
            _ => None,
        };
        let expected = "a token's lifetime is a number of seconds, or \"default\"";
        seconds.map(|span| Self(Some(span))).ok_or_else(|| D::Error::custom(expected))
    }
}

/// A list, or `"any"`.
#[derive(Clone, Debug)]
pub(super) struct Resources(pub(super) Option<Vec<ResourceIdentifier>>);

impl<'de> Deserialize<'de> for Resources {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if value.as_str() == Some("any") {
            return Ok(Self(None));
        }
        let expected = "resources are a list of identifiers, or \"any\"";
        let listed = Vec::<String>::deserialize(value);
        let listed = listed.map_err(|_| D::Error::custom(expected))?;
        items("resources", &listed).map(|all| Self(Some(all))).map_err(D::Error::custom)
    }
}
