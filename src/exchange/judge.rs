//! Decides whether a proved key may be used at all: now, from here, by this owner.

use std::net::IpAddr;

use super::{Failed, Refusal};
use crate::{
    app::App,
    clock::Timestamp,
    directory::Standing,
    domain::{Presented, Status},
};

/// `from` is missing in a simulation only, which need not say where it would be.
pub(super) async fn judge(
    app: &App,
    subject: &Presented,
    from: Option<IpAddr>,
    now: Timestamp,
) -> Result<Standing, Failed> {
    let Presented { key, secret } = subject;
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
    let standing = app.directory.standing(key.owner).await?.ok_or(Refusal::OwnerGone)?;
    if standing.is_enabled() { Ok(standing) } else { Err(Refusal::OwnerDisabled.into()) }
}
