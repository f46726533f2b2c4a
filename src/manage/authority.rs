//! What the holder of one of our tokens may do here: less than the token says, if its key lost
//! rights since.

use std::net::IpAddr;

use super::Rejection;
use crate::{
    app::App,
    domain::{
        ApiKeyId, Authority, Below, Bounds, OrganizationId, Owner, Scopes, Status, held_scopes,
    },
    store,
};

/// What of a verified token matters here.
#[derive(Clone, Debug)]
pub struct Carried {
    pub api_key_id: ApiKeyId,
    pub organization: OrganizationId,
    pub scopes: Scopes,
}

/// `None` where the key behind the token works no more, or not from this address.
pub async fn of_token(
    app: &App,
    carried: &Carried,
    source: IpAddr,
) -> Result<Option<Authority>, Rejection> {
    let mut tx = app.store.read().await?;
    let Some(key) = store::api_keys::find(&mut tx, carried.api_key_id).await? else {
        return Ok(None);
    };
    let first = store::organizations::first(&mut tx).await?;
    drop(tx);
    if key.status(app.clock.now()) != Status::Active || !key.allowed_networks.allow(source) {
        return Ok(None);
    }
    let Some(standing) = app.directory.standing(key.owner).await? else { return Ok(None) };
    let Some(acting) = app.directory.lineage(carried.organization).await? else { return Ok(None) };
    if !standing.is_enabled() || !acting.is_enabled() {
        return Ok(None);
    }
    let givers: Vec<_> = standing.givers.iter().map(|giver| &**giver).collect();
    let Ok(held) = held_scopes(&key, standing.person.as_deref(), &givers, &acting) else {
        return Ok(None);
    };
    let scopes = held.intersection(&app.own_resource.scopes).intersection(&carried.scopes);
    Ok(Some(Authority::Bounded(Box::new(Bounds {
        api_key_id: key.id,
        to_give: Bounds::to_give(&held, &scopes, &app.own_resource),
        scopes,
        organization: carried.organization,
        below: Below::from(&key.reach),
        user: match key.owner {
            Owner::User(id) => Some(id),
            Owner::Organization(_) => None,
        },
        roles: key.roles,
        expires_at: key.expires_at,
        proof: key.proof.clone(),
        networks: key.allowed_networks,
        runs_server: first == Some(carried.organization),
    }))))
}
