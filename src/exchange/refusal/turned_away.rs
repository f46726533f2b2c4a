//! Why a visitor of a gateway does not pass.

use super::NotHeld;
use crate::signing::Untrusted;

/// Why someone does not pass, beside what would keep them from a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnedAway {
    #[error(transparent)]
    Untrusted(Untrusted),
    #[error(transparent)]
    TooFewScopes(NotHeld),
}

impl TurnedAway {
    pub(in crate::exchange) fn code(&self) -> &'static str {
        match self {
            Self::Untrusted(_) => "untrusted_token",
            Self::TooFewScopes(_) => "too_few_scopes",
        }
    }

    /// Whether the caller has shown something that we made.
    pub(in crate::exchange) fn is_after_proof(&self) -> bool {
        match self {
            Self::Untrusted(why) => matches!(why, Untrusted::Expired | Untrusted::WrongAudience),
            Self::TooFewScopes(_) => true,
        }
    }
}
