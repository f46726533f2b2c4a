//! Which rows go where a table has too many: the oldest of the owners that have most. An owner
//! that fills a table pushes out its own rows, and no others.

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    ops::Range,
};

use uuid::Uuid;

use super::{
    STEP,
    tally::{FAR, HOUR, moment},
};
use crate::{
    app::App,
    clock::Timestamp,
    store::{
        StoreError, Tx,
        shares::{self, Shared},
    },
};

/// How many rows each owner has of a day.
type Owners = HashMap<Option<Uuid>, i64>;

/// Rows by the day, counted from 1970, and by their owner. Days that are over are counted once.
#[derive(Default)]
pub(super) struct Shares(BTreeMap<i64, Owners>);

const HOURS: i64 = 24;
const DAY: i64 = HOURS * HOUR;

impl Shares {
    /// Deletes rows until as many are left as there may be. Gives how many are gone of which hour.
    pub(super) async fn prune(
        &mut self,
        app: &App,
        table: Shared,
        (most, oldest): (i64, Timestamp),
        now: Timestamp,
    ) -> Result<BTreeMap<i64, i64>, StoreError> {
        let first = oldest.timestamp().div_euclid(DAY);
        let last = now.timestamp().div_euclid(DAY).max(first);
        let mut tx = app.store.patient().read().await?;
        self.count(&mut tx, table, first, last).await?;
        drop(tx);
        let mut totals = Owners::new();
        for (owner, rows) in self.0.values().flatten() {
            *totals.entry(*owner).or_default() += rows;
        }
        let level = level(totals.values().copied(), most);
        let mut gone = BTreeMap::new();
        for (owner, total) in totals {
            let mut too_many = total - level;
            for day in first..=last {
                let Some(of_day) = self.0.get_mut(&day).and_then(|all| all.get_mut(&owner)) else {
                    continue;
                };
                for hour in hours(day, day == last) {
                    if too_many <= 0 || *of_day <= 0 {
                        break;
                    }
                    let rows = prune_hour(app, table, owner, &hour, too_many).await?;
                    *gone.entry(hour.start.timestamp().div_euclid(HOUR)).or_default() += rows;
                    too_many -= rows;
                    *of_day -= rows;
                }
            }
        }
        Ok(gone)
    }

    async fn count(
        &mut self,
        tx: &mut Tx,
        table: Shared,
        first: i64,
        last: i64,
    ) -> Result<(), StoreError> {
        // The first has lost rows for their age, and the last gets more.
        self.0.retain(|day, _| (first + 1..last).contains(day));
        for day in first..=last {
            if let Entry::Vacant(place) = self.0.entry(day) {
                let end = if day == last { FAR } else { (day + 1) * DAY };
                let during = moment(day * DAY)..moment(end);
                let counted = shares::count(tx, table, &during).await?;
                place.insert(counted.into_iter().collect());
            }
        }
        Ok(())
    }
}

/// The hours of a day, the last of which ends with all time where no day comes after it.
fn hours(day: i64, is_last: bool) -> impl Iterator<Item = Range<Timestamp>> {
    (0..HOURS).map(move |hour| {
        let start = day * DAY + hour * HOUR;
        let end = if is_last && hour == HOURS - 1 { FAR } else { start + HOUR };
        moment(start)..moment(end)
    })
}

async fn prune_hour(
    app: &App,
    table: Shared,
    owner: Option<Uuid>,
    hour: &Range<Timestamp>,
    most: i64,
) -> Result<i64, StoreError> {
    let mut gone = 0;
    while gone < most {
        let step = (most - gone).min(STEP);
        let mut tx = app.store.patient().write().await?;
        let rows = shares::prune(&mut tx, table, owner, hour, step).await?;
        app.commit(tx).await?;
        gone += rows;
        if rows < step {
            break;
        }
    }
    Ok(gone)
}

/// The row limit for each owner that keeps the total at or below `most`.
fn level(totals: impl Iterator<Item = i64>, most: i64) -> i64 {
    let mut totals: Vec<i64> = totals.collect();
    totals.sort_unstable();
    let (mut left, mut owners) = (most, i64::try_from(totals.len()).unwrap_or(i64::MAX));
    for total in totals {
        if total.saturating_mul(owners) > left {
            return left / owners;
        }
        left -= total;
        owners -= 1;
    }
    i64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fx_18_who_has_most_gives_all_and_who_has_little_keeps_it() {
        let level = |totals: &[i64], most| level(totals.iter().copied(), most);

        assert_eq!(level(&[10, 20, 970], 1000), i64::MAX);
        assert_eq!(level(&[10, 20, 5000], 1000), 970);
        assert_eq!(level(&[10, 5000, 5000], 1000), 495);
        assert_eq!(level(&[5000], 1000), 1000);
        assert_eq!(level(&[], 1000), i64::MAX);
    }
}
