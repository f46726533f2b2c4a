//! Reads the audit trail, and tells whether it is what was written.

use super::{Asker, Rejection};
pub use crate::store::{
    audit_chain::Chain,
    audit_events::{Filter, Recorded},
};
use crate::{
    app::App,
    clock::Timestamp,
    store::{self, Page},
};

const READ: &str = "audit:read";

/// The events that the asker may know of, newest first.
pub async fn list(
    app: &App,
    asker: &Asker,
    filter: &Filter,
    page: Page<i64>,
) -> Result<Vec<Recorded>, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    Ok(store::audit_events::list(&mut tx, asker.sight(), filter, page).await?)
}

/// Goes along the whole trail and names the first event that is not what was written.
pub async fn verify(app: &App, asker: &Asker) -> Result<Chain, Rejection> {
    asker.must_run_server(READ)?;
    let mut tx = app.store.read().await?;
    Ok(store::audit_chain::verify(&mut tx).await?)
}

/// Up to 1000 events that come after this number, oldest first and without gaps.
pub async fn onwards(app: &App, asker: &Asker, after: i64) -> Result<Vec<Recorded>, Rejection> {
    asker.must_run_server(READ)?;
    let mut tx = app.store.read().await?;
    Ok(store::audit_chain::onwards(&mut tx, after).await?)
}

/// The number of the first event since then; `None` where there is none.
pub async fn first_since(
    app: &App,
    asker: &Asker,
    at: Timestamp,
) -> Result<Option<i64>, Rejection> {
    asker.must_run_server(READ)?;
    let mut tx = app.store.read().await?;
    Ok(store::audit_chain::first_since(&mut tx, at).await?)
}

/// The number of the event with this hash: whoever has kept a head of the trail elsewhere can tell
/// whether it still leads there.
pub async fn number_of(app: &App, asker: &Asker, hash: &[u8]) -> Result<Option<i64>, Rejection> {
    asker.must_run_server(READ)?;
    let mut tx = app.store.read().await?;
    Ok(store::audit_chain::number_of(&mut tx, hash).await?)
}
