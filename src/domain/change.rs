//! What a change of state makes stale in the memory of every node.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ClientId, FamilyId, SecretHash, UserId};

/// One entry of the change feed. Anyone who follows it drops what it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "changed", rename_all = "snake_case")]
pub enum Change {
    /// A key, by [`SecretHash::short`] of one of its secrets: enough to find it, not enough to
    /// be one.
    Secret {
        hash: Uuid,
    },
    /// Any organization or role: they inherit, so all of them.
    Organizations,
    User {
        id: UserId,
    },
    Resources,
    SigningKeys,
    Client {
        id: ClientId,
    },
    /// A family that ended: what it was obtained through is dead.
    Family {
        id: FamilyId,
    },
    /// Any trust policy.
    Trusts,
    /// An access token that was revoked, by its `jti`.
    Token {
        id: Uuid,
    },
}

impl Change {
    pub fn secret(hash: &SecretHash) -> Self {
        Self::Secret { hash: hash.short() }
    }
}
