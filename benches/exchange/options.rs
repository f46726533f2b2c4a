//! What to measure, from the command line.

use std::{net::SocketAddr, time::Duration};

use clap::Parser;
use keyturn::domain::Algorithm;

use crate::{
    cell::{Cell, Engine, Reuse, Usage},
    work::Work,
};

/// Measures the exchange against the floor. Naming any part of a cell measures that cell alone;
/// what is not named is as in the headline: exchange, ES256, 64 connections kept alive, 1000000 keys,
/// before-reply, SQLite.
#[derive(Parser)]
#[command(name = "cargo bench --")]
pub(crate) struct Options {
    /// Measure every cell: about an hour
    #[arg(long)]
    full: bool,
    /// Measured without the exchange it begins with; by ES256 and with kept connections
    #[arg(long)]
    work: Option<Work>,
    /// ES256, `EdDSA` or RS256
    #[arg(long)]
    algorithm: Option<Algorithm>,
    #[arg(long)]
    connections: Option<usize>,
    /// How many requests a connection carries
    #[arg(long)]
    reuse: Option<Reuse>,
    #[arg(long)]
    keys: Option<usize>,
    /// When a use is durable
    #[arg(long)]
    usage: Option<Usage>,
    #[arg(long)]
    engine: Option<Engine>,
    /// Rounds for each side
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Length of a round in seconds
    #[arg(long, default_value_t = 3)]
    pub(crate) seconds: u64,
    /// What cargo says to every bench
    #[arg(long, hide = true)]
    pub(crate) bench: bool,
    /// Be the floor, on this address
    #[arg(long, hide = true)]
    pub(crate) floor: Option<SocketAddr>,
}

impl Options {
    pub(crate) fn round(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    pub(crate) fn cells(&self) -> Vec<Cell> {
        if self.full {
            return Cell::all();
        }
        if !self.names_a_cell() {
            return Cell::usual();
        }
        let headline = Cell::HEADLINE;
        vec![Cell {
            work: self.work.unwrap_or(headline.work),
            algorithm: self.algorithm.unwrap_or(headline.algorithm),
            connections: self.connections.unwrap_or(headline.connections).max(1),
            reuse: self.reuse.unwrap_or(headline.reuse),
            keys: self.keys.unwrap_or(headline.keys).max(1),
            usage: self.usage.unwrap_or(headline.usage),
            engine: self.engine.unwrap_or(headline.engine),
        }]
    }

    fn names_a_cell(&self) -> bool {
        self.work.is_some()
            || self.algorithm.is_some()
            || self.connections.is_some()
            || self.reuse.is_some()
            || self.keys.is_some()
            || self.usage.is_some()
            || self.engine.is_some()
    }
}
