//! Announces the end of keys before it comes: 30, 14, 7 days and 1 day ahead.

use chrono::TimeDelta;

use super::Rejection;
use crate::{
    announce::{News, Subject, announce, days_until},
    app::App,
    domain::ApiKeyId,
    store::{
        self, StoreError, Tx,
        reminders::{Ahead, claim, due},
    },
};

/// The nearest first. Where several have passed unannounced only the nearest is announced, and a
/// key that was made for no longer is not announced so far ahead: its maker has just chosen its end.
const DAYS: [i64; 4] = [1, 7, 14, 30];
/// Keys in one transaction: exchanges that write must not wait long.
const AT_ONCE: i64 = 20;

/// Announces what is due and was not announced, by this node or another. Gives how many keys that
/// were.
pub async fn remind(app: &App) -> Result<u64, Rejection> {
    let now = app.clock.now();
    let (mut nearer, mut announced) = (0, 0);
    for days in DAYS {
        let (after, until) = (now + TimeDelta::days(nearer), now + TimeDelta::days(days));
        let ahead = Ahead { days, after, until };
        loop {
            let mut tx = app.store.patient().change().await?;
            let keys = due(&mut tx, ahead, AT_ONCE).await?;
            for id in &keys {
                announced += u64::from(announce_end(app, &mut tx, *id, days).await?);
            }
            app.commit(tx).await?;
            if keys.is_empty() {
                break;
            }
        }
        nearer = days;
    }
    Ok(announced)
}

/// Tells whether it was for us to do.
async fn announce_end(
    app: &App,
    tx: &mut Tx,
    id: ApiKeyId,
    ahead: i64,
) -> Result<bool, StoreError> {
    let Some(key) = store::api_keys::find(tx, id).await? else { return Ok(false) };
    let Some(end) = key.expires_at else { return Ok(false) };
    if !claim(tx, id, end, ahead).await? {
        return Ok(false);
    }
    let days = days_until(end, app.clock.now());
    tracing::info!(api_key_id = %id, name = %key.name, expires_at = %end, "a key expires soon");
    announce(app, tx, Subject::Key(&key), &News::ExpiresSoon { days }).await?;
    Ok(true)
}
