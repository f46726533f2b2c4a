//! Reads the audit trail, and tells whether it is what was written.

use super::{Asker, Rejection};
pub use crate::store::{
    audit_chain::Chain,
    audit_events::{Filter, Recorded},
};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{ApiKey, Owner},
    store::{self, Page, Tx},
};

const READ: &str = "audit:read";

/// The events that the asker may know of, newest first. What belongs to no organization is for the
/// operators of the server, and for the user whose key it is about.
pub async fn list(
    app: &App,
    asker: &Asker,
    filter: &Filter,
    page: Page<i64>,
) -> Result<Vec<Recorded>, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    let unowned = asker.authority.runs_server() || is_about_own_key(&mut tx, asker, filter).await?;
    Ok(store::audit_events::list(&mut tx, asker.sight(), unowned, filter, page).await?)
}

async fn is_about_own_key(tx: &mut Tx, asker: &Asker, filter: &Filter) -> Result<bool, Rejection> {
    let id =
        filter.subject.as_deref().and_then(|subject| subject.strip_prefix("key:")?.parse().ok());
    let Some(id) = id else { return Ok(false) };
    match store::api_keys::find(tx, id).await? {
        Some(ApiKey { owner: Owner::User(user), .. }) => Ok(asker.authority.is_user(user)),
        _ => Ok(false),
    }
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

/// The number of the event with this hash: anyone who has kept a head of the trail elsewhere can
/// tell whether it still leads there.
pub async fn number_of(app: &App, asker: &Asker, hash: &[u8]) -> Result<Option<i64>, Rejection> {
    asker.must_run_server(READ)?;
    let mut tx = app.store.read().await?;
    Ok(store::audit_chain::number_of(&mut tx, hash).await?)
}
