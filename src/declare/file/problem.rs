//! What can be wrong with a file, said so that the author can mend it.

use std::fmt;

use crate::{
    declare::OrganizationPath,
    domain::{Email, ResourceIdentifier},
};

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Malformed {
    pub place: Place,
    pub problem: Problem,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("{0}")]
    Syntax(String),
    #[error("{thing} stands at {first} already: keep one of them")]
    Twice { thing: String, first: Place },
    #[error("a key needs `organization` or `user`, its owner, and not both")]
    NoOneOwner,
    #[error("there is no organization {0}: add an [[organization]], or correct the path")]
    NoOrganization(OrganizationPath),
    #[error("the server is run by an organization without a parent, and {0} has one")]
    NotARoot(OrganizationPath),
    #[error("there is no user {0}: add a [[user]], or correct the address")]
    NoUser(Email),
    #[error("there is no resource {0}: add a [[resource]], or correct the identifier")]
    NoResource(ResourceIdentifier),
    #[error("{0} would reach no organization: name one in `reach`, or say \"own\"")]
    EmptyReach(String),
    #[error(
        "{0} has to be made, and nothing says where its secret is to go: add `write_secret_to = \
         \"FILE\"`"
    )]
    NoPlaceForSecret(String),
    #[error(
        "{0} is revoked, and stays so: delete it by `keyturn key delete` and a new one is made, or \
         take it out of the file"
    )]
    Revoked(String),
}

/// Both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Place {
    /// Of the byte at `offset`.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}

impl Default for Place {
    fn default() -> Self {
        Self { line: 1, column: 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
