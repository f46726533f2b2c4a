//! What keyturn does by itself: lets signing keys follow each other, and tables not grow for ever.

use chrono::TimeDelta;

use super::{Rejection, signing_keys};
use crate::{app::App, store};

/// How long records are kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    pub usage: TimeDelta,
    pub refusals: TimeDelta,
}

/// A node that has not followed the change feed for this long forgets all it knows, so nothing
/// older is needed.
const CHANGES_KEPT: TimeDelta = TimeDelta::hours(1);

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
    loop {
        let mut tx = app.store.write().await?;
        let used_before = (now - retention.usage).timestamp() / 60;
        let rows = store::usage::prune(&mut tx, used_before).await?
            + store::refusals::prune(&mut tx, now - retention.refusals).await?;
        app.commit(tx).await?;
        if rows == 0 {
            return Ok(());
        }
    }
}
