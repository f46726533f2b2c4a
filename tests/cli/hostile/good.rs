//! Good callers: they exchange a key again and again, and take note of how long each answer takes.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use super::{Scale, process::Used};
use crate::{http::Connection, support::Key};

pub(super) struct Good {
    pub(super) address: SocketAddr,
    pub(super) key: Key,
}

/// How it went for good callers.
#[derive(Default)]
pub(super) struct Times {
    took: Vec<Duration>,
    /// Statuses other than 200.
    pub(super) refused: Vec<u16>,
}

/// Good callers at once, each over a connection that it keeps.
const CALLERS: usize = 4;

impl Good {
    /// Without any attack.
    pub(super) fn alone(&self, scale: Scale, look: impl Fn() -> Used) -> (Times, Used) {
        let (times, used) = self.until(scale, || true, look);
        assert_eq!(times.refused, Vec::<u16>::new());
        (times, used)
    }

    /// As long as the scale says, and until the attack is under way. Looks at the server meanwhile.
    pub(super) fn until(
        &self,
        scale: Scale,
        is_under_way: impl Fn() -> bool,
        look: impl Fn() -> Used,
    ) -> (Times, Used) {
        let mut used = look();
        // Whatever an attack needs to begin is there when the good callers come.
        while !is_under_way() {
            thread::yield_now();
        }
        let times = thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(|| self.call(scale))).collect();
            while !callers.iter().all(thread::ScopedJoinHandle::is_finished) {
                used = used.max(look());
                thread::park_timeout(Duration::from_millis(20));
            }
            let mut all = Times::default();
            for caller in callers {
                let Times { took, refused } = caller.join().unwrap();
                all.took.extend(took);
                all.refused.extend(refused);
            }
            all
        });
        (times, used.max(look()))
    }

    fn call(&self, scale: Scale) -> Times {
        let mut times = Times::default();
        let mut connection = Connection::open(self.address).unwrap();
        let began = Instant::now();
        for _ in 0..scale.requests / CALLERS {
            if scale.lasts.is_some_and(|lasts| began.elapsed() >= lasts) {
                break;
            }
            let asked = Instant::now();
            let answer = connection.exchange(&self.key.name, &self.key.secret).unwrap();
            times.took.push(asked.elapsed());
            if answer.status != 200 {
                times.refused.push(answer.status);
            }
            if answer.is_last {
                connection = Connection::open(self.address).unwrap();
            }
        }
        times
    }
}

impl Times {
    /// A line of the table in docs/PERFORMANCE.md.
    pub(super) fn print(&self, name: &str, attacks: Option<u64>, used: &Used) {
        let mut took = self.took.clone();
        took.sort_unstable();
        let at = |part: usize| {
            let place = (took.len() * part / 100).min(took.len().saturating_sub(1));
            took.get(place).copied().unwrap_or_default().as_secs_f64() * 1000.0
        };
        let attacks = attacks.map(|attacks| attacks.to_string()).unwrap_or_default();
        let memory = used.memory / 1024 / 1024;
        println!(
            "| {name} | {attacks} | {} | {:.2} | {:.2} | {} | {memory} |",
            took.len(),
            at(50),
            at(99),
            used.files
        );
    }
}
