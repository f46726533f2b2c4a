//! The refresh tokens of one grant: a line of generations, of which one is alive.

use serde::{Deserialize, Serialize};

use super::{Ceiling, ClientId, Delegate, FamilyId, RefreshTerms, Source, Thumbprint};
use crate::clock::Timestamp;

/// However often it is refreshed, a family is one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    pub id: FamilyId,
    /// Without it nobody can make its tokens, whatever key they know.
    pub salt: [u8; 16],
    /// To whom it was given; `None`: to whoever had the key.
    pub client_id: Option<ClientId>,
    pub granted: Granted,
    /// The one that may be used now; the first is 1.
    pub generation: u32,
    /// When the one before it was used.
    pub rotated_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub used_at: Timestamp,
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub status_index: i64,
}

/// What the first exchange came to; what a refresh gives is never more. Kept as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    pub sources: Vec<Source>,
    /// `sub` of its tokens.
    pub subject: String,
    pub ceiling: Ceiling,
    #[serde(default)]
    pub actor: Option<Delegate>,
    /// The key that has to be proved at each use.
    #[serde(default)]
    pub bound_to: Option<Thumbprint>,
    pub terms: RefreshTerms,
}

impl Family {
    /// Whether it has come to its end by itself.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now || self.used_at + self.granted.terms.idle() <= now
    }
}
