//! Registers resource servers: who tokens may be meant for.

use chrono::TimeDelta;

use serde_json::json;

use super::{Asker, Change, Judged, Rejection, audit, signing_keys};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Algorithm, Expected, JwtType, Resource, ResourceIdentifier, Scopes, Version},
    store::{self, Tx},
};

pub struct NewResource {
    pub identifier: ResourceIdentifier,
    pub scopes: Scopes,
    pub algorithm: Algorithm,
    pub jwt_type: JwtType,
    pub token_lifetime: Option<TimeDelta>,
    /// Whether a request that names no resource means this one. The first resource always is.
    pub is_default: bool,
}

const READ: &str = "resources:read";
const WRITE: &str = "resources:write";

/// Registers the resource, or changes it. `None` expects that there is none yet. A signing key for
/// its algorithm is made if there is none.
pub async fn register(
    app: &App,
    asker: &Asker,
    expected: &Expected,
    new: NewResource,
) -> Result<Resource, Rejection> {
    asker.must_run_server(WRITE)?;
    // Made before the transaction, which must not wait for it.
    let mut spare = Vec::new();
    if !signing_keys::is_there(app, new.algorithm).await? {
        spare.push(signing_keys::prepare(app, new.algorithm).await?);
    }
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must_run_server(WRITE)?;
    if signing_keys::is_missing(&mut tx, new.algorithm).await? {
        signing_keys::add_first(app, &mut tx, asker, spare).await?;
    }
    let resource = set(app, &mut tx, asker, expected, new).await?;
    app.commit(tx).await?;
    Ok(resource)
}

/// [`register`] as a part of a larger transaction, where the signing key is there.
pub(super) async fn set(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    expected: &Expected,
    new: NewResource,
) -> Result<Resource, Rejection> {
    asker.must_run_server(WRITE)?;
    let bounds = Resource::SHORTEST_TOKEN..=Resource::LONGEST_TOKEN;
    if new.token_lifetime.is_some_and(|lifetime| !bounds.contains(&lifetime)) {
        return Err(Rejection::TokenLifetime);
    }
    if new.identifier.is_reserved(&app.settings.issuer) {
        return Err(Rejection::ReservedResource(new.identifier));
    }
    let now = app.clock.now();
    let registered = store::resources::list(tx).await?;
    let before = registered.iter().find(|it| it.identifier == new.identifier);
    let version = match (before, expected) {
        (None, Expected::Any | Expected::Absent) => Version::FIRST,
        (Some(before), _) if expected.allows(before.version) => Version(before.version.0 + 1),
        (Some(_), Expected::Absent) => return Err(Rejection::NameTaken("a resource")),
        _ => return Err(Rejection::ChangedMeanwhile),
    };
    let algorithm_before = match before {
        Some(before) if before.algorithm == new.algorithm => before.algorithm_before,
        Some(before) => Some(algorithm_now(tx, before, now).await?),
        None => None,
    };
    let is_default = new.is_default || registered.is_empty();
    let resource = Resource {
        // In the spelling that tokens have carried from the first.
        identifier: before.map_or(new.identifier, |before| before.identifier.clone()),
        scopes: new.scopes,
        algorithm: new.algorithm,
        algorithm_before,
        jwt_type: new.jwt_type,
        token_lifetime: new.token_lifetime,
        created_at: before.map_or(now, |before| before.created_at),
        default_since: is_default
            .then(|| later_than_all(&registered, now))
            .or(before.and_then(|it| it.default_since)),
        version,
    };
    if !store::resources::set(tx, &resource).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    let detail = json!({
        "scopes": resource.scopes.to_string(),
        "algorithm": resource.algorithm,
        "jwt_type": resource.jwt_type,
        "token_lifetime": resource.token_lifetime.map(|lifetime| lifetime.num_seconds()),
    });
    audit(app, tx, asker, event("resource.registered", &resource.identifier, detail));
    Ok(resource)
}

async fn algorithm_now(
    tx: &mut Tx,
    resource: &Resource,
    now: Timestamp,
) -> Result<Algorithm, Rejection> {
    let pending = signing_keys::pending_in(tx, now).await?;
    let is_pending = pending.iter().any(|(algorithm, _)| *algorithm == resource.algorithm);
    Ok(if is_pending { resource.algorithm_until_then() } else { resource.algorithm })
}

/// The resource that was made the default last is the default, also within one second.
fn later_than_all(registered: &[Resource], now: Timestamp) -> Timestamp {
    let latest = registered.iter().filter_map(|it| it.default_since).max();
    latest.map_or(now, |latest| now.max(latest + TimeDelta::seconds(1)))
}

/// All of them: anyone who has a key may ask for tokens for any.
pub async fn list(app: &App, asker: &Asker) -> Result<Vec<Resource>, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    Ok(store::resources::list(&mut tx).await?)
}

pub async fn show(
    app: &App,
    asker: &Asker,
    identifier: &ResourceIdentifier,
) -> Result<Resource, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    let resource = store::resources::find(&mut tx, identifier).await?;
    resource.ok_or(Rejection::NotFound("resource"))
}

/// No token is issued for it any more.
pub async fn remove(
    app: &App,
    asker: &Asker,
    identifier: &ResourceIdentifier,
    expected: &Expected,
) -> Result<(), Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must_run_server(WRITE)?;
    let resource = store::resources::find(&mut tx, identifier).await?;
    let resource = resource.ok_or(Rejection::NotFound("resource"))?;
    if !expected.allows(resource.version) {
        return Err(Rejection::ChangedMeanwhile);
    }
    if !store::resources::remove(&mut tx, &resource).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    audit(app, &mut tx, asker, event("resource.removed", &resource.identifier, json!({})));
    Ok(app.commit(tx).await?)
}

fn event(
    action: &'static str,
    identifier: &ResourceIdentifier,
    detail: serde_json::Value,
) -> Change {
    Change { action, subject: format!("resource:{identifier}"), organization_id: None, detail }
}
