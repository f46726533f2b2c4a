//! What keeps each table from growing forever: one line a table.

use chrono::TimeDelta;

use super::{Aged, CHANGES, ENDED, ENDED_KEYS, GONE_SIGNING_KEYS};
use crate::domain::{Kept, Retention};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Does not grow by itself; what there are as many of as it has rows.
    NotByItself(&'static str),
    /// Rows go for their age or their number.
    Kept(Kept),
    /// Some rows go so long after their end. What limits the others.
    AfterTheirEnd(TimeDelta, &'static str),
}

/// Every table with its bound. A test holds that none is missing.
pub fn bounds(retention: &Retention) -> Vec<(&'static str, Bound)> {
    let replaced = retention.usage.age.unwrap_or(TimeDelta::MAX);
    let mut bounds = vec![
        ("api_keys", Bound::NotByItself("the keys that owners make: api_keys.most_per_tree")),
        ("api_key_secrets", Bound::AfterTheirEnd(replaced, "the newest of each key stays")),
        ("audit_anchors", Bound::NotByItself("one row: where the audit trail begins")),
        ("audit_events", Bound::Kept(retention.audit)),
        ("change_feed", Bound::NotByItself("one row: the epoch of the database")),
        ("changes", Bound::Kept(CHANGES)),
        ("client_secrets", Bound::NotByItself("the secrets that owners make for their clients")),
        (
            "clients",
            Bound::NotByItself("the clients that owners register; registration.most_clients"),
        ),
        ("counters", Bound::NotByItself("one row for each kind of number")),
        (
            "former_key_encryption_keys",
            Bound::NotByItself("one row for each rotation of the key-encryption key"),
        ),
        ("memberships", Bound::NotByItself("the members that owners take in")),
        ("organizations", Bound::NotByItself("the organizations that owners make")),
        (
            "refresh_families",
            Bound::AfterTheirEnd(ENDED, "1,000 live ones for each holder: the oldest end"),
        ),
        (
            "reminders",
            Bound::AfterTheirEnd(ENDED_KEYS, "one for each day that a key's end is near"),
        ),
        ("resources", Bound::NotByItself("the servers that an operator registers")),
        ("revoked_tokens", Bound::AfterTheirEnd(ENDED, "tokens live six minutes")),
        ("roles", Bound::NotByItself("the roles that owners define")),
        (
            "signing_keys",
            Bound::AfterTheirEnd(GONE_SIGNING_KEYS, "the newest of each algorithm stays"),
        ),
        ("trusts", Bound::NotByItself("the trust policies that owners create")),
        ("used_ids", Bound::AfterTheirEnd(ENDED, "one for each proof that counts once")),
        ("usage_journal", Bound::NotByItself("uses and refusals of the last seconds")),
        ("users", Bound::NotByItself("the users that owners take in")),
        ("webhooks", Bound::NotByItself("the webhooks that owners set up")),
    ];
    bounds.extend(Aged::ALL.map(|table| (table.name(), Bound::Kept(table.kept(retention)))));
    bounds.sort_unstable_by_key(|(table, _)| *table);
    bounds
}
