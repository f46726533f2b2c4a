//! What is counted for Prometheus. No label ever holds what a caller sent.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    exchanges: Family<ExchangeLabels, Counter>,
    seconds: Histogram,
    cache_hits: Gauge,
    cache_misses: Gauge,
    damaged_signing_keys: Gauge,
    follows_changes: Gauge,
    throttled: Gauge,
    lost_log_lines: Gauge,
    restarted_tasks: Gauge,
    failed_commits: Gauge,
    writes_failing: Gauge,
    certificate_expires_at: Gauge,
    quarantined_records: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExchangeLabels {
    door: &'static str,
    outcome: &'static str,
}

/// What is counted in this process outside the router. All clones are one.
#[derive(Clone, Debug, Default)]
pub struct Process {
    pub lost_log_lines: Arc<AtomicU64>,
    pub restarted_tasks: Arc<AtomicU64>,
    /// Seconds since 1970; 0 without TLS.
    pub certificate_expires_at: Arc<AtomicI64>,
}

/// What others count themselves, as of now.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    pub cache_hits: u64,
    pub cache_misses: u64,
    pub damaged_signing_keys: usize,
    pub follows_changes: bool,
    pub throttled: u64,
    pub failed_commits: u64,
    pub writes_failing: bool,
    pub quarantined_records: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("keyturn");
        let exchanges = Family::default();
        let seconds = Histogram::new([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5]);
        let gauge = |registry: &mut Registry, name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        registry.register("exchanges", "Exchanges by door and outcome", exchanges.clone());
        registry.register("exchange_seconds", "How long exchanges took", seconds.clone());
        let cache_hits = gauge(&mut registry, "cache_hits", "Keys found in memory");
        let cache_misses = gauge(&mut registry, "cache_misses", "Keys read from the database");
        let damaged_signing_keys =
            gauge(&mut registry, "damaged_signing_keys", "Signing keys that cannot be opened");
        let follows_changes =
            gauge(&mut registry, "follows_changes", "1 while the change feed is followed");
        let throttled =
            gauge(&mut registry, "throttled", "Requests of sources that were told to slow down");
        let lost_log_lines =
            gauge(&mut registry, "lost_log_lines", "Log lines that could not be written");
        let restarted_tasks =
            gauge(&mut registry, "restarted_tasks", "How often a background task was begun again");
        let failed_commits =
            gauge(&mut registry, "failed_commits", "Commits of the ledger that failed");
        let writes_failing =
            gauge(&mut registry, "writes_failing", "1 while the ledger cannot write");
        let certificate_expires_at = gauge(
            &mut registry,
            "certificate_expires_at",
            "When the TLS certificate expires, in seconds since 1970; 0: no TLS",
        );
        let quarantined_records = gauge(
            &mut registry,
            "quarantined_records",
            "Records of uses and refusals that this process could not count",
        );
        Self(Arc::new(Inner {
            registry,
            exchanges,
            seconds,
            cache_hits,
            cache_misses,
            damaged_signing_keys,
            follows_changes,
            throttled,
            lost_log_lines,
            restarted_tasks,
            failed_commits,
            writes_failing,
            certificate_expires_at,
            quarantined_records,
        }))
    }
}

impl Metrics {
    pub fn count_exchange(&self, door: &'static str, outcome: &'static str, took: Duration) {
        self.0.exchanges.get_or_create(&ExchangeLabels { door, outcome }).inc();
        self.0.seconds.observe(took.as_secs_f64());
    }

    /// All metrics in `OpenMetrics` text.
    pub fn text(&self, snapshot: Snapshot, process: &Process) -> String {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let load = |number: &AtomicU64| count(number.load(Ordering::Relaxed));
        self.0.cache_hits.set(count(snapshot.cache_hits));
        self.0.cache_misses.set(count(snapshot.cache_misses));
        self.0.damaged_signing_keys.set(count(snapshot.damaged_signing_keys as u64));
        self.0.follows_changes.set(i64::from(snapshot.follows_changes));
        self.0.throttled.set(count(snapshot.throttled));
        self.0.lost_log_lines.set(load(&process.lost_log_lines));
        self.0.restarted_tasks.set(load(&process.restarted_tasks));
        self.0.failed_commits.set(count(snapshot.failed_commits));
        self.0.writes_failing.set(i64::from(snapshot.writes_failing));
        let expires_at = process.certificate_expires_at.load(Ordering::Relaxed);
        self.0.certificate_expires_at.set(expires_at);
        self.0.quarantined_records.set(count(snapshot.quarantined_records));
        let mut text = String::new();
        encode(&mut text, &self.0.registry).expect("a String takes any text");
        text
    }
}
