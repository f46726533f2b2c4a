//! Measures one cell: rounds of the floor and of keyturn by turns.

use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::time::sleep;

use crate::{
    cell::Cell,
    load::{Load, Tally},
    options::Options,
    process::Server,
    stage::Stage,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Floor,
    Keyturn,
}

/// One side's round.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) per_second: f64,
    /// Processor time of the server in microseconds a request, with what it still had to do after
    /// the last answer.
    pub(crate) cpu: f64,
}

/// All rounds of one side.
#[derive(Default)]
pub(crate) struct Rounds {
    pub(crate) each: Vec<Round>,
    /// Microseconds, sorted.
    pub(crate) latencies: Vec<u32>,
    pub(crate) errors: usize,
}

pub(crate) struct Row {
    pub(crate) cell: Cell,
    pub(crate) floor: Rounds,
    pub(crate) keyturn: Rounds,
}

/// How long keyturn may hold back a use that it records soon.
const SOON: Duration = Duration::from_millis(700);
/// For counting what was recorded.
const PATIENCE: Duration = Duration::from_mins(10);
/// Not counted: connections are made, branches learnt.
const WARM_UP: Duration = Duration::from_millis(300);

pub(crate) async fn cell(stage: &Stage, cell: Cell, options: &Options) -> anyhow::Result<Row> {
    let mut row = Row { cell, floor: Rounds::default(), keyturn: Rounds::default() };
    for _ in 0..options.rounds.max(1) {
        for side in [Side::Floor, Side::Keyturn] {
            let load = stage.load(side, &cell);
            Load::run_for(load.ready().await?, WARM_UP).await;
            let askers = load.ready().await?;
            settle(stage, side).await?;
            let server = stage.server(side);
            let before = server.cpu()?;
            let tally = Load::run_for(askers, options.round()).await;
            settle(stage, side).await?;
            let rounds = match side {
                Side::Floor => &mut row.floor,
                Side::Keyturn => &mut row.keyturn,
            };
            rounds.add(server, before, tally)?;
        }
    }
    row.floor.latencies.sort_unstable();
    row.keyturn.latencies.sort_unstable();
    Ok(row)
}

/// Presents every key once to a keyturn that remembers none.
pub(crate) async fn cold(stage: &Stage, load: &Load) -> anyhow::Result<Rounds> {
    let mut rounds = Rounds::default();
    let before = stage.keyturn.cpu()?;
    let tally = load.each_key_once().await?;
    settle(stage, Side::Keyturn).await?;
    rounds.add(&stage.keyturn, before, tally)?;
    rounds.latencies.sort_unstable();
    Ok(rounds)
}

/// Waits until keyturn has nothing left to do, so that it takes nothing from the floor and pays
/// for its own.
async fn settle(stage: &Stage, side: Side) -> anyhow::Result<()> {
    if side == Side::Keyturn {
        sleep(SOON).await;
        let until = Instant::now() + PATIENCE;
        while !stage.database.is_folded().await? {
            ensure!(Instant::now() < until, "keyturn counts uses more slowly than it records them");
            sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

impl Rounds {
    #[expect(clippy::cast_precision_loss, reason = "a round has fewer than 2^53 requests")]
    fn add(&mut self, server: &Server, before: Duration, tally: Tally) -> anyhow::Result<()> {
        let done = tally.latencies.len().max(1) as f64;
        self.each.push(Round {
            per_second: done / tally.elapsed.as_secs_f64(),
            cpu: server.cpu()?.saturating_sub(before).as_secs_f64() * 1e6 / done,
        });
        self.latencies.extend(tally.latencies);
        self.errors += tally.errors;
        Ok(())
    }

    pub(crate) fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.each.iter().map(of))
    }

    /// Milliseconds within which this share of the requests was answered.
    pub(crate) fn within(&self, hundredths: usize) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let micros = self.latencies.get(last * hundredths / 100).copied().unwrap_or(0);
        f64::from(micros) / 1000.0
    }
}

impl Row {
    /// keyturn's to the floor's, pair by pair.
    pub(crate) fn ratio(&self, of: impl Fn(&Round) -> f64) -> f64 {
        let pairs = self.floor.each.iter().zip(&self.keyturn.each);
        median(pairs.map(|(floor, keyturn)| of(keyturn) / of(floor)))
    }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
