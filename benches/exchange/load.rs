//! The load: so many clients, each asking again as soon as it has an answer.

use std::{
    io,
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
    work::{Holder, Work},
};

#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) keys: Arc<Keys>,
    pub(crate) work: Work,
    pub(crate) algorithm: Algorithm,
    pub(crate) connections: usize,
    pub(crate) reuse: Reuse,
}

/// One client of the load.
pub(crate) struct Asker {
    client: Client,
    with: With,
    keys: Arc<Keys>,
}

/// What a client presents.
enum With {
    Keys(Request),
    Tokens(Holder),
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Tally {
    /// Microseconds from the request (with a new connection: from the connecting) to the end of
    /// the answer, of each request that was answered with what it asked for.
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
    /// Clients that have what they need to ask.
    pub(crate) async fn ready(&self) -> io::Result<Vec<Asker>> {
        let mut askers = Vec::with_capacity(self.connections);
        for number in 0..self.connections {
            let mut client = Client::new(self.address, self.reuse);
            let with = match self.work {
                Work::Exchange => With::Keys(Request::new(self.algorithm, self.reuse)),
                work => {
                    let number = number % self.keys.count();
                    With::Tokens(Holder::new(work, &mut client, &self.keys, number).await?)
                }
            };
            askers.push(Asker { client, with, keys: Arc::clone(&self.keys) });
        }
        Ok(askers)
    }

    /// Presents each key once.
    pub(crate) async fn each_key_once(&self) -> io::Result<Tally> {
        let next = Arc::new(AtomicUsize::new(0));
        let askers = self.ready().await?;
        Ok(Self::run(askers, LONGEST_PASS, |_| Draw::Each(Arc::clone(&next))).await)
    }

    /// Asks for so long; who presents keys takes them at random.
    pub(crate) async fn run_for(askers: Vec<Asker>, span: Duration) -> Tally {
        let until = Instant::now() + span;
        // Any odd seed but the same for every run.
        let seed = |client| 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(2 * client as u64 + 1);
        let draw = |client| Draw::Any { state: seed(client), until };
        Self::run(askers, span + PATIENCE, draw).await
    }

    async fn run(askers: Vec<Asker>, at_most: Duration, draw: impl Fn(usize) -> Draw) -> Tally {
        let began = Instant::now();
        let mut clients = JoinSet::new();
        for (number, asker) in askers.into_iter().enumerate() {
            clients.spawn(asker.ask_again_and_again(draw(number)));
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
}

impl Asker {
    async fn ask_again_and_again(mut self, mut draw: Draw) -> Tally {
        let mut tally = Tally::default();
        while let Some(number) = draw.next(self.keys.count()) {
            let began = Instant::now();
            if self.ask(number).await.is_ok_and(|answered| answered) {
                let micros = u32::try_from(began.elapsed().as_micros());
                tally.latencies.push(micros.unwrap_or(u32::MAX));
            } else {
                tally.errors += 1;
            }
            if tally.errors == MOST_ERRORS {
                break;
            }
        }
        tally
    }

    /// Tells whether the answer is the one that was asked for.
    async fn ask(&mut self, number: usize) -> io::Result<bool> {
        let Self { client, with, keys } = self;
        Ok(match with {
            With::Keys(request) => is_ok(client.ask(request.of(keys, number)).await?),
            With::Tokens(holder) => {
                let request = holder.request();
                holder.keeps(client.ask(request.as_bytes()).await?)
            }
        })
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
