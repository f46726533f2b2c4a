//! Changes API keys: what they may do, whether they work, whether they are there at all.

use serde_json::{Value, json};

use super::{Rejection, WRITE, bounds, event, find};
use crate::{
    app::App,
    domain::{
        ApiKey, ApiKeyId, Expected, Lifetime, Networks, ProofDemand, Reach, Roles, Text, Version,
        WhenLeaked,
    },
    manage::{Asker, Judged, audit},
    store::{self, Tx},
};

/// What is to be otherwise. What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub description: Option<Text>,
    /// `Some(None)`, for a user's key: whatever the user may do.
    pub roles: Option<Option<Roles>>,
    pub reach: Option<Reach>,
    pub allowed_networks: Option<Networks>,
    pub lifetime: Option<Lifetime>,
    pub when_leaked: Option<WhenLeaked>,
    pub proof: Option<ProofDemand>,
}

/// A key that is being changed, in a transaction.
pub(super) struct Editing {
    pub(super) tx: Tx,
    pub(super) asker: Judged,
    pub(super) key: ApiKey,
}

impl Editing {
    pub(super) async fn begin(
        app: &App,
        asker: &Asker,
        id: ApiKeyId,
        expected: &Expected,
    ) -> Result<Self, Rejection> {
        let (mut tx, asker) = asker.begin(app).await?;
        let key = find_to_change(&mut tx, &asker, id, expected).await?;
        Ok(Self { tx, asker, key })
    }

    pub(super) fn unlocked(self) -> Result<Self, Rejection> {
        check_unlocked(&self.key)?;
        Ok(self)
    }

    /// Writes the key and what was done to it. Gives it as it is now.
    pub(super) async fn save(
        mut self,
        app: &App,
        action: &'static str,
        detail: Value,
    ) -> Result<ApiKey, Rejection> {
        write(app, &mut self.tx, &self.asker, &mut self.key, action, detail).await?;
        app.commit(self.tx).await?;
        Ok(self.key)
    }
}

fn check_unlocked(key: &ApiKey) -> Result<(), Rejection> {
    if key.locked_at.is_some() { Err(Rejection::Locked) } else { Ok(()) }
}

async fn find_to_change(
    tx: &mut Tx,
    asker: &Judged,
    id: ApiKeyId,
    expected: &Expected,
) -> Result<ApiKey, Rejection> {
    asker.must(WRITE)?;
    let key = find(tx, asker, id).await?;
    if expected.allows(key.version) { Ok(key) } else { Err(Rejection::ChangedMeanwhile) }
}

/// Writes the key as it is now to be, and what was done to it.
pub(in crate::manage) async fn write(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    key: &mut ApiKey,
    action: &'static str,
    detail: Value,
) -> Result<(), Rejection> {
    if !store::api_keys::update(tx, key).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    audit(app, tx, asker, event(action, key, detail));
    key.version = Version(key.version.0 + 1);
    Ok(())
}

/// Changes what the key may do, from its next exchange on; its secret stays.
pub async fn update(
    app: &App,
    asker: &Asker,
    id: ApiKeyId,
    expected: &Expected,
    edit: Edit,
) -> Result<ApiKey, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let key = edit_in(app, &mut tx, asker, id, expected, edit).await?;
    app.commit(tx).await?;
    Ok(key)
}

/// [`update`] as a part of a larger transaction.
pub(in crate::manage) async fn edit_in(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    id: ApiKeyId,
    expected: &Expected,
    edit: Edit,
) -> Result<ApiKey, Rejection> {
    let mut key = find_to_change(tx, asker, id, expected).await?;
    check_unlocked(&key)?;
    let before = key.clone();
    apply(app, asker, &mut key, edit)?;
    bounds::check(app, tx, asker, Some(&before), &key).await?;
    if key == before {
        return Ok(key);
    }
    let detail = json!({ "from": describe(&before), "to": describe(&key) });
    write(app, tx, asker, &mut key, "api_key.updated", detail).await?;
    Ok(key)
}

fn apply(app: &App, asker: &Judged, key: &mut ApiKey, edit: Edit) -> Result<(), Rejection> {
    if let Some(lifetime) = edit.lifetime {
        let end = bounds::expiry(app, asker, lifetime, app.clock.now())?;
        if end != key.expires_at && !app.settings.keys.expiry_may_change {
            return Err(Rejection::ExpiryIsFixed);
        }
        key.expires_at = end;
    }
    key.description = edit.description.unwrap_or_else(|| key.description.clone());
    key.roles = edit.roles.unwrap_or_else(|| key.roles.clone());
    key.reach = edit.reach.unwrap_or_else(|| key.reach.clone());
    key.allowed_networks = edit.allowed_networks.unwrap_or_else(|| key.allowed_networks.clone());
    key.when_leaked = edit.when_leaked.unwrap_or(key.when_leaked);
    key.proof = edit.proof.unwrap_or_else(|| key.proof.clone());
    Ok(())
}

/// All that [`update`] can change, for the audit trail.
fn describe(key: &ApiKey) -> Value {
    json!({
        "description": key.description,
        "roles": key.roles.as_ref().map(ToString::to_string),
        "reach": key.reach.to_string(),
        "allowed_networks": key.allowed_networks,
        "expires_at": key.expires_at,
        "when_leaked": key.when_leaked,
        "proof": key.proof.to_string(),
    })
}

/// Stops the key from being exchanged, or lets it again.
pub async fn set_enabled(
    app: &App,
    asker: &Asker,
    id: ApiKeyId,
    expected: &Expected,
    enabled: bool,
) -> Result<ApiKey, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let key = set_enabled_in(app, &mut tx, asker, id, expected, enabled).await?;
    app.commit(tx).await?;
    Ok(key)
}

/// [`set_enabled`] as a part of a larger transaction.
pub(in crate::manage) async fn set_enabled_in(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    id: ApiKeyId,
    expected: &Expected,
    enabled: bool,
) -> Result<ApiKey, Rejection> {
    let mut key = find_to_change(tx, asker, id, expected).await?;
    check_unlocked(&key)?;
    if key.disabled_at.is_none() == enabled {
        return Ok(key);
    }
    key.disabled_at = (!enabled).then(|| app.clock.now());
    if enabled {
        bounds::check(app, tx, asker, None, &key).await?;
    }
    let action = if enabled { "api_key.enabled" } else { "api_key.disabled" };
    write(app, tx, asker, &mut key, action, json!({})).await?;
    Ok(key)
}

/// Keeps the key from being changed or deleted, or lets it again.
pub async fn set_locked(
    app: &App,
    asker: &Asker,
    id: ApiKeyId,
    expected: &Expected,
    locked: bool,
) -> Result<ApiKey, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    let key = set_locked_in(app, &mut tx, asker, id, expected, locked).await?;
    app.commit(tx).await?;
    Ok(key)
}

/// [`set_locked`] as a part of a larger transaction.
pub(in crate::manage) async fn set_locked_in(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    id: ApiKeyId,
    expected: &Expected,
    locked: bool,
) -> Result<ApiKey, Rejection> {
    let mut key = find_to_change(tx, asker, id, expected).await?;
    if key.locked_at.is_some() == locked {
        return Ok(key);
    }
    key.locked_at = locked.then(|| app.clock.now());
    bounds::check(app, tx, asker, None, &key).await?;
    let action = if locked { "api_key.locked" } else { "api_key.unlocked" };
    write(app, tx, asker, &mut key, action, json!({})).await?;
    Ok(key)
}

/// When this returns, this node exchanges the key no more; every other node within a second.
/// Revoking twice is no error: what was asked for is so.
pub async fn revoke(
    app: &App,
    asker: &Asker,
    id: ApiKeyId,
    expected: &Expected,
) -> Result<ApiKey, Rejection> {
    let mut editing = Editing::begin(app, asker, id, expected).await?;
    if editing.key.revoked_at.is_some() {
        return Ok(editing.key);
    }
    editing = editing.unlocked()?;
    let now = app.clock.now();
    editing.key.revoked_at = Some(now);
    store::refresh_families::end_of_key(&mut editing.tx, id, now).await?;
    editing.save(app, "api_key.revoked", json!({})).await
}

/// Deletes the key with its secrets; its name is free again. What it did stays in the audit trail.
pub async fn delete(
    app: &App,
    asker: &Asker,
    id: ApiKeyId,
    expected: &Expected,
) -> Result<(), Rejection> {
    let Editing { mut tx, asker, key } =
        Editing::begin(app, asker, id, expected).await?.unlocked()?;
    if !store::api_keys::delete(&mut tx, &key).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    let detail = json!({ "name": key.name });
    audit(app, &mut tx, &asker, event("api_key.deleted", &key, detail));
    Ok(app.commit(tx).await?)
}
