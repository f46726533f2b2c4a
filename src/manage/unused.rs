//! Disables keys that no one uses, where the operator wants that: what is forgotten leaks unseen.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::{Asker, Change, Rejection, audit};
use crate::{
    announce::{News, Subject, announce},
    app::App,
    domain::{ApiKeyId, Owner},
    store::{self, unused_keys},
};

/// Keys found by one statement.
const AT_ONCE: i64 = 100;

/// Disables the keys that were neither used nor made nor enabled within the span of the setting,
/// except those that are locked.
/// Gives how many; two nodes that do it at once disable each once.
pub async fn disable_unused(app: &App) -> Result<u64, Rejection> {
    let Some(span) = app.settings.disable_unused_after else { return Ok(0) };
    let (mut after, mut disabled) = (ApiKeyId(Uuid::nil()), 0);
    loop {
        let now = app.clock.now();
        let mut tx = app.store.patient().read().await?;
        let unused = unused_keys::page(&mut tx, after, now - span, now, AT_ONCE).await?;
        drop(tx);
        let Some(last) = unused.last() else { return Ok(disabled) };
        after = *last;
        for id in unused {
            disabled += u64::from(disable(app, id, span).await?);
        }
    }
}

/// Tells whether it was us who disabled it.
async fn disable(app: &App, id: ApiKeyId, span: TimeDelta) -> Result<bool, Rejection> {
    let now = app.clock.now();
    let (mut tx, ref asker) = Asker::keyturn().begin(app).await?;
    let Some(key) = store::api_keys::find(&mut tx, id).await? else { return Ok(false) };
    let subject = format!("key:{id}");
    if unused_keys::was_enabled(&mut tx, &subject, now - span).await?
        || !unused_keys::disable(&mut tx, id, now - span, now).await?
    {
        return Ok(false);
    }
    let days = span.num_days();
    let organization_id = match key.owner {
        Owner::Organization(id) => Some(id),
        Owner::User(_) => None,
    };
    let detail = json!({ "reason": "unused", "unused_for_days": days });
    let change = Change { action: "api_key.disabled", subject, organization_id, detail };
    audit(app, &mut tx, asker, change);
    announce(app, &mut tx, Subject::Key(&key), &News::DisabledUnused { days }).await?;
    app.commit(tx).await?;
    tracing::info!(api_key_id = %id, name = %key.name, days, "disabled an unused key");
    Ok(true)
}
