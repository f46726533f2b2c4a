//! Checks public keys that a client or a trust policy brings with it.

use super::Rejection;
use crate::signing::ForeignKeys;

/// Checks that the keys can verify signatures, and that each check is cheap.
pub(super) fn check(jwks: &str) -> Result<(), Rejection> {
    let keys = ForeignKeys::parse(jwks.as_bytes())?;
    if let Some(weak) = keys.refused().iter().find(|why| why.is_weak()) {
        return Err(Rejection::WeakKey(*weak));
    }
    if keys.is_empty() { Err(Rejection::NoUsableKey) } else { Ok(()) }
}
