//! As many file descriptors as the system allows, and how many connections that is enough for.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{config::Config, listener::Limits};

/// For the log, the database, webhooks, mail, and files that are read again.
const RESERVE: u64 = 128;
const FEWEST: u64 = 16;

/// What callers may use up, with room left for everything else that needs a file descriptor.
pub(super) fn limits(config: &Config) -> Limits {
    let default = Limits::default();
    let reserve = RESERVE + u64::from(config.database.connections.get());
    let room = raised().map_or(u64::MAX, |files| files.saturating_sub(reserve).max(FEWEST));
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let connections = room.min(default.connections);
    if connections < default.connections {
        tracing::warn!(connections, "few file descriptors: raise the limit (`ulimit -n`)");
    }
    Limits {
        // A second more than callers are told: none begins a request just then.
        next_request_within: config.http.keep_alive + Duration::from_secs(1),
        connections,
        // One source alone never has all of them, unless the operator says so.
        connections_per_source: match config.limits.connections_per_address {
            None => connections,
            Some(most) => (most.get() as usize).min(connections / 2),
        },
        unlimited: config.http.trusted_proxies.clone(),
        ..default
    }
}

/// Raises the soft limit to the hard one, and gives what is in force; `None`: no limit.
fn raised() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return limit.current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "cannot have more file descriptors");
            limit.current
        }
    }
}
