//! Decides whether a proved key may be used at all: now, from here, by this owner.

use std::{net::IpAddr, sync::Arc};

use super::{Failed, Refusal};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Lineage, Owner, Person, Presented, Status},
};

/// The owner of the key as of now, with the lineages in which the key's roles were given.
pub(super) struct Standing {
    pub(super) person: Option<Arc<Person>>,
    pub(super) givers: Vec<Arc<Lineage>>,
}

pub(super) async fn judge(
    app: &App,
    subject: &Presented,
    source: IpAddr,
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
    if !key.allowed_networks.allow(source) {
        return Err(Refusal::AddressNotAllowed(source).into());
    }
    match key.owner {
        Owner::Organization(id) => {
            let lineage = app.directory.lineage(id).await?.ok_or(Refusal::OwnerGone)?;
            if !lineage.is_enabled() {
                return Err(Refusal::OwnerDisabled.into());
            }
            Ok(Standing { person: None, givers: vec![lineage] })
        }
        Owner::User(id) => {
            let person = app.directory.person(id).await?.ok_or(Refusal::OwnerGone)?;
            if person.user.disabled_at.is_some() {
                return Err(Refusal::OwnerDisabled.into());
            }
            let mut givers = Vec::with_capacity(person.memberships.len());
            for membership in &person.memberships {
                givers.extend(app.directory.lineage(membership.organization_id).await?);
            }
            Ok(Standing { person: Some(person), givers })
        }
    }
}
