//! Gives an API key a new secret while the old one still works, so that no one is locked out.

use chrono::TimeDelta;
use serde_json::json;

use super::{Rejection, bounds, change::Editing, create::add_secret};
use crate::{
    announce::{News, Subject, announce},
    app::App,
    clock::{Timestamp, timestamp},
    domain::{ApiKey, ApiKeyId, ApiKeySecret, Expected, Lifetime, Secret, Status},
    manage::{Asker, Ending, endings},
    store::{self, Tx},
};

/// How a key is to be rotated.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    pub old_secret: OldSecret,
    /// `None`: the key expires when it did before.
    pub lifetime: Option<Lifetime>,
    /// Also while the key is being rotated already, which ends the oldest secret that works.
    pub force: bool,
}

/// When the secret in use dies.
#[derive(Clone, Copy, Debug)]
pub enum OldSecret {
    DiesAt(Timestamp),
    DiesAfter(TimeDelta),
}

#[derive(Debug)]
pub struct Rotated {
    pub key: ApiKey,
    /// For the one time that anyone sees it.
    pub secret: Secret,
    /// `None` where no secret worked any more.
    pub old_secret_dies_at: Option<Timestamp>,
}

/// The longest that two secrets of one key work side by side.
const LONGEST_GRACE: TimeDelta = TimeDelta::days(7);

/// Gives the key a new secret under the same id, name and roles.
pub async fn rotate(
    app: &App,
    asker: &Asker,
    id: ApiKeyId,
    expected: &Expected,
    rotation: Rotation,
) -> Result<Rotated, Rejection> {
    let now = app.clock.now();
    let mut editing = Editing::begin(app, asker, id, expected).await?.unlocked()?;
    let status = editing.key.status(now);
    match status {
        Status::Revoked => return Err(Rejection::Revoked),
        Status::Expired if rotation.lifetime.is_none() => return Err(Rejection::Expired),
        Status::Active | Status::Disabled | Status::Expired => (),
    }
    let latest = latest_end(&editing.key, now);
    let wanted = match rotation.old_secret {
        OldSecret::DiesAt(at) => at,
        OldSecret::DiesAfter(span) => now.checked_add_signed(span).unwrap_or(Timestamp::MAX_UTC),
    };
    if wanted > now + LONGEST_GRACE {
        return Err(Rejection::GraceTooLong(now + LONGEST_GRACE));
    }
    let dies_at = wanted.max(now).min(latest);
    let before = editing.key.clone();
    if let Some(lifetime) = rotation.lifetime {
        editing.key.expires_at = bounds::expiry(app, &editing.asker, lifetime, now)?;
    }
    let Editing { tx, asker, key } = &mut editing;
    // Who gets the secret gets all that the key may do.
    bounds::check(app, tx, asker, Some(&before), key).await?;
    endings::check(rotation.force, ended_by_rotation(tx, key, now).await?)?;
    let old = retire(tx, id, now, (dies_at, latest)).await?;
    let secret = add_secret(app, tx, id, now).await?;
    let old_secret_dies_at = old.filter(|_| status != Status::Expired).map(|_| dies_at);
    announce(app, tx, Subject::Key(key), &News::Rotated { old_secret_dies_at }).await?;
    let detail = json!({
        "old_secret_dies_at": old_secret_dies_at,
        "expires_at": key.expires_at,
    });
    let key = editing.save(app, "api_key.rotated", detail).await?;
    Ok(Rotated { key, secret, old_secret_dies_at })
}

/// The secrets of a key that is being rotated which the next rotation would end at once. Anyone who
/// still uses them has not been given a newer one.
async fn ended_by_rotation(
    tx: &mut Tx,
    key: &ApiKey,
    now: Timestamp,
) -> Result<Vec<Ending>, Rejection> {
    let secrets = store::api_key_secrets::of_key(tx, key.id).await?;
    let mut live: Vec<_> = secrets.into_iter().filter(|secret| secret.is_live(now)).collect();
    live.pop();
    let mut endings = Vec::new();
    for secret in live {
        let last = store::usage::last_used(tx, secret.id).await?;
        endings.push(Ending {
            kind: "secret",
            id: secret.id.to_string(),
            name: format!("the old secret of key {}", key.name),
            last_used_at: last.and_then(|(minute, _)| timestamp(minute)),
        });
    }
    Ok(endings)
}

/// When the old secret of a key that is rotated now dies at the latest. It gains nothing from the
/// new end of its key.
fn latest_end(key: &ApiKey, now: Timestamp) -> Timestamp {
    key.expires_at.into_iter().fold(now + LONGEST_GRACE, Timestamp::min)
}

/// Of several secrets that work, only the newest is given time: never more than two work.
async fn retire(
    tx: &mut Tx,
    id: ApiKeyId,
    now: Timestamp,
    (dies_at, latest): (Timestamp, Timestamp),
) -> Result<Option<ApiKeySecret>, Rejection> {
    let secrets = store::api_key_secrets::of_key(tx, id).await?;
    let mut live: Vec<_> = secrets.into_iter().filter(|secret| secret.is_live(now)).collect();
    let newest = live.pop();
    for old in live {
        store::api_key_secrets::set_end(tx, &old, now, now).await?;
    }
    if let Some(newest) = &newest {
        let end = newest.dies_at.into_iter().fold(dies_at, Timestamp::min);
        store::api_key_secrets::set_end(tx, newest, end, latest).await?;
    }
    Ok(newest)
}

/// Lets the old secret of a key that was rotated die earlier or later than was said; at once, if
/// this moment is past. At most 7 days after the rotation, and not after the end that its key had.
pub async fn set_rotation_end(
    app: &App,
    asker: &Asker,
    id: ApiKeyId,
    expected: &Expected,
    dies_at: Timestamp,
) -> Result<ApiKey, Rejection> {
    let now = app.clock.now();
    let mut editing = Editing::begin(app, asker, id, expected).await?.unlocked()?;
    let Editing { tx, asker, key } = &mut editing;
    let secrets = store::api_key_secrets::of_key(tx, id).await?;
    let dying = |secret: &&ApiKeySecret| secret.is_live(now) && secret.dies_at.is_some();
    let old = secrets.iter().rev().find(dying).ok_or(Rejection::NotRotating)?;
    let latest = old.dies_by.unwrap_or(now);
    if dies_at > latest {
        return Err(Rejection::GraceTooLong(latest));
    }
    let dies_at = dies_at.max(now);
    if old.dies_at.is_some_and(|end| dies_at > end) {
        bounds::check(app, tx, asker, None, key).await?;
    }
    store::api_key_secrets::set_end(tx, old, dies_at, latest).await?;
    let detail = json!({ "old_secret_dies_at": dies_at });
    editing.save(app, "api_key.rotation_end_set", detail).await
}
