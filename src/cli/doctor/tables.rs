//! How much each table holds, and what keeps it from growing forever.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::report::{Health, Listed, Report, size};
use crate::{
    clock::Timestamp,
    config::Config,
    domain::Kept,
    manage::upkeep::{Aged, Bound, bounds},
    store::{Store, health, health::TableSize, usage_journal, usage_quarantine},
};

/// What is written is counted within seconds.
const LATE: TimeDelta = TimeDelta::minutes(5);
/// Old rows go every minute; a restart may take its time.
const UPKEEP_IS_LATE: TimeDelta = TimeDelta::hours(2);

pub(super) async fn check(
    store: &Store,
    config: &Config,
    deep: bool,
    now: Timestamp,
    report: &mut Report,
) -> anyhow::Result<()> {
    let sizes = health::tables(store, deep).await?;
    let oldest = oldest(store).await?;
    let mut tx = store.read().await?;
    check_journal(usage_journal::oldest(&mut tx).await?, now, report);
    check_quarantine(usage_quarantine::all(&mut tx).await?, report);
    drop(tx);
    let bounds: HashMap<_, _> = bounds(&config.retention).into_iter().collect();
    for found in sizes {
        let oldest = oldest.get(found.table.as_str()).copied();
        let bound = bounds.get(found.table.as_str()).copied();
        list(found, bound, oldest, now, report);
    }
    Ok(())
}

async fn oldest(store: &Store) -> anyhow::Result<HashMap<&'static str, Timestamp>> {
    let mut all = HashMap::new();
    let mut tx = store.read().await?;
    for table in Aged::ALL {
        all.extend(table.oldest(&mut tx).await?.map(|at| (table.name(), at)));
    }
    drop(tx);
    let (oldest, _) = health::audit_span(store).await?;
    all.extend(oldest.map(|at| ("audit_events", at)));
    Ok(all)
}

fn check_journal(oldest: Option<Timestamp>, now: Timestamp, report: &mut Report) {
    match oldest {
        Some(oldest) if now - oldest > LATE => report.warning(
            "usage journal",
            format!(
                "what was used since {oldest} is not counted yet: a running server does it within \
                 seconds, or its log says why not"
            ),
        ),
        _ => report.ok("usage journal", "what was used is counted"),
    }
}

fn check_quarantine(records: i64, report: &mut Report) {
    match records {
        0 => report.ok("usage quarantine", "every record could be counted"),
        records => report.warning(
            "usage quarantine",
            format!(
                "{records} records of uses or refusals could not be counted: the table \
                 usage_quarantine has them, each with the reason"
            ),
        ),
    }
}

fn list(
    found: TableSize,
    bound: Option<Bound>,
    oldest: Option<Timestamp>,
    now: Timestamp,
    report: &mut Report,
) {
    let TableSize { table, rows, is_counted, bytes } = found;
    let about = if is_counted { "" } else { "about " };
    let since = oldest.map(|at| format!(" since {at}")).unwrap_or_default();
    let told = bound.map_or_else(|| "no table of keyturn".to_owned(), in_words);
    let space = size(u64::try_from(bytes).unwrap_or_default());
    let is_beyond = bound.is_some_and(|bound| is_beyond(bound, rows, oldest, now));
    let (health, advice) = if is_beyond {
        (Health::Warning, "; more is kept than that: old rows go while a server runs")
    } else {
        (Health::Ok, "")
    };
    let what = format!("table {table}");
    report.add(health, &what, format!("{about}{rows} rows{since}, {space}; {told}{advice}"));
    report.tables.push(Listed { table, rows, is_counted, bytes, oldest, bound: told });
}

fn is_beyond(bound: Bound, rows: i64, oldest: Option<Timestamp>, now: Timestamp) -> bool {
    let Bound::Kept(kept) = bound else { return false };
    let is_old = kept.from(now - UPKEEP_IS_LATE).zip(oldest).is_some_and(|(from, at)| at < from);
    // What a busy minute adds.
    is_old || kept.most().is_some_and(|most| rows > most + most / 10 + 1000)
}

fn in_words(bound: Bound) -> String {
    match bound {
        Bound::NotByItself(what) => format!("does not grow by itself ({what})"),
        Bound::AfterTheirEnd(span, others) => {
            format!("what is over goes after {} ({others})", span_in_words(span))
        }
        Bound::Kept(Kept { age: None, rows: None }) => "kept without limit".to_owned(),
        Bound::Kept(Kept { age: Some(age), rows: None }) => format!("kept {}", span_in_words(age)),
        Bound::Kept(Kept { age: None, rows: Some(rows) }) => format!("at most {rows} rows"),
        Bound::Kept(Kept { age: Some(age), rows: Some(rows) }) => {
            format!("kept {}, at most {rows} rows", span_in_words(age))
        }
    }
}

fn span_in_words(span: TimeDelta) -> String {
    match (span.num_days(), span.num_hours()) {
        (0 | 1, 1) => "1 hour".to_owned(),
        (0 | 1, hours) => format!("{hours} hours"),
        (days, _) => format!("{days} days"),
    }
}
