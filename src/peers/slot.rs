//! What is remembered of one source, and when it is asked again.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::fetch::{NoKeys, fetch};
use crate::{
    clock::Clock,
    domain::KeySource,
    outbound::{Outbound, RequestFailed},
    signing::ForeignKeys,
};

/// Older keys are asked for again when they are next wanted.
const FRESH_FOR: Duration = Duration::from_mins(10);
/// For so long keys serve while no one answers.
const USABLE_FOR: Duration = Duration::from_hours(1);
/// No source is asked more often, whatever names of keys strangers make up.
const NOT_AGAIN_FOR: Duration = Duration::from_secs(30);

pub(super) struct Slot {
    source: KeySource,
    outbound: Outbound,
    clock: Clock,
    memory: std::sync::Mutex<Memory>,
    /// Held while the source is asked: one at a time.
    turn: Arc<Mutex<()>>,
}

#[derive(Clone, Default)]
struct Memory {
    known: Option<Arc<Known>>,
    asked: Option<Asked>,
}

/// How it went when the source was last asked. Moments are times that this process had run.
#[derive(Clone, Copy)]
struct Asked {
    at: Duration,
    outcome: Result<(), NoKeys>,
}

pub(super) struct Known {
    pub(super) keys: ForeignKeys,
    since: Duration,
}

impl Slot {
    pub(super) fn new(source: KeySource, outbound: Outbound, clock: Clock) -> Self {
        let memory = std::sync::Mutex::default();
        Self { source, outbound, clock, memory, turn: Arc::default() }
    }

    /// The keys as they may be used now.
    pub(super) async fn keys(self: &Arc<Self>) -> Result<Arc<Known>, NoKeys> {
        if let Some(known) = self.no_older_than(FRESH_FOR) {
            return Ok(known);
        }
        let usable = self.no_older_than(USABLE_FOR);
        let turn = match Arc::clone(&self.turn).try_lock_owned() {
            Ok(turn) => turn,
            Err(_) => match usable {
                // While someone asks, the others go on with what they have.
                Some(known) => return Ok(known),
                None => Arc::clone(&self.turn).lock_owned().await,
            },
        };
        self.ask(turn).await.or_else(|why| usable.ok_or(why))
    }

    /// Those that are published now, for a key that is not among these; the same ones where it is
    /// too early to ask, or no one answers.
    pub(super) async fn newer_than(self: &Arc<Self>, these: &Arc<Known>) -> Arc<Known> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        self.ask(turn).await.unwrap_or_else(|_| Arc::clone(these))
    }

    /// Asks the source, unless that was done a moment ago. Anyone who waits may leave: the question
    /// is asked to its end all the same, so that no one can have it asked again and again.
    async fn ask(self: &Arc<Self>, turn: OwnedMutexGuard<()>) -> Result<Arc<Known>, NoKeys> {
        let Memory { known, asked } = self.remembered();
        let now = self.clock.uptime();
        if let Some(Asked { at, outcome }) = asked
            && now.saturating_sub(at) < NOT_AGAIN_FOR
        {
            outcome?;
            return known.ok_or(NoKeys::Request(RequestFailed::Broken));
        }
        let slot = Arc::clone(self);
        let asking = tokio::spawn(async move {
            let fetched = fetch(&slot.source, &slot.outbound).await;
            let fetched = fetched.map(|keys| Arc::new(Known { keys, since: now }));
            slot.remember(now, &fetched);
            drop(turn);
            fetched
        });
        asking.await.unwrap_or(Err(NoKeys::Request(RequestFailed::Broken)))
    }

    fn no_older_than(&self, age: Duration) -> Option<Arc<Known>> {
        let now = self.clock.uptime();
        let is_young = |known: &Arc<Known>| match self.source {
            KeySource::Pinned(_) => true,
            KeySource::Uri(_) | KeySource::Issuer(_) => now.saturating_sub(known.since) < age,
        };
        self.remembered().known.filter(is_young)
    }

    fn remembered(&self) -> Memory {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, at: Duration, fetched: &Result<Arc<Known>, NoKeys>) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.asked = Some(Asked { at, outcome: fetched.as_ref().map(drop).map_err(|why| *why) });
        match fetched {
            Ok(known) => memory.known = Some(Arc::clone(known)),
            Err(why) => tracing::warn!(source = ?self.source, %why, "cannot fetch keys of others"),
        }
    }
}
