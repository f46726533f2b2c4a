//! Why a scope that was asked for is not granted.

use super::words::{cut, roles};
use crate::domain::{ResourceIdentifier, Roles};

/// A scope that was asked for and is not granted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scope {} {lack} at resource {resource}", cut(.scope))]
pub struct NotHeld {
    pub scope: String,
    pub resource: ResourceIdentifier,
    pub lack: Lack,
}

/// What would have to have the scope, and has it not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lack {
    #[error("is not known")]
    UnknownToResource,
    /// The key's, or those of its user where it has none of its own.
    #[error("is not in {}", roles(.0))]
    NotInRoles(Roles),
    /// What the key was given, its user has not, or no longer.
    #[error("is in {}, but the key's user has not got it", roles(.0))]
    NotTheUsers(Roles),
    #[error("is not one of the client's")]
    NotTheClients,
    /// The holder has it; what was exchanged, or the client that asks, has not.
    #[error("is more than what was exchanged, or the client that asks, may have")]
    BeyondInput,
    /// A gateway wants it.
    #[error("is not among those of what was shown")]
    NotShown,
}
