//! What keyturn does by itself: lets signing keys follow each other, and tables not grow for ever.

use chrono::TimeDelta;

use super::{Rejection, signing_keys};
use crate::{app::App, clock::Timestamp, store};

/// How long records are kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    pub usage: TimeDelta,
    pub refusals: TimeDelta,
    /// `None`: for ever.
    pub audit: Option<TimeDelta>,
}

/// A node that has not followed the change feed for this long forgets all it knows, so nothing
/// older is needed.
const CHANGES_KEPT: TimeDelta = TimeDelta::hours(1);

/// Nobody waits longer for an answer before sending a request again.
const IDEMPOTENCY_KEYS_KEPT: TimeDelta = TimeDelta::hours(24);

/// Does all that is due, in small steps. Call it every minute, on any number of nodes.
pub async fn upkeep(app: &App, retention: Retention) -> Result<(), Rejection> {
    for key in signing_keys::rotate_due(app).await? {
        tracing::info!(
            signing_key_id = key.signing_key_id,
            algorithm = %key.algorithm,
            activates_at = %key.activates_at,
            "made the next signing key"
        );
    }
    app.attempts.forget_the_innocent();

    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    store::changes::prune(&mut tx, now - CHANGES_KEPT).await?;
    app.commit(tx).await?;
    while prune_some(app, retention, now).await? > 0 {}
    Ok(())
}

/// A step of its own, so that it never keeps other writers waiting for long. Gives how many rows
/// went.
async fn prune_some(app: &App, retention: Retention, now: Timestamp) -> Result<u64, Rejection> {
    let mut tx = app.store.write().await?;
    let used_before = (now - retention.usage).timestamp() / 60;
    let mut rows = store::usage::prune(&mut tx, used_before).await?
        + store::refusals::prune(&mut tx, now - retention.refusals).await?
        + store::idempotency_keys::prune(&mut tx, now - IDEMPOTENCY_KEYS_KEPT).await?;
    if let Some(audit) = retention.audit {
        rows += store::audit_chain::prune(&mut tx, now - audit).await?;
    }
    app.commit(tx).await?;
    Ok(rows)
}
