//! The API keys that will soon end, and those that no one seems to need.

use chrono::TimeDelta;

use super::report::Report;
use crate::{
    clock::Timestamp,
    store::{Store, health},
};

const SOON: TimeDelta = TimeDelta::days(30);
const LONG: TimeDelta = TimeDelta::days(90);

pub(super) async fn check(
    store: &Store,
    now: Timestamp,
    report: &mut Report,
) -> anyhow::Result<()> {
    let health::ActiveKeys { all, expiring, unused } =
        health::active_keys(store, now, now + SOON, now - LONG).await?;
    let detail = format!(
        "{all} are active; {expiring} expire within {} days, {unused} were not used for {} days",
        SOON.num_days(),
        LONG.num_days()
    );
    report.ok("API keys", detail);
    Ok(())
}
