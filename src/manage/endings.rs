//! What an operation would take from others: the caller is told before it is done.

use serde::Serialize;

use super::Rejection;
use crate::clock::Timestamp;

/// Something in use that would end at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ending {
    /// `secret`.
    pub kind: &'static str,
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `None`: not as long as uses are remembered.
    pub last_used_at: Option<Timestamp>,
}

/// Refuses what would end something in use, unless `force` says that it is known.
pub(super) fn check(force: bool, endings: Vec<Ending>) -> Result<(), Rejection> {
    if force || endings.is_empty() { Ok(()) } else { Err(Rejection::WouldEnd(endings)) }
}

/// As an error says it.
pub(super) fn list(endings: &[Ending]) -> String {
    let each = endings.iter().map(|it| match it.last_used_at {
        Some(at) => format!("{}, last used {}", it.name, at.format("%Y-%m-%d %H:%M UTC")),
        None => format!("{}, not used so far", it.name),
    });
    each.collect::<Vec<_>>().join("; ")
}
