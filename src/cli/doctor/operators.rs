//! Which organization runs the server.

use super::report::Report;
use crate::store::{self, Store};

const WHAT: &str = "operators";

pub(super) async fn check(store: &Store, report: &mut Report) -> anyhow::Result<()> {
    let mut tx = store.read().await?;
    let organization = match store::organizations::operators(&mut tx).await? {
        Some(id) => store::organizations::find(&mut tx, id).await?,
        None => None,
    };
    match organization {
        Some(it) => {
            report.ok(WHAT, format!("organization {} ({}) runs the server", it.name, it.id));
        }
        None => report.warning(
            WHAT,
            "no organization runs the server yet: the first that is made does \
             (`keyturn org create NAME`)",
        ),
    }
    Ok(())
}
