//! Decides whether what was proved may be used at all: now, from here, by this owner.

use std::net::IpAddr;

use super::{
    Failed, Refusal,
    identity::{Holder, Identity},
};
use crate::{
    app::App,
    clock::Timestamp,
    directory::Standing,
    domain::{KnownClient, Owner, Presented, Status},
};

/// `from` is missing where it is not known, or does not matter.
pub(super) async fn judge(
    app: &App,
    identity: &Identity,
    from: Option<IpAddr>,
    now: Timestamp,
) -> Result<Standing, Failed> {
    if let Some(end) = identity.ceiling.expires_at.filter(|end| *end <= now) {
        return Err(Refusal::InputExpired(end).into());
    }
    if let Some(known) = &identity.client {
        client(app, known, now).await?;
    }
    match &identity.holder {
        Holder::Key(presented) => key(app, presented, from, now).await,
        Holder::Client(known) => client(app, known, now).await,
        Holder::Workload(trust, _) => {
            if trust.disabled_at.is_some() {
                return Err(Refusal::TrustDisabled(trust.id).into());
            }
            if let Some(end) = trust.terms.expires_at.filter(|end| *end <= now) {
                return Err(Refusal::TrustExpired(end).into());
            }
            let networks = &trust.terms.allowed_networks;
            if let Some(source) = from.filter(|source| !networks.allow(*source)) {
                return Err(Refusal::AddressNotAllowed(source, networks.clone()).into());
            }
            standing(app, Owner::Organization(trust.organization_id)).await
        }
    }
}

async fn key(
    app: &App,
    presented: &Presented,
    from: Option<IpAddr>,
    now: Timestamp,
) -> Result<Standing, Failed> {
    let Presented { key, secret } = presented;
    if let Some(died_at) = secret.dies_at.filter(|_| !secret.is_live(now)) {
        return Err(Refusal::SecretReplaced(died_at).into());
    }
    match key.status(now) {
        Status::Active => (),
        Status::Expired => return Err(Refusal::KeyExpired(key.expires_at.unwrap_or(now)).into()),
        Status::Disabled => return Err(Refusal::KeyDisabled.into()),
        Status::Revoked => return Err(Refusal::KeyRevoked(key.revoked_at.unwrap_or(now)).into()),
    }
    if let Some(source) = from.filter(|source| !key.allowed_networks.allow(*source)) {
        return Err(Refusal::AddressNotAllowed(source, key.allowed_networks.clone()).into());
    }
    standing(app, key.owner).await
}

async fn client(app: &App, known: &KnownClient, now: Timestamp) -> Result<Standing, Failed> {
    usable(known, now)?;
    standing(app, Owner::Organization(known.client.organization_id)).await
}

/// Whether the client itself may get tokens.
pub(super) fn usable(known: &KnownClient, now: Timestamp) -> Result<(), Refusal> {
    let KnownClient { client, .. } = known;
    if client.disabled_at.is_some() {
        return Err(Refusal::ClientDisabled(client.id));
    }
    match client.terms.expires_at.filter(|end| *end <= now) {
        Some(end) => Err(Refusal::ClientExpired(client.id, end)),
        None => Ok(()),
    }
}

async fn standing(app: &App, owner: Owner) -> Result<Standing, Failed> {
    let standing = app.directory.standing(owner).await?.ok_or(Refusal::OwnerGone)?;
    if standing.is_enabled() { Ok(standing) } else { Err(Refusal::OwnerDisabled.into()) }
}
