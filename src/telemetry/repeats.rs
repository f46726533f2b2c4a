//! Lets the first few lines of the same kind through each minute, and then says how many more there
//! were: anyone who sends bad requests does not fill the disk.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::Context;

const WINDOW: Duration = Duration::from_mins(1);
/// Lines of one reason and one source.
const FIRST_OF_A_REQUEST: u32 = 5;
/// Lines that no request has to do with, of one place in the code.
const FIRST_OF_OTHERS: u32 = 100;
/// Reasons and sources told apart. All others share one line a minute for each place in the code.
const MOST_KINDS: usize = 200;
/// Of our own lines: they are not counted.
const TARGET: &str = "keyturn::telemetry::repeats";

#[derive(Default)]
pub(super) struct Repeats(Mutex<HashMap<Kind, Seen>>);

/// The layer that asks [`Repeats`].
pub(super) struct Layer(pub(super) Arc<Repeats>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Kind {
    /// The file and the line of code.
    place: &'static str,
    reason: String,
    source: String,
}

#[derive(Debug)]
struct Seen {
    since: Instant,
    lines: u32,
    first: u32,
    level: Level,
    message: String,
}

/// What a line says of itself.
#[derive(Default)]
struct Said {
    kind: Kind,
    is_of_a_request: bool,
    message: String,
}

impl Repeats {
    /// Tells whether a line is to be written.
    fn admit(&self, said: Said, level: Level, now: Instant) -> bool {
        let Said { mut kind, is_of_a_request, message } = said;
        let mut kinds = self.kinds();
        let mut first = if is_of_a_request { FIRST_OF_A_REQUEST } else { FIRST_OF_OTHERS };
        if kinds.len() >= MOST_KINDS && !kinds.contains_key(&kind) {
            kind = Kind { place: kind.place, source: "others".to_owned(), ..Kind::default() };
            first = 0;
        }
        let seen = Seen { since: now, lines: 0, first, level, message };
        let seen = kinds.entry(kind).or_insert(seen);
        seen.lines = seen.lines.saturating_add(1);
        seen.lines <= seen.first
    }

    /// Sums up what has been counted for a minute.
    pub(super) fn tell_due(&self, now: Instant) {
        self.tell(|seen| now.saturating_duration_since(seen.since) >= WINDOW);
    }

    pub(super) fn tell_all(&self) {
        self.tell(|_| true);
    }

    fn tell(&self, is_due: impl Fn(&Seen) -> bool) {
        // Written after the lock is gone: these lines come by here, too.
        let due: Vec<_> = self.kinds().extract_if(|_, seen| is_due(seen)).collect();
        for (kind, seen) in due {
            tell_one(&kind, &seen);
        }
    }

    fn kinds(&self) -> MutexGuard<'_, HashMap<Kind, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell_one(kind: &Kind, seen: &Seen) {
    let more = seen.lines.saturating_sub(seen.first);
    if more == 0 {
        return;
    }
    let reason = Some(kind.reason.as_str()).filter(|it| !it.is_empty());
    let source = Some(kind.source.as_str()).filter(|it| !it.is_empty());
    macro_rules! tell {
        ($level:ident) => {
            tracing::$level!(target: TARGET, more, reason, source, "{}, and {more} more", seen.message)
        };
    }
    match seen.level {
        Level::ERROR => tell!(error),
        Level::WARN => tell!(warn),
        _ => tell!(info),
    }
}

impl<S: Subscriber> tracing_subscriber::Layer<S> for Layer {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        let level = *metadata.level();
        if level > Level::INFO || metadata.target() == TARGET {
            return true;
        }
        let mut said = Said::default();
        said.kind.place = metadata.name();
        event.record(&mut said);
        self.0.admit(said, level, Instant::now())
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "reason" | "why" => self.kind.reason = format!("{value:?}"),
            "source" => {
                self.is_of_a_request = true;
                self.kind.source = format!("{value:?}");
            }
            "request_id" => self.is_of_a_request = true,
            _ => (),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(source: &str) -> Said {
        let kind =
            Kind { place: "a.rs:1", reason: "unknown".to_owned(), source: source.to_owned() };
        Said { kind, is_of_a_request: true, message: "refused".to_owned() }
    }

    fn admitted(repeats: &Repeats, source: &str, lines: u32, now: Instant) -> usize {
        (0..lines).filter(|_| repeats.admit(refusal(source), Level::INFO, now)).count()
    }

    #[test]
    fn fx_46b_each_source_has_its_first_lines_each_minute() {
        let (repeats, now) = (Repeats::default(), Instant::now());

        assert_eq!(admitted(&repeats, "192.0.2.1", 100, now), 5);
        assert_eq!(admitted(&repeats, "192.0.2.2", 2, now), 2);
        repeats.tell_due(now + WINDOW / 2);
        assert_eq!(admitted(&repeats, "192.0.2.1", 100, now), 0);
        repeats.tell_due(now + WINDOW);

        assert_eq!(admitted(&repeats, "192.0.2.1", 100, now + WINDOW), 5);
    }

    #[test]
    fn fx_46c_many_sources_share_one_line() {
        let (repeats, now) = (Repeats::default(), Instant::now());
        let sources = (0..10_000).map(|number| format!("source {number}"));

        let written: usize = sources.map(|source| admitted(&repeats, &source, 1, now)).sum();

        assert_eq!(written, MOST_KINDS);
        assert_eq!(repeats.kinds().len(), MOST_KINDS + 1);
    }
}
