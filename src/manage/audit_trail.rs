//! Reads the audit trail, and tells whether it is what was written.

use super::{Asker, Rejection};
pub use crate::store::audit_events::{Chain, Filter, Recorded};
use crate::{
    app::App,
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
    Ok(store::audit_events::verify(&mut tx).await?)
}
