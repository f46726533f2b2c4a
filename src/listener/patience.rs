//! How long a connection may keep silent, and what becomes of it then.

use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::{Limits, answers::Progress};

pub(super) struct Patience<'a> {
    limits: &'a Limits,
    progress: &'a Progress,
    /// Whether there is a deadline.
    pub(super) waits: bool,
    drains: bool,
    /// An idle HTTP/2 connection was asked to end.
    ends: bool,
}

/// What is to be done at the deadline of a connection.
pub(super) enum Over {
    HangUp(&'static str),
    WaitUntil(Instant),
    /// `None`: without another deadline.
    AskToEnd(Option<Instant>),
}

impl<'a> Patience<'a> {
    pub(super) fn new(limits: &'a Limits, progress: &'a Progress) -> Self {
        Self { limits, progress, waits: true, drains: false, ends: false }
    }

    fn has_asked(&self) -> bool {
        self.progress.has_asked.load(Ordering::Relaxed)
    }

    /// The server stops. HTTP/1 cannot say that it is over but in an answer, and hyper would hang up
    /// on a request that is already on its way: the next answer is the last. Gives the new deadline.
    pub(super) fn drain(&mut self, deadline: Instant) -> Instant {
        self.drains = true;
        self.progress.drains.store(true, Ordering::Relaxed);
        self.waits = true;
        let last = Instant::now() + self.limits.last_request_within;
        if self.has_asked() { last } else { deadline.min(last) }
    }

    pub(super) fn is_over(&mut self) -> Over {
        if !self.has_asked() {
            return Over::HangUp("no request in time");
        }
        if self.drains {
            self.waits = false;
            return Over::AskToEnd(None);
        }
        // HTTP/1 has a timer of its own for this.
        self.waits = self.progress.is_http2.load(Ordering::Relaxed);
        let now = Instant::now();
        let until = self.progress.idle_since(now) + self.limits.next_request_within;
        if until > now {
            return Over::WaitUntil(until);
        }
        if self.ends {
            return Over::HangUp("an idle caller does not let go");
        }
        self.ends = true;
        Over::AskToEnd(Some(now + self.limits.last_request_within))
    }
}
