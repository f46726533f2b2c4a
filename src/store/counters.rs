//! The `counters` table: numbers that are given out once.

use super::{StoreError, Tx};

/// Numbers the audit trail.
pub const AUDIT_EVENTS: &str = "audit_events";
/// Numbers the change feed.
pub const CHANGES: &str = "changes";
/// Numbers memberships.
pub const MEMBERSHIPS: &str = "memberships";
/// Numbers the places in the status list.
pub const STATUS_INDEX: &str = "status_index";

statements! {
    NEXT = "
        update counters set value = value + 1 where name = $1 returning value";

    VALUE = "
        select value from counters where name = $1";
}

/// The next number. No one else gets one until this transaction has ended.
pub async fn next(tx: &mut Tx, name: &str) -> Result<i64, StoreError> {
    let (value,): (i64,) = fetch!(tx, NEXT(name) => fetch_one)?;
    Ok(value)
}

/// The number that was given out last.
pub async fn value(tx: &mut Tx, name: &str) -> Result<i64, StoreError> {
    let (value,): (i64,) = fetch!(tx, VALUE(name) => fetch_one)?;
    Ok(value)
}
