//! What is measured: one cell of the matrix, and which cells there are.

use std::fmt;

use clap::ValueEnum;
use keyturn::domain::Algorithm;

use crate::work::Work;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) work: Work,
    pub(crate) algorithm: Algorithm,
    pub(crate) connections: usize,
    pub(crate) reuse: Reuse,
    pub(crate) keys: usize,
    pub(crate) usage: Usage,
    pub(crate) engine: Engine,
}

/// How many requests a connection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reuse {
    KeepAlive,
    /// A new connection for each request.
    New,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Usage {
    BeforeReply,
    Soon,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// What a server is started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conditions {
    /// Whether keys get refresh tokens, each a row of its own.
    pub(crate) refreshes: bool,
    pub(crate) keys: usize,
    pub(crate) usage: Usage,
    pub(crate) engine: Engine,
}

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;

impl Cell {
    pub(crate) const HEADLINE: Self = Self {
        work: Work::Exchange,
        algorithm: Algorithm::Es256,
        connections: 64,
        reuse: Reuse::KeepAlive,
        keys: MANY,
        usage: Usage::BeforeReply,
        engine: Engine::Sqlite,
    };

    pub(crate) fn conditions(&self) -> Conditions {
        Conditions {
            refreshes: self.work == Work::Refresh,
            keys: self.keys,
            usage: self.usage,
            engine: self.engine,
        }
    }

    /// The headline, and what one change at a time makes of it.
    pub(crate) fn usual() -> Vec<Self> {
        let headline = Self::HEADLINE;
        vec![
            headline,
            Self { connections: 1, ..headline },
            Self { connections: 256, ..headline },
            Self { reuse: Reuse::New, ..headline },
            Self { algorithm: Algorithm::EdDsa, ..headline },
            Self { algorithm: Algorithm::Rs256, ..headline },
            Self { usage: Usage::Soon, ..headline },
            Self { keys: FEW, ..headline },
            Self { keys: FEW, engine: Engine::Postgres, ..headline },
        ]
        .into_iter()
        .chain(Self::other_work())
        .collect()
    }

    /// The other kinds of work on few keys: what they cost does not depend on how many there are.
    fn other_work() -> Vec<Self> {
        let mut cells = Vec::new();
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let here = Self { keys: FEW, engine, ..Self::HEADLINE };
            let other = [Work::Introspection, Work::TokenExchange, Work::Refresh];
            cells.extend(other.map(|work| Self { work, ..here }));
        }
        cells
    }

    /// All of the matrix, except that `EdDSA` and RS256 are not crossed with the number and reuse of
    /// connections: what they change is the signature.
    pub(crate) fn all() -> Vec<Self> {
        let mut cells = Self::other_work();
        for engine in [Engine::Sqlite, Engine::Postgres] {
            for keys in [FEW, MANY] {
                for usage in [Usage::BeforeReply, Usage::Soon] {
                    let here = Self { keys, usage, engine, ..Self::HEADLINE };
                    for reuse in [Reuse::KeepAlive, Reuse::New] {
                        let connections = [1, 64, 256].into_iter();
                        cells.extend(connections.map(|it| Self { connections: it, reuse, ..here }));
                    }
                    cells.push(Self { algorithm: Algorithm::EdDsa, ..here });
                    cells.push(Self { algorithm: Algorithm::Rs256, ..here });
                }
            }
        }
        cells
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, algorithm, connections, reuse, .. } = self;
        let work = work.as_str();
        let reuse = match reuse {
            Reuse::KeepAlive => "keep-alive",
            Reuse::New => "new each",
        };
        write!(f, "{work} | {algorithm} | {connections} {reuse} | {}", self.conditions())
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usage = match self.usage {
            Usage::BeforeReply => "before-reply",
            Usage::Soon => "soon",
        };
        let engine = match self.engine {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
        };
        let Self { keys, .. } = self;
        write!(f, "{keys} | {usage} | {engine}")
    }
}
