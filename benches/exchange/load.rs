//! The load: so many clients, each asking again as soon as it has an answer.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use keyturn::domain::Algorithm;
use tokio::{task::JoinSet, time::timeout};

use crate::{
    cell::Reuse,
    clients::{Client, is_ok},
    keys::Keys,
    request::Request,
};

#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) keys: Arc<Keys>,
    pub(crate) algorithm: Algorithm,
    pub(crate) connections: usize,
    pub(crate) reuse: Reuse,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Tally {
    /// Microseconds from the request (with a new connection: from the connecting) to the end of
    /// the answer, of each request that was answered with 200.
    pub(crate) latencies: Vec<u32>,
    /// Every other answer, or none.
    pub(crate) errors: usize,
    pub(crate) elapsed: Duration,
}

/// Which keys are presented, and until when.
#[derive(Clone)]
enum Draw {
    /// Each once, in their order, whoever of the clients comes first.
    Each(Arc<AtomicUsize>),
    /// Any, each as likely as the other.
    Any { state: u64, until: Instant },
}

/// A client with so many failures gives up: the server is gone.
const MOST_ERRORS: usize = 100;
/// For the last answers of a round.
const PATIENCE: Duration = Duration::from_secs(15);
/// For presenting each key once.
const LONGEST_PASS: Duration = Duration::from_mins(20);

impl Load {
    /// Presents each key once.
    pub(crate) async fn each_key_once(&self) -> Tally {
        let next = Arc::new(AtomicUsize::new(0));
        self.run(LONGEST_PASS, |_| Draw::Each(Arc::clone(&next))).await
    }

    /// Presents keys at random for so long.
    pub(crate) async fn any_key_for(&self, span: Duration) -> Tally {
        let until = Instant::now() + span;
        // Any odd seed but the same for every run.
        let seed = |client| 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(2 * client as u64 + 1);
        self.run(span + PATIENCE, |client| Draw::Any { state: seed(client), until }).await
    }

    async fn run(&self, at_most: Duration, draw: impl Fn(usize) -> Draw) -> Tally {
        let began = Instant::now();
        let mut clients = JoinSet::new();
        for client in 0..self.connections {
            clients.spawn(self.clone().ask_again_and_again(draw(client)));
        }
        let mut all = Tally::default();
        let gather = async {
            while let Some(Ok(tally)) = clients.join_next().await {
                all.latencies.extend(tally.latencies);
                all.errors += tally.errors;
            }
        };
        let in_time = timeout(at_most, gather).await.is_ok();
        if !in_time {
            all.errors += clients.len();
        }
        all.elapsed = began.elapsed();
        all
    }

    async fn ask_again_and_again(self, mut draw: Draw) -> Tally {
        let mut request = Request::new(self.algorithm, self.reuse);
        let mut client = Client::new(self.address, self.reuse);
        let mut tally = Tally::default();
        while let Some(number) = draw.next(self.keys.count()) {
            let began = Instant::now();
            match client.ask(request.of(&self.keys, number)).await {
                Ok(answer) if is_ok(answer) => {
                    let micros = u32::try_from(began.elapsed().as_micros());
                    tally.latencies.push(micros.unwrap_or(u32::MAX));
                }
                _ => tally.errors += 1,
            }
            if tally.errors == MOST_ERRORS {
                break;
            }
        }
        tally
    }
}

impl Draw {
    fn next(&mut self, count: usize) -> Option<usize> {
        match self {
            Self::Each(next) => Some(next.fetch_add(1, Ordering::Relaxed)).filter(|it| *it < count),
            Self::Any { until, .. } if Instant::now() >= *until => None,
            Self::Any { state, .. } => {
                // Xorshift (Marsaglia, 2003): nothing here needs better, and it costs nothing.
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                let drawn = (u128::from(*state) * count as u128) >> 64;
                Some(usize::try_from(drawn).expect("less than the count"))
            }
        }
    }
}
