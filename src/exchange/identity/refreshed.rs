//! The refresh token that an identity was proved by.

use crate::domain::{Family, Turn};

/// A refresh token that may be used, or was used a moment ago.
#[derive(Clone)]
pub(in crate::exchange) struct Refreshed {
    pub(in crate::exchange) family: Family,
    pub(in crate::exchange) generation: u32,
    pub(in crate::exchange) turn: Turn,
}
