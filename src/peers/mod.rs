//! The public keys of others, from memory: fetched when they are wanted and not too often, and kept
//! for a while when their publisher is away.

mod fetch;
mod reporters;
mod slot;

use std::{convert::Infallible, sync::Arc};

use quick_cache::sync::Cache;

use self::slot::Slot;
pub use self::{
    fetch::NoKeys,
    reporters::{CannotFetch, Reporters},
};
use crate::{
    clock::Clock,
    domain::KeySource,
    outbound::Outbound,
    signing::{ForeignToken, Untrusted},
};

/// It is a cache: whatever it remembers may be lost at any time.
pub struct Peers {
    outbound: Outbound,
    clock: Clock,
    slots: Cache<KeySource, Arc<Slot>>,
}

/// Most sources whose keys are remembered.
const MOST: usize = 1000;

/// Why a token of another issuer is not to be acted upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// Its presenter is to blame.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// No one can tell: it may be good.
    #[error("the keys to verify it by cannot be had: {0}")]
    NoKeys(#[from] NoKeys),
}

impl Peers {
    pub fn new(outbound: Outbound, clock: Clock) -> Self {
        Self { outbound, clock, slots: Cache::new(MOST) }
    }

    /// Tells whether one of the keys of this source signed the token, and what it then says. A
    /// name that none of them has may be that of a new one: they are asked for again, at most
    /// twice a minute.
    pub async fn verify(
        &self,
        source: &KeySource,
        token: &str,
    ) -> Result<ForeignToken, NotVerified> {
        let slot = self.slot(source);
        let known = slot.keys().await?;
        match known.keys.verify(token) {
            Err(Untrusted::UnknownKey) => Ok(slot.newer_than(&known).await.keys.verify(token)?),
            verified => Ok(verified?),
        }
    }

    /// Whether they have the key that this token names, as far as they are in memory or pinned: then to
    /// verify it costs the work of a signature.
    pub async fn have_key_for(&self, source: &KeySource, token: &str) -> bool {
        let known = self.slot(source).keys().await;
        known.is_ok_and(|known| known.keys.have_key_for(token))
    }

    fn slot(&self, source: &KeySource) -> Arc<Slot> {
        let made = self.slots.get_or_insert_with(source, || {
            let slot = Slot::new(source.clone(), self.outbound.clone(), self.clock.clone());
            Ok::<_, Infallible>(Arc::new(slot))
        });
        made.unwrap_or_else(|impossible| match impossible {})
    }
}
