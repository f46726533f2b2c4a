//! Keeps what keyturn knows in SQLite or PostgreSQL. The only module that speaks SQL.
//!
//! One file per table: its statements, its row, its functions. Every statement is written once,
//! in the SQL both engines share: `$n` placeholders, no engine functions, moments bound as whole
//! seconds, a conditional update where another would lock. `tests/store` prepares each of them on
//! both.

#[macro_use]
mod macros;
mod commit;
mod connection;
mod engine;
mod error;
mod migrations;
mod open;
mod parameter;
mod reader;
mod watch;

pub mod api_key_secrets;
pub mod api_keys;
pub mod audit_chain;
pub mod audit_events;
pub mod change_feed;
pub mod changes;
pub mod client_secrets;
pub mod clients;
pub mod counters;
pub mod former_keys;
pub mod health;
pub mod idempotency_keys;
pub mod last_used;
mod login;
mod look;
pub mod memberships;
pub mod organizations;
pub mod outbox;
pub mod refresh_families;
pub mod refusals;
pub mod registrations;
pub mod reminders;
pub mod resources;
pub mod revoked_tokens;
pub mod roles;
pub mod shares;
pub mod signing_keys;
pub mod transfer;
pub mod trusts;
pub mod unused_keys;
pub mod usage;
pub mod usage_journal;
pub mod usage_quarantine;
pub mod used_ids;
pub mod users;
pub mod webhooks;

pub use connection::Session;
pub use engine::{Store, Tx};
pub use error::StoreError;
pub use login::NotAdopted;
pub use migrations::{Migrated, MigrationFailed};
pub use open::Options;
pub use reader::Reader;

use sqlx::types::Uuid;

use crate::{
    clock::{self, Timestamp},
    domain::{Below, Sight},
};

/// Every statement by name.
pub const STATEMENTS: &[&[(&str, &str)]] = &[
    api_key_secrets::STATEMENTS,
    api_keys::STATEMENTS,
    audit_chain::STATEMENTS,
    audit_events::STATEMENTS,
    change_feed::STATEMENTS,
    changes::STATEMENTS,
    client_secrets::STATEMENTS,
    clients::STATEMENTS,
    counters::STATEMENTS,
    former_keys::STATEMENTS,
    health::STATEMENTS,
    idempotency_keys::STATEMENTS,
    last_used::STATEMENTS,
    memberships::STATEMENTS,
    organizations::STATEMENTS,
    outbox::STATEMENTS,
    refresh_families::STATEMENTS,
    refusals::STATEMENTS,
    registrations::STATEMENTS,
    reminders::STATEMENTS,
    resources::STATEMENTS,
    revoked_tokens::STATEMENTS,
    roles::STATEMENTS,
    shares::STATEMENTS,
    signing_keys::STATEMENTS,
    trusts::STATEMENTS,
    unused_keys::STATEMENTS,
    usage::STATEMENTS,
    usage_journal::STATEMENTS,
    usage_quarantine::STATEMENTS,
    used_ids::STATEMENTS,
    users::STATEMENTS,
    webhooks::STATEMENTS,
];

/// A part of a list: what comes after this one, and how many at most.
#[derive(Clone, Copy, Debug)]
pub struct Page<T> {
    pub after: Option<T>,
    pub most: i64,
}

impl<T> Page<T> {
    /// All of a list that is short by its nature, or wanted whole.
    pub const ALL: Self = Self { after: None, most: i64::MAX };
}

/// What is within sight, as a statement asks for it: whether that is everything; otherwise the
/// organization, whether those below it too, and the user.
fn sight_columns(sight: Sight) -> (bool, Option<Uuid>, bool, Option<Uuid>) {
    match sight {
        Sight::Everything => (true, None, true, None),
        Sight::Of { organization, below, user } => {
            (false, Some(organization.0), below == Below::Included, user.map(|id| id.0))
        }
    }
}

/// Reads a column of seconds.
fn moment(column: &'static str, seconds: i64) -> Result<Timestamp, StoreError> {
    clock::timestamp(seconds).ok_or(StoreError::Corrupt(column))
}

/// Reads a column of seconds that may be empty.
fn moment_if_any(
    column: &'static str,
    seconds: Option<i64>,
) -> Result<Option<Timestamp>, StoreError> {
    seconds.map(|seconds| moment(column, seconds)).transpose()
}

/// Reads a column of text that the domain can parse.
fn parse<T: std::str::FromStr>(column: &'static str, text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Corrupt(column))
}
