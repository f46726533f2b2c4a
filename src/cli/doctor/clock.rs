//! The clock: against the database's own, and against what was written last.

use chrono::TimeDelta;

use super::report::{Health, Report};
use crate::{
    clock::Clock,
    store::{Store, health},
};

const WHAT: &str = "clock";

pub(super) async fn check(store: &Store, report: &mut Report) -> anyhow::Result<()> {
    let clock = Clock::system();
    if let Some(theirs) = health::postgres_server(store).await?.and_then(|server| server.clock) {
        let apart = (clock.now() - theirs).abs();
        let detail = format!("{} s apart from that of the database", apart.num_seconds());
        match judge(apart) {
            Health::Ok => report.ok(WHAT, detail),
            health => report.add(health, WHAT, format!("{detail}: set both by NTP")),
        }
    }
    let (_, newest_event) = health::audit_span(store).await?;
    let newest = newest_event.max(health::newest_usage(store).await?);
    let now = clock.now();
    let Some(newest) = newest else {
        report.ok(WHAT, format!("{now}; nothing was written yet to compare it with"));
        return Ok(());
    };
    match judge(newest - now) {
        Health::Ok => report.ok(WHAT, format!("{now}, and nothing was written later than that")),
        health => report.add(
            health,
            WHAT,
            format!(
                "{now}, but something was written at {newest}: the clock of this or another node \
                 went back, or was wrong then; set it by NTP"
            ),
        ),
    }
    Ok(())
}

/// Tokens live six minutes, and verifiers forgive one.
fn judge(wrong_by: TimeDelta) -> Health {
    if wrong_by > TimeDelta::seconds(60) {
        Health::Failed
    } else if wrong_by > TimeDelta::seconds(5) {
        Health::Warning
    } else {
        Health::Ok
    }
}
