//! Counts the rows of a table by the hour they are from. What was counted once is remembered: a
//! table of a hundred million rows is not read again every minute to see whether it is too long.

use std::{collections::BTreeMap, ops::Range};

use super::Aged;
use crate::{
    clock::{self, Timestamp},
    store::{StoreError, Tx},
};

/// Rows by the hour, counted from 1970, for hours that are over.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<i64, i64>);

/// What a table has too much: all from before the hour, and so many rows of the hour itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Beyond {
    pub(super) hour: Range<Timestamp>,
    pub(super) rows: u64,
}

pub(super) const HOUR: i64 = 3600;
/// Rows come a little late: a record waits for its turn.
const SETTLED_AFTER: i64 = 600;
/// The most rows of past hours to count at once. What is left is counted the next time.
const COUNTED_AT_ONCE: i64 = 1_000_000;
/// What looking into an hour costs at least, in rows.
const LOOK: i64 = 100;
/// The end of the year 9999: later than any row.
pub(super) const FAR: i64 = 253_402_300_799;

impl Tally {
    /// Counts from the newest hour back, until there are more than `most` rows or no more.
    ///
    /// `None` also where the counting is not done yet.
    pub(super) async fn beyond(
        &mut self,
        tx: &mut Tx,
        table: Aged,
        most: i64,
        now: Timestamp,
    ) -> Result<Option<Beyond>, StoreError> {
        let Some(oldest) = table.oldest(tx).await? else {
            self.0.clear();
            return Ok(None);
        };
        let first = oldest.timestamp().div_euclid(HOUR);
        let last = now.timestamp().div_euclid(HOUR).max(first);
        let is_over = |hour: i64| (hour + 1) * HOUR + SETTLED_AFTER <= now.timestamp();
        // The first has lost rows to the last step of pruning.
        self.0.retain(|hour, _| *hour > first && is_over(*hour));
        let (mut total, mut left) = (0, COUNTED_AT_ONCE);
        for hour in (first..=last).rev() {
            let during =
                moment(hour * HOUR)..moment(if hour == last { FAR } else { (hour + 1) * HOUR });
            let known = self.0.get(&hour).copied();
            if known.is_none() && is_over(hour) && left <= 0 {
                return Ok(None);
            }
            let rows = match known {
                Some(rows) => rows,
                None => table.count(tx, &during).await?,
            };
            if known.is_none() && is_over(hour) {
                self.0.insert(hour, rows);
                left -= rows.max(LOOK);
            }
            total += rows;
            if total > most {
                return Ok(Some(Beyond { hour: during, rows: (total - most).unsigned_abs() }));
            }
        }
        Ok(None)
    }

    /// Takes note of rows that are gone from within hours that were counted.
    pub(super) fn subtract(&mut self, gone: &BTreeMap<i64, i64>) {
        for (hour, rows) in gone {
            if let Some(counted) = self.0.get_mut(hour) {
                *counted -= rows;
            }
        }
    }
}

pub(super) fn moment(seconds: i64) -> Timestamp {
    clock::timestamp(seconds.min(FAR)).unwrap_or_default()
}
