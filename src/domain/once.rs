//! A request that is sent again when its answer was lost, and must not make a second thing.

/// What the header `Idempotency-Key` says, with a hash of the request it came with: the same key on
/// another request is a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// 1 to 255 printable ASCII characters.
    pub key: String,
    pub fingerprint: [u8; 32],
}
