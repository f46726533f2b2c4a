//! People: who they are, where they are members, with which role.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::{OrganizationId, RoleName, Text, UserId, Version};
use crate::clock::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub email: Email,
    pub name: Text,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
    pub version: Version,
}

/// A user's role in one organization and everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub organization_id: OrganizationId,
    pub user_id: UserId,
    pub role: RoleName,
    pub created_at: Timestamp,
    pub version: Version,
}

/// A user with all memberships, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub user: User,
    pub memberships: Vec<Membership>,
}

/// An address in lower case: what a person signs in with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Email(String);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address looks like name@example.com")]
pub struct MalformedEmail;

impl Email {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = MalformedEmail;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>'));
        let parts = text.rsplit_once('@');
        let whole = parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        if !plain || !whole || text.len() > 254 {
            return Err(MalformedEmail);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_in_lower_case_and_nonsense_is_refused() {
        assert_eq!("Ada@Example.com".parse::<Email>().unwrap().as_str(), "ada@example.com");
        for text in ["", "ada", "@example.com", "ada@", "a b@example.com", "a\0@b"] {
            assert_eq!(text.parse::<Email>(), Err(MalformedEmail), "{text:?}");
        }
    }
}
