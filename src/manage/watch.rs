//! What keyturn looks after every hour: keys that end, keys that nobody uses, messages of old.

use chrono::TimeDelta;

use super::{Rejection, reminders, unused};
use crate::{app::App, store};

/// How long it is kept what became of a message, and what was said of keys that ended.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Does all that is due, in small steps, on any number of nodes.
pub async fn watch(app: &App) -> Result<(), Rejection> {
    reminders::remind(app).await?;
    unused::disable_unused(app).await?;
    forget(app).await
}

/// No message waits as long as it is kept: what is left of that age nobody could deliver.
async fn forget(app: &App) -> Result<(), Rejection> {
    let before = app.clock.now() - KEPT;
    loop {
        let mut tx = app.store.write().await?;
        let rows = store::outbox::prune(&mut tx, before).await?
            + store::reminders::prune(&mut tx, before).await?;
        app.commit(tx).await?;
        if rows == 0 {
            return Ok(());
        }
    }
}
