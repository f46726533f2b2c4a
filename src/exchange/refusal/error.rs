//! Why an exchange came to nothing: it was refused, or something of ours failed.

use super::Refusal;
use crate::{ledger::NotRecorded, peers::NoKeys, signing::SigningFailed, store::StoreError};

#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The caller's doing.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// Ours.
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Signing(#[from] SigningFailed),
    #[error(transparent)]
    NotRecorded(#[from] NotRecorded),
    /// That of another, for whom the caller must not pay: it may be good what they sent.
    #[error("the keys to verify it by cannot be had: {0}")]
    NoKeys(#[from] NoKeys),
}

impl ExchangeError {
    /// Whether the same request may succeed soon.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Unavailable(_))
                | Self::Signing(SigningFailed::NoKey(_))
                | Self::NotRecorded(_)
                | Self::NoKeys(_)
        )
    }
}

/// Marks what is never the caller's doing.
pub(in crate::exchange) trait OurFault {}
impl OurFault for StoreError {}
impl OurFault for SigningFailed {}
impl OurFault for NotRecorded {}
impl OurFault for NoKeys {}
