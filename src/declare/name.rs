//! What things are called in a file, where the database has ids.

use std::{fmt, str::FromStr};

use crate::domain::{Email, Item, KeyName, MalformedName, OrganizationName, RoleName};

/// The names from the root of a tree down to an organization; never empty. Written with slashes
/// between, which no name has in it. Sorted, each comes after those above it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrganizationPath(Vec<OrganizationName>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an organization is named from the root down, like acme/team: {0}")]
pub struct MalformedPath(#[from] MalformedName);

impl OrganizationPath {
    pub fn root(name: OrganizationName) -> Self {
        Self(vec![name])
    }

    #[must_use]
    pub fn child(&self, name: OrganizationName) -> Self {
        Self(self.0.iter().cloned().chain([name]).collect())
    }

    pub fn parent(&self) -> Option<Self> {
        let above = &self.0[..self.0.len() - 1];
        (!above.is_empty()).then(|| Self(above.to_vec()))
    }

    /// What it is called among those of the same parent.
    pub fn name(&self) -> &OrganizationName {
        &self.0[self.0.len() - 1]
    }

    /// Whether it is `other` or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl FromStr for OrganizationPath {
    type Err = MalformedPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.split('/').map(str::parse).collect::<Result<_, MalformedName>>()?))
    }
}

impl Item for OrganizationPath {
    const MEMBER: &'static str = "reach";
    const EXAMPLE: &'static str = "acme/team";
}

impl fmt::Display for OrganizationPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(OrganizationName::as_str).collect();
        f.write_str(&names.join("/"))
    }
}

/// A role by the organization that defines it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleOf {
    pub organization: OrganizationPath,
    pub name: RoleName,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberOf {
    pub organization: OrganizationPath,
    pub user: Email,
}

/// A client by the organization in which it acts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientOf {
    pub organization: OrganizationPath,
    pub name: KeyName,
}

/// A trust policy by the organization in which the trusted workload acts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrustOf {
    pub organization: OrganizationPath,
    pub name: KeyName,
}

/// A key by its owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyOf {
    pub owner: OwnerName,
    pub name: KeyName,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnerName {
    Organization(OrganizationPath),
    User(Email),
}

impl fmt::Display for OwnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(path) => path.fmt(f),
            Self::User(email) => email.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> OrganizationPath {
        text.parse().unwrap()
    }

    #[test]
    fn a_path_parses_as_it_prints() {
        for text in ["acme", "acme/team", "acme/The Team/x-1"] {
            assert_eq!(path(text).to_string(), text);
        }
        for text in ["", "/", "acme/", "/acme", "acme//team", "acme/ team"] {
            assert!(text.parse::<OrganizationPath>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_above_comes_first() {
        let mut paths = ["b/a", "a/b", "b", "a-b", "a", "a/b/c"].map(path);
        paths.sort();
        let position = |text: &str| paths.iter().position(|it| *it == path(text)).unwrap();
        for it in &paths {
            let above = it
                .parent()
                .is_none_or(|above| position(&above.to_string()) < position(&it.to_string()));
            assert!(above, "{it}");
        }
        assert!(path("a/b").is_within(&path("a")) && !path("a-b").is_within(&path("a")));
    }
}
