//! A budget for each of many: how often something may happen before it has to wait.

use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroU32,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::clock::Clock;

/// So many may be spent at once, and they come back one after the other.
pub(super) struct Budgets<K> {
    clock: Clock,
    most: u32,
    /// After what time one comes back.
    each: Duration,
    /// When those that were spent of late are whole again, by the uptime of the clock.
    whole_at: Mutex<HashMap<K, Duration>>,
    /// How often there was nothing left.
    refused: AtomicU64,
}

/// Budgets that are not whole: 8 MiB. An attacker with more addresses than that has as many budgets
/// anyway, so to forget all of them gives nothing away.
const MOST_KEPT: usize = 100_000;

impl<K: Eq + Hash> Budgets<K> {
    pub(super) fn new(clock: Clock, most: NonZeroU32, within: Duration) -> Self {
        let (most, each) = (most.get(), within / most.get());
        Self { clock, most, each, whole_at: Mutex::default(), refused: AtomicU64::default() }
    }

    /// Spends nothing. Fails with the time after which there is something left.
    pub(super) fn check(&self, of: &K) -> Result<(), Duration> {
        let now = self.clock.uptime();
        let whole_at = self.whole_at().get(of).copied().unwrap_or_default();
        self.left(whole_at, now)
    }

    /// Fails with the time after which there is something left.
    pub(super) fn spend(&self, of: K) -> Result<(), Duration> {
        let now = self.clock.uptime();
        let mut all = self.whole_at();
        let whole_at = all.get(&of).copied().unwrap_or_default();
        self.left(whole_at, now).inspect_err(|_| {
            self.refused.fetch_add(1, Ordering::Relaxed);
        })?;
        if all.len() >= MOST_KEPT {
            all.retain(|_, whole_at| *whole_at > now);
        }
        if all.len() >= MOST_KEPT {
            all.clear();
        }
        all.insert(of, whole_at.max(now) + self.each);
        Ok(())
    }

    fn left(&self, whole_at: Duration, now: Duration) -> Result<(), Duration> {
        let spent = whole_at.saturating_sub(now);
        let wait = spent.saturating_sub(self.each * (self.most - 1));
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// How often there was nothing left.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Forgets those that are whole again.
    pub(super) fn prune_idle(&self) {
        let now = self.clock.uptime();
        let mut all = self.whole_at();
        all.retain(|_, whole_at| *whole_at > now);
        all.shrink_to_fit();
    }

    fn whole_at(&self) -> MutexGuard<'_, HashMap<K, Duration>> {
        self.whole_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::clock::timestamp;

    fn three_a_minute() -> (Budgets<u32>, Clock) {
        let clock = Clock::fixed(timestamp(1_800_000_000).unwrap());
        let three = NonZeroU32::new(3).unwrap();
        (Budgets::new(clock.clone(), three, Duration::from_mins(1)), clock)
    }

    #[test]
    fn what_was_spent_comes_back_one_by_one() {
        let (budgets, clock) = three_a_minute();
        let spend = || budgets.spend(1).map_err(|wait| wait.as_secs());

        assert_eq!([spend(), spend(), spend(), spend()], [Ok(()), Ok(()), Ok(()), Err(20)]);
        clock.advance(TimeDelta::seconds(19));
        assert_eq!(spend(), Err(1));
        clock.advance(TimeDelta::seconds(1));
        assert_eq!([spend(), spend()], [Ok(()), Err(20)]);
        clock.advance(TimeDelta::minutes(1));
        assert_eq!([spend(), spend(), spend(), spend()], [Ok(()), Ok(()), Ok(()), Err(20)]);
    }

    #[test]
    fn each_has_its_own_and_to_look_at_it_spends_nothing() {
        let (budgets, _) = three_a_minute();
        for _ in 0..3 {
            assert_eq!((budgets.check(&1), budgets.spend(1)), (Ok(()), Ok(())));
        }

        let wait = Err(Duration::from_secs(20));
        assert_eq!((budgets.check(&1), budgets.spend(1)), (wait, wait));
        assert_eq!((budgets.check(&2), budgets.spend(2)), (Ok(()), Ok(())));
        assert_eq!(budgets.refused(), 1);
    }

    #[test]
    fn only_what_is_not_whole_is_kept_and_never_too_much_of_it() {
        let (budgets, clock) = three_a_minute();
        for number in 0..150_000 {
            budgets.spend(number).unwrap();
            assert!(budgets.whole_at().len() <= MOST_KEPT);
        }

        clock.advance(TimeDelta::minutes(1));
        budgets.prune_idle();

        assert_eq!(budgets.whole_at().len(), 0);
    }
}
