//! The audit trail: whether it is what was written.

use super::report::Report;
use crate::store::{
    Store,
    audit_chain::{self, Chain},
};

const WHAT: &str = "audit trail";
/// What is looked at unless all is asked for.
const NEWEST: i64 = 1000;
const ADVICE: &str = "the database was edited or is damaged; keep a copy of it and compare it with \
                      your backups";

pub(super) async fn check(store: &Store, deep: bool, report: &mut Report) -> anyhow::Result<()> {
    let mut tx = store.read().await?;
    let chain = if deep {
        audit_chain::verify(&mut tx).await?
    } else {
        audit_chain::verify_newest(&mut tx, NEWEST).await?
    };
    match chain {
        Chain::Whole { events, .. } => {
            let which = if deep { "all" } else { "the newest" };
            report.ok(WHAT, format!("{which} {events} events are what was written"));
        }
        Chain::Altered { number, id } => {
            let id = id.map(|id| format!(" ({id})")).unwrap_or_default();
            report.failed(WHAT, format!("event {number}{id} was altered: {ADVICE}"));
        }
        Chain::Missing { number } => {
            report.failed(WHAT, format!("event {number} is missing: {ADVICE}"));
        }
    }
    Ok(())
}
