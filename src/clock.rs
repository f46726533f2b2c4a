//! The only place that knows what time it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};

/// A moment in whole seconds, the resolution both databases and JWTs agree on.
pub type Timestamp = DateTime<Utc>;

#[derive(Clone, Debug)]
pub enum Clock {
    System {
        started: Instant,
        /// Seconds by which this clock is ahead of the one that all nodes share.
        ahead: Arc<AtomicI64>,
    },
    /// Stands still until a test moves it.
    Fixed { at: Arc<AtomicI64>, ahead: Arc<AtomicI64> },
}

impl Clock {
    pub fn system() -> Self {
        Self::System { started: Instant::now(), ahead: Arc::default() }
    }

    pub fn fixed(at: Timestamp) -> Self {
        Self::Fixed { at: Arc::new(AtomicI64::new(at.timestamp())), ahead: Arc::default() }
    }

    pub fn now(&self) -> Timestamp {
        let seconds = match self {
            #[expect(clippy::disallowed_methods, reason = "this is the clock")]
            Self::System { .. } => Utc::now().timestamp(),
            Self::Fixed { at, .. } => at.load(Ordering::Relaxed),
        };
        DateTime::from_timestamp(seconds, 0).expect("a clock stays within chrono's range")
    }

    /// How long this process has run: what spans are measured by, as no one can set it back.
    pub fn uptime(&self) -> Duration {
        match self {
            Self::System { started, .. } => started.elapsed(),
            Self::Fixed { at, .. } => {
                Duration::from_secs(at.load(Ordering::Relaxed).unsigned_abs())
            }
        }
    }

    /// The moment by the clock that all nodes share, which is the database's where it has one: for
    /// spans of seconds that begin on one node and end on another.
    pub fn shared(&self) -> Timestamp {
        self.now() - TimeDelta::seconds(self.ahead())
    }

    /// By how many seconds this clock is ahead of the shared one.
    pub fn ahead(&self) -> i64 {
        match self {
            Self::System { ahead, .. } | Self::Fixed { ahead, .. } => ahead.load(Ordering::Relaxed),
        }
    }

    /// Whether this clock or the database's is to be set right.
    pub fn is_skewed(&self) -> bool {
        self.ahead().abs() > 5
    }

    /// Compares with the shared clock, which was read between `before` and now. A fixed clock stands
    /// for all time there is, and is compared with nothing.
    pub fn compare(&self, before: Timestamp, shared: Timestamp) {
        if let Self::System { ahead, .. } = self {
            ahead.store(apart(before, self.now(), shared), Ordering::Relaxed);
        }
    }

    /// Moves a fixed clock; a system clock cannot be moved.
    pub fn advance(&self, by: TimeDelta) {
        if let Self::Fixed { at, .. } = self {
            at.fetch_add(by.num_seconds(), Ordering::Relaxed);
        }
    }

    /// Makes a fixed clock wrong by so much.
    pub fn skew(&self, by: TimeDelta) {
        if let Self::Fixed { ahead, .. } = self {
            ahead.fetch_add(by.num_seconds(), Ordering::Relaxed);
            self.advance(by);
        }
    }
}

/// How far a clock that showed these moments is ahead of one that was read between them. Both tell
/// whole seconds, so a difference of one is none.
fn apart(before: Timestamp, after: Timestamp, shared: Timestamp) -> i64 {
    let (least, most) = ((before - shared).num_seconds(), (after - shared).num_seconds());
    match (least, most) {
        (2.., _) => least,
        (_, ..=-2) => most,
        _ => 0,
    }
}

/// A moment from the whole seconds since 1970 that databases and tokens carry.
/// `None` where chrono has no such moment.
pub fn timestamp(seconds: i64) -> Option<Timestamp> {
    DateTime::from_timestamp(seconds, 0)
}

/// How many milliseconds have passed of this second, if it is the present one; otherwise none.
pub fn milliseconds_into(second: Timestamp) -> u16 {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    let now = Utc::now();
    let is_present = now.timestamp() == second.timestamp();
    let millis = if is_present { now.timestamp_subsec_millis().min(999) } else { 0 };
    u16::try_from(millis).expect("a second has a thousand")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fx_48_a_clock_is_compared_whatever_the_answer_took() {
        let at = |seconds: i64| timestamp(1_800_000_000 + seconds).unwrap();
        let apart = |before, after, shared| apart(at(before), at(after), at(shared));

        assert_eq!([apart(0, 0, 0), apart(0, 0, 1), apart(1, 1, 0)], [0, 0, 0]);
        assert_eq!([apart(45, 45, 0), apart(45, 50, 0), apart(0, 5, 50)], [45, 45, -45]);
        assert_eq!(apart(0, 40, 20), 0, "a slow answer is no skew");
    }
}
