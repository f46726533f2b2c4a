//! Keys that no one uses: what the tables of keys and of secrets say together.

use sqlx::types::Uuid;

use super::{StoreError, Tx, api_keys};
use crate::{clock::Timestamp, domain::ApiKeyId};

statements! {
    PAGE = "
        select k.id from api_keys k
        where k.id > $1 and k.created_at < $2
            and k.revoked_at is null and k.disabled_at is null and k.locked_at is null
            and (k.expires_at is null or k.expires_at > $4)
            and not exists (
                select 1 from api_key_secrets s
                where s.api_key_id = k.id and (s.created_at >= $2 or s.last_used_minute >= $3))
        order by k.id limit $5";

    DISABLE = "
        update api_keys set disabled_at = $4, version = version + 1
        where id = $1 and disabled_at is null and revoked_at is null and locked_at is null
            and not exists (
                select 1 from api_key_secrets s
                where s.api_key_id = $1 and (s.created_at >= $2 or s.last_used_minute >= $3))";

    ENABLED = "
        select count(*) from audit_events
        where subject = $1 and at >= $2 and action = 'api_key.enabled'";
}

/// How much older the last use that is remembered may be than the last use.
const MINUTES_BEHIND: i64 = 120;

fn minute(since: Timestamp) -> i64 {
    since.timestamp() / 60 - MINUTES_BEHIND
}

/// Keys that could be used now and may be changed, with an id after this one, none of whose secrets was made or used
/// since then.
pub async fn page(
    tx: &mut Tx,
    after: ApiKeyId,
    since: Timestamp,
    now: Timestamp,
    most: i64,
) -> Result<Vec<ApiKeyId>, StoreError> {
    let since = (since.timestamp(), minute(since));
    let rows: Vec<(Uuid,)> =
        fetch!(tx, PAGE(after.0, since.0, since.1, now.timestamp(), most) => fetch_all)?;
    Ok(rows.into_iter().map(|(id,)| ApiKeyId(id)).collect())
}

/// Disables the key unless it was used or disabled meanwhile. Tells whether it was us.
pub async fn disable(
    tx: &mut Tx,
    id: ApiKeyId,
    since: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = execute!(tx, DISABLE(id.0, since.timestamp(), minute(since), now.timestamp()))? == 1;
    if done {
        api_keys::mark_changed(tx, id).await?;
    }
    Ok(done)
}

/// Tells whether someone enabled the key again since then: only the audit trail remembers that.
pub async fn was_enabled(tx: &mut Tx, subject: &str, since: Timestamp) -> Result<bool, StoreError> {
    let (times,): (i64,) = fetch!(tx, ENABLED(subject, since.timestamp()) => fetch_one)?;
    Ok(times > 0)
}
