//! How long records are kept, and how many of them.

use chrono::TimeDelta;

use crate::clock::Timestamp;

/// The bounds of what grows by itself. Whichever is reached first counts; the oldest goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// `None`: forever.
    pub age: Option<TimeDelta>,
    /// `None`: as many as there are.
    pub rows: Option<u32>,
}

impl Kept {
    /// What is older than this is too old. `None` where nothing is.
    pub fn from(self, now: Timestamp) -> Option<Timestamp> {
        now.checked_sub_signed(self.age?)
    }

    pub fn most(self) -> Option<i64> {
        self.rows.map(i64::from)
    }
}

/// What an operator decided.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    pub usage: Kept,
    pub refusals: Kept,
    pub audit: Kept,
}
