//! Tells how keys are used: how often, from where, with which outcome.

use std::net::{IpAddr, Ipv4Addr};

use uuid::Uuid;

use super::{Asker, Rejection, api_keys::find};
pub use crate::store::usage::Total;
use crate::{
    app::App,
    clock::Timestamp,
    domain::{ApiKeyId, Circumstances, SecretId, Step, Use, UserAgent},
    store::{self, Page},
};

const READ: &str = "usage:read";

/// Which counts of a key are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub api_key_id: ApiKeyId,
    /// Begins with the step that this lies in.
    pub from: Timestamp,
    /// Ends with the step before this, or that this lies in.
    pub until: Timestamp,
    pub step: Step,
}

/// Counts in the order of time, each with the first minute of its step.
#[derive(Debug)]
pub struct Part {
    pub counts: Vec<(Use, i64)>,
    /// Where the next part begins, if there may be more.
    pub next: Option<Use>,
}

/// A part goes through so many days at most, however little it finds there: the cost of an answer
/// grows with the minutes it looks into.
const DAYS_OF_A_PART: usize = 31;

/// How a key was used, oldest first. A part may be empty and still not be the last.
pub async fn counts(
    app: &App,
    asker: &Asker,
    wanted: Wanted,
    mut page: Page<Use>,
) -> Result<Part, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    find(&mut tx, asker, wanted.api_key_id).await?;

    let steps = wanted.step.minutes();
    let end = minutes_up(wanted.until, steps);
    let begin = wanted.from.timestamp().div_euclid(60 * steps) * steps;
    let mut minute = page.after.as_ref().map_or(begin, |it| it.circumstances.minute.max(begin));
    let mut counts = Vec::new();
    for _ in 0..DAYS_OF_A_PART {
        if minute >= end {
            return Ok(Part { counts, next: None });
        }
        let day_end = end.min(next_day(minute));
        let (id, step) = (wanted.api_key_id, wanted.step);
        let found = store::usage::counts(&mut tx, id, minute..day_end, step, &page).await?;
        page.most -= i64::try_from(found.len()).unwrap_or(page.most);
        counts.extend(found);
        if page.most == 0 {
            let next = counts.last().map(|(last, _)| last.clone());
            return Ok(Part { counts, next });
        }
        minute = day_end;
    }
    Ok(Part { counts, next: (minute < end).then(|| before_all_of(minute)) })
}

fn minutes_up(until: Timestamp, steps: i64) -> i64 {
    let seconds = 60 * steps;
    (until.timestamp() + seconds - 1).div_euclid(seconds) * steps
}

fn next_day(minute: i64) -> i64 {
    let day = Step::Day.minutes();
    (minute.div_euclid(day) + 1) * day
}

/// Comes before whatever is counted in this minute: no secret has this id.
fn before_all_of(minute: i64) -> Use {
    let circumstances = Circumstances {
        minute,
        source: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        user_agent: UserAgent::default(),
        outcome: "".into(),
    };
    Use { secret_id: SecretId(Uuid::nil()), circumstances }
}

/// What was counted for every key since then. Reads all there is: for a person at the machine.
pub async fn totals(app: &App, asker: &Asker, from: Timestamp) -> Result<Vec<Total>, Rejection> {
    asker.must_run_server(READ)?;
    let mut tx = app.store.read().await?;
    Ok(store::usage::totals(&mut tx, from.timestamp() / 60).await?)
}
