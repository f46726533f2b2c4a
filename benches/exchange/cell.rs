//! What is measured: one cell of the matrix, and which cells there are.

use std::fmt;

use clap::ValueEnum;
use keyturn::domain::Algorithm;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
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
    pub(crate) keys: usize,
    pub(crate) usage: Usage,
    pub(crate) engine: Engine,
}

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;

impl Cell {
    pub(crate) const HEADLINE: Self = Self {
        algorithm: Algorithm::Es256,
        connections: 64,
        reuse: Reuse::KeepAlive,
        keys: MANY,
        usage: Usage::BeforeReply,
        engine: Engine::Sqlite,
    };

    pub(crate) fn conditions(&self) -> Conditions {
        Conditions { keys: self.keys, usage: self.usage, engine: self.engine }
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
    }

    /// All of the matrix, except that `EdDSA` and RS256 are not crossed with the number and reuse of
    /// connections: what they change is the signature.
    pub(crate) fn all() -> Vec<Self> {
        let mut cells = Vec::new();
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
        let Self { algorithm, connections, reuse, .. } = self;
        let reuse = match reuse {
            Reuse::KeepAlive => "keep-alive",
            Reuse::New => "new each",
        };
        write!(f, "{algorithm} | {connections} {reuse} | {}", self.conditions())
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
        write!(f, "{} | {usage} | {engine}", self.keys)
    }
}
