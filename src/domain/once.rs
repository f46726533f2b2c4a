//! A request that is sent again when its answer was lost, and must not make a second thing.

use aws_lc_rs::digest::{Context, SHA256};

/// What the header `Idempotency-Key` says, with a hash of the request it came with: the same key on
/// another request is a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    pub(crate) key: String,
    pub(crate) fingerprint: [u8; 32],
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an Idempotency-Key is 1 to 255 printable ASCII characters without spaces")]
pub struct MalformedOnce;

impl Once {
    /// The parts are those of the request that make it the same.
    pub fn new(key: &str, parts: &[&[u8]]) -> Result<Self, MalformedOnce> {
        let plain = key.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain || !(1..=255).contains(&key.len()) {
            return Err(MalformedOnce);
        }
        Ok(Self { key: key.to_owned(), fingerprint: Self::hash(parts) })
    }

    /// Of whatever counts only once, by all that it is made of: no two lists of parts have the same.
    pub fn hash(parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Context::new(&SHA256);
        for part in parts {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut all = [0; 32];
        all.copy_from_slice(hash.finish().as_ref());
        all
    }
}
