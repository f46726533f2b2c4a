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
    },
    /// Stands still until a test moves it.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    pub fn system() -> Self {
        Self::System { started: Instant::now() }
    }

    pub fn fixed(at: Timestamp) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at.timestamp())))
    }

    pub fn now(&self) -> Timestamp {
        let seconds = match self {
            #[expect(clippy::disallowed_methods, reason = "this is the clock")]
            Self::System { .. } => Utc::now().timestamp(),
            Self::Fixed(seconds) => seconds.load(Ordering::Relaxed),
        };
        DateTime::from_timestamp(seconds, 0).expect("a clock stays within chrono's range")
    }

    /// How long this process has run: what spans are measured by, as nobody can set it back.
    pub fn uptime(&self) -> Duration {
        match self {
            Self::System { started } => started.elapsed(),
            Self::Fixed(seconds) => {
                Duration::from_secs(seconds.load(Ordering::Relaxed).unsigned_abs())
            }
        }
    }

    /// Moves a fixed clock; a system clock cannot be moved.
    pub fn advance(&self, by: TimeDelta) {
        if let Self::Fixed(seconds) = self {
            seconds.fetch_add(by.num_seconds(), Ordering::Relaxed);
        }
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
