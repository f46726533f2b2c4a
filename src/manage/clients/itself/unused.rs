//! Deletes clients that registered themselves and that no one uses: anyone who may register one
//! need not mean it.

use serde_json::json;
use uuid::Uuid;

use crate::{
    app::App,
    clock::Timestamp,
    domain::ClientId,
    manage::{Asker, Rejection, audit, clients::event},
    store::{self, registrations},
};

/// Clients found by one statement.
const AT_ONCE: i64 = 100;

/// Those that were neither made nor used within the span of the setting. Gives how many; two nodes
/// that do it at once delete each once.
pub async fn delete_unused(app: &App) -> Result<u64, Rejection> {
    let Some(policy) = &app.settings.registration else { return Ok(0) };
    let (mut after, mut deleted) = (ClientId(Uuid::nil()), 0);
    loop {
        let since = app.clock.now() - policy.unused_after;
        let mut tx = app.store.read().await?;
        let unused = registrations::unused(&mut tx, after, since, AT_ONCE).await?;
        drop(tx);
        let Some(last) = unused.last() else { return Ok(deleted) };
        after = *last;
        for id in unused {
            deleted += u64::from(delete(app, id, since).await?);
        }
    }
}

/// Tells whether it was us who deleted it.
async fn delete(app: &App, id: ClientId, since: Timestamp) -> Result<bool, Rejection> {
    let (mut tx, ref asker) = Asker::keyturn().begin(app).await?;
    let Some(client) = store::clients::find(&mut tx, id).await? else { return Ok(false) };
    if !registrations::delete_unused(&mut tx, &client, since).await? {
        return Ok(false);
    }
    let detail = json!({ "name": client.name, "reason": "unused" });
    audit(app, &mut tx, asker, event("client.deleted", &client, detail));
    app.commit(tx).await?;
    tracing::info!(client_id = %id, "deleted a client that registered itself and is not used");
    Ok(true)
}
