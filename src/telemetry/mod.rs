//! Where log lines go and what they look like.

mod queue;
mod repeats;

use std::{
    error::Error,
    io::{self, IsTerminal},
    panic,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use self::{queue::Queue, repeats::Repeats};
use crate::config::{self, Log, LogFormat};

pub use self::queue::last_words;

/// How long the end of the process waits for lines that are not written yet.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// The log of this process. Dropping it writes what is still queued, within a second.
pub struct Logging {
    queue: Arc<Queue>,
    repeats: Arc<Repeats>,
}

impl Logging {
    /// How many lines could not be written so far.
    pub fn lost_lines(&self) -> Arc<AtomicU64> {
        self.queue.lost()
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        self.repeats.tell_all();
        self.queue.flush(FLUSH_WITHIN);
    }
}

/// Sends what is logged to standard error from now on. Fails where that was done before.
///
/// A line is handed to one thread that writes: no one who logs waits for the reader of the log, and
/// a log that cannot be written only loses lines.
pub fn init(log: &Log) -> Result<Logging, Box<dyn Error + Send + Sync>> {
    let has_reader = io::stderr().is_terminal();
    let is_json = match log.format {
        LogFormat::Auto => !has_reader,
        LogFormat::Json => true,
        LogFormat::Human => false,
    };
    let repeats = Arc::new(Repeats::default());
    let queue = Arc::new(Queue::start(io::stderr(), Arc::clone(&repeats))?);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&log.level)?)
        // It would tell of its troubles on standard error, and panic where that cannot be written.
        .log_internal_errors(false)
        .with_writer(Arc::clone(&queue));
    let sums = repeats::Layer(Arc::clone(&repeats));
    if is_json {
        let lines = lines.json().flatten_event(true).with_span_list(false);
        lines.finish().with(sums).try_init()?;
    } else {
        lines.with_ansi(has_reader && !wants_no_color()).finish().with(sums).try_init()?;
    }
    log_panics();
    Ok(Logging { queue, repeats })
}

/// See <https://no-color.org>.
fn wants_no_color() -> bool {
    config::variable("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The default writes to standard error and waits for it. What a panic says stays out of the log:
/// it could quote anything.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a panic");
    }));
}

/// Adds one to a count that only grows.
fn count(number: &AtomicU64) {
    number.fetch_add(1, Ordering::Relaxed);
}
