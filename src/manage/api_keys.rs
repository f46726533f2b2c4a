//! Makes, lists, disables, rotates and revokes API keys.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Asker, Change, Rejection, audit, taken};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{
        ApiKey, ApiKeyId, ApiKeySecret, KeyName, Lifetime, Networks, OrganizationId, Owner, Reach,
        Roles, Secret, SecretId,
    },
    store::{self, Tx},
};

pub struct NewApiKey {
    pub owner: Owner,
    pub name: KeyName,
    pub description: String,
    /// `None`, for a user's key only: whatever the user may do.
    pub roles: Option<Roles>,
    pub reach: Reach,
    pub allowed_networks: Networks,
    pub lifetime: Lifetime,
}

/// A new key, and its secret for the one time that anybody sees it.
pub struct Created {
    pub key: ApiKey,
    pub secret: Secret,
}

/// A key as its owner sees it.
pub struct Listed {
    pub key: ApiKey,
    pub secrets: Vec<(ApiKeySecret, Option<LastUse>)>,
}

/// The last minute in which a token was issued, and to which address. When usage is no longer kept:
/// a minute at most two hours before it, and no address.
pub struct LastUse {
    pub minute: i64,
    pub source: Option<String>,
}

pub async fn create(app: &App, asker: &Asker, new: NewApiKey) -> Result<Created, Rejection> {
    let mut tx = app.store.write().await?;
    let created = add(app, &mut tx, asker, new).await?;
    app.commit(tx).await?;
    Ok(created)
}

/// [`create`] as a part of a larger transaction.
pub(super) async fn add(
    app: &App,
    tx: &mut Tx,
    asker: &Asker,
    new: NewApiKey,
) -> Result<Created, Rejection> {
    let now = app.clock.now();
    let expires_at = app.settings.keys.expiry(new.lifetime, now)?;
    match new.owner {
        Owner::Organization(id) => check_for_organization(app, tx, id, &new).await?,
        Owner::User(id) => {
            store::users::person(tx, id).await?.ok_or(Rejection::NotFound("user"))?;
        }
    }
    let key = ApiKey {
        id: ApiKeyId(app.random.id(now)),
        owner: new.owner,
        name: new.name,
        description: new.description,
        roles: new.roles,
        reach: new.reach,
        allowed_networks: new.allowed_networks,
        created_at: now,
        expires_at,
        disabled_at: None,
        revoked_at: None,
    };
    store::api_keys::insert(tx, &key).await.map_err(taken("a key"))?;
    let secret = add_secret(app, tx, key.id, now).await?;
    let detail = json!({
        "name": key.name,
        "roles": key.roles.as_ref().map(ToString::to_string),
        "reach": key.reach.to_string(),
        "expires_at": key.expires_at,
    });
    audit(app, tx, asker, change("api_key.created", &key, detail)).await?;
    Ok(Created { key, secret })
}

async fn check_for_organization(
    app: &App,
    tx: &mut Tx,
    id: OrganizationId,
    new: &NewApiKey,
) -> Result<(), Rejection> {
    let lineage = store::organizations::lineage(tx, id).await?;
    let lineage = lineage.ok_or(Rejection::NotFound("organization"))?;
    let roles = new.roles.as_ref().filter(|roles| !roles.is_empty()).ok_or(Rejection::NoRole)?;
    if let Some(unknown) = roles.iter().find(|role| !lineage.knows(role)) {
        return Err(Rejection::UnknownRole(unknown.clone()));
    }
    if let Reach::Listed(listed) = &new.reach {
        for &organization in listed {
            let found = store::organizations::lineage(tx, organization).await?;
            if !found.is_some_and(|found| found.is_within(id)) {
                return Err(Rejection::OutOfReach(organization));
            }
        }
    }
    let Some(most) = app.settings.keys.most_per_tree else { return Ok(()) };
    if store::api_keys::count_in_tree(tx, lineage.root()).await? >= i64::from(most.get()) {
        return Err(Rejection::TooManyKeys(most));
    }
    Ok(())
}

async fn add_secret(
    app: &App,
    tx: &mut Tx,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<Secret, Rejection> {
    let secret = Secret::generate(&app.settings.keys.prefix, &app.random);
    let secret_id = SecretId(app.random.id(now));
    store::api_key_secrets::insert(tx, secret_id, id, secret.hash(), now).await?;
    Ok(secret)
}

/// Every key with its secrets and when they were last used, oldest first.
pub async fn list(app: &App) -> Result<Vec<Listed>, Rejection> {
    let mut tx = app.store.read().await?;
    let mut listed = Vec::new();
    for key in store::api_keys::list(&mut tx).await? {
        listed.push(with_secrets(&mut tx, key).await?);
    }
    Ok(listed)
}

pub async fn show(app: &App, id: ApiKeyId) -> Result<Listed, Rejection> {
    let mut tx = app.store.read().await?;
    let key = find(&mut tx, id).await?;
    with_secrets(&mut tx, key).await
}

/// The keys of this name, oldest first: each owner may have one.
pub async fn named(app: &App, name: &KeyName) -> Result<Vec<ApiKey>, Rejection> {
    let mut tx = app.store.read().await?;
    Ok(store::api_keys::named(&mut tx, name).await?)
}

async fn with_secrets(tx: &mut Tx, key: ApiKey) -> Result<Listed, Rejection> {
    let mut secrets = Vec::new();
    for secret in store::api_key_secrets::of_key(tx, key.id).await? {
        let last = store::usage::last_used(tx, secret.id).await?;
        secrets.push((secret, last.map(|(minute, source)| LastUse { minute, source })));
    }
    Ok(Listed { key, secrets })
}

/// When this returns, this node exchanges the key no more; every other node within a second.
pub async fn revoke(app: &App, asker: &Asker, id: ApiKeyId) -> Result<(), Rejection> {
    let mut tx = app.store.write().await?;
    let key = find(&mut tx, id).await?;
    // Revoking twice is no error: what was asked for is so.
    if store::api_keys::revoke(&mut tx, id, app.clock.now()).await? {
        audit(app, &mut tx, asker, change("api_key.revoked", &key, json!({}))).await?;
    }
    Ok(app.commit(tx).await?)
}

/// Stops the key from being exchanged, or lets it again.
pub async fn set_enabled(
    app: &App,
    asker: &Asker,
    id: ApiKeyId,
    enabled: bool,
) -> Result<(), Rejection> {
    let mut tx = app.store.write().await?;
    let key = find(&mut tx, id).await?;
    let at = (!enabled).then(|| app.clock.now());
    store::api_keys::disable(&mut tx, id, at).await?;
    let action = if enabled { "api_key.enabled" } else { "api_key.disabled" };
    audit(app, &mut tx, asker, change(action, &key, json!({}))).await?;
    Ok(app.commit(tx).await?)
}

/// Gives the key other roles, from the next exchange on; the secret stays.
pub async fn set_roles(
    app: &App,
    asker: &Asker,
    id: ApiKeyId,
    roles: Roles,
) -> Result<(), Rejection> {
    let mut tx = app.store.write().await?;
    let key = find(&mut tx, id).await?;
    if let Owner::Organization(owner) = key.owner {
        let lineage = store::organizations::lineage(&mut tx, owner).await?;
        let lineage = lineage.ok_or(Rejection::NotFound("organization"))?;
        if let Some(unknown) = roles.iter().find(|role| !lineage.knows(role)) {
            return Err(Rejection::UnknownRole(unknown.clone()));
        }
    }
    if roles.is_empty() {
        return Err(Rejection::NoRole);
    }
    store::api_keys::set_roles(&mut tx, id, &roles).await?;
    let detail = json!({ "roles": roles.to_string() });
    audit(app, &mut tx, asker, change("api_key.roles_set", &key, detail)).await?;
    Ok(app.commit(tx).await?)
}

/// Changes when the key expires, where the policy lets it.
pub async fn set_expiry(
    app: &App,
    asker: &Asker,
    id: ApiKeyId,
    lifetime: Lifetime,
) -> Result<(), Rejection> {
    let policy = &app.settings.keys;
    if !policy.expiry_may_change {
        return Err(Rejection::ExpiryIsFixed);
    }
    let expires_at = policy.expiry(lifetime, app.clock.now())?;
    let mut tx = app.store.write().await?;
    let key = find(&mut tx, id).await?;
    store::api_keys::set_expiry(&mut tx, id, expires_at).await?;
    let detail = json!({ "expires_at": expires_at });
    audit(app, &mut tx, asker, change("api_key.expiry_set", &key, detail)).await?;
    Ok(app.commit(tx).await?)
}

/// Gives the key a new secret. The old one goes on for `grace`, 7 days at most, so that nobody is
/// locked out while the new one is handed round.
pub async fn rotate(
    app: &App,
    asker: &Asker,
    id: ApiKeyId,
    grace: TimeDelta,
) -> Result<Secret, Rejection> {
    if grace > TimeDelta::days(7) {
        return Err(Rejection::GraceTooLong);
    }
    let now = app.clock.now();
    let mut tx = app.store.write().await?;
    let key = find(&mut tx, id).await?;
    if key.revoked_at.is_some() {
        return Err(Rejection::Revoked);
    }
    let before = store::api_key_secrets::of_key(&mut tx, id).await?;
    let newest = before.iter().rposition(|secret| secret.is_live(now));
    for (position, old) in before.iter().enumerate().filter(|(_, secret)| secret.is_live(now)) {
        // Two live secrets at the most: of several only the newest is given time.
        let dies_at = if Some(position) == newest { now + grace } else { now };
        store::api_key_secrets::retire(&mut tx, old, dies_at).await?;
    }
    let secret = add_secret(app, &mut tx, id, now).await?;
    let detail = json!({ "old_secret_dies_at": now + grace });
    audit(app, &mut tx, asker, change("api_key.rotated", &key, detail)).await?;
    app.commit(tx).await?;
    Ok(secret)
}

async fn find(tx: &mut Tx, id: ApiKeyId) -> Result<ApiKey, Rejection> {
    store::api_keys::find(tx, id).await?.ok_or(Rejection::NotFound("key"))
}

fn change(action: &'static str, key: &ApiKey, detail: Value) -> Change {
    let organization_id = match key.owner {
        Owner::Organization(id) => Some(id),
        Owner::User(_) => None,
    };
    Change { action, subject: format!("key:{}", key.id), organization_id, detail }
}
