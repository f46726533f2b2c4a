//! Registers resource servers: who tokens may be meant for.

use chrono::TimeDelta;

use serde_json::json;

use super::{Asker, Change, Rejection, audit, signing_keys};
use crate::{
    app::App,
    domain::{Algorithm, Resource, ResourceIdentifier, Scopes},
    store::{self, Tx},
};

pub struct NewResource {
    pub identifier: ResourceIdentifier,
    pub scopes: Scopes,
    pub algorithm: Algorithm,
    pub token_lifetime: Option<TimeDelta>,
    /// Whether a request that names no resource means this one. The first resource always is.
    pub is_default: bool,
}

/// Registers the resource, or changes it. A signing key for its algorithm is made if there is none.
pub async fn register(app: &App, asker: &Asker, new: NewResource) -> Result<Resource, Rejection> {
    signing_keys::ensure(app, asker, new.algorithm).await?;
    let mut tx = app.store.write().await?;
    let resource = add(app, &mut tx, asker, new).await?;
    app.commit(tx).await?;
    Ok(resource)
}

/// [`register`] as a part of a larger transaction, where the signing key is there.
pub(super) async fn add(
    app: &App,
    tx: &mut Tx,
    asker: &Asker,
    new: NewResource,
) -> Result<Resource, Rejection> {
    let bounds = Resource::SHORTEST_TOKEN..=Resource::LONGEST_TOKEN;
    if new.token_lifetime.is_some_and(|lifetime| !bounds.contains(&lifetime)) {
        return Err(Rejection::TokenLifetime);
    }
    let now = app.clock.now();
    let is_first = store::resources::list(tx).await?.is_empty();
    let resource = Resource {
        identifier: new.identifier,
        scopes: new.scopes,
        algorithm: new.algorithm,
        token_lifetime: new.token_lifetime,
        created_at: now,
        default_since: (new.is_default || is_first).then_some(now),
    };
    store::resources::set(tx, &resource).await?;
    let change = Change {
        action: "resource.registered",
        subject: format!("resource:{}", resource.identifier),
        organization_id: None,
        detail: json!({
            "scopes": resource.scopes.to_string(),
            "algorithm": resource.algorithm,
            "token_lifetime": resource.token_lifetime.map(|lifetime| lifetime.num_seconds()),
        }),
    };
    audit(app, tx, asker, change).await?;
    Ok(resource)
}

pub async fn list(app: &App) -> Result<Vec<Resource>, Rejection> {
    let mut tx = app.store.read().await?;
    Ok(store::resources::list(&mut tx).await?)
}

/// No token is issued for it any more.
pub async fn remove(
    app: &App,
    asker: &Asker,
    identifier: &ResourceIdentifier,
) -> Result<(), Rejection> {
    let mut tx = app.store.write().await?;
    if !store::resources::remove(&mut tx, identifier).await? {
        return Err(Rejection::NotFound("resource"));
    }
    let change = Change {
        action: "resource.removed",
        subject: format!("resource:{identifier}"),
        organization_id: None,
        detail: json!({}),
    };
    audit(app, &mut tx, asker, change).await?;
    Ok(app.commit(tx).await?)
}
