//! Identifies a key by the secret its holder presents, and by the name if the door asks for one.

use std::net::IpAddr;

use secrecy::{ExposeSecret as _, SecretString};

use super::{ClaimedName, Failed, Refusal, identity::Identity};
use crate::{
    app::App,
    domain::{ApiKey, Secret},
};

pub(super) async fn identify(
    app: &App,
    name: &ClaimedName,
    secret: &SecretString,
    source: IpAddr,
) -> Result<Identity, Failed> {
    let secret: Secret = secret.expose_secret().parse().map_err(Refusal::MalformedSecret)?;
    let hash = secret.hash();
    if !app.may_look_up(&hash, source).await {
        return Err(Refusal::UnknownSecret.into());
    }
    let found = app.directory.key(&hash).await?.ok_or(Refusal::UnknownSecret)?;
    // Only after the hash has found the key: a wrong name costs what a wrong secret costs.
    let wrong = (!is_called(&found.key, name)).then(|| found.key.name.clone());
    let identity = Identity::of_key(found);
    match wrong {
        Some(name) => Err(Failed::from(Refusal::WrongName(name)).of(&identity)),
        None => Ok(identity),
    }
}

pub(super) fn is_called(key: &ApiKey, name: &ClaimedName) -> bool {
    match name {
        ClaimedName::None => true,
        ClaimedName::Name(name) => key.name.as_str() == name,
        ClaimedName::NameOrId(name) => {
            key.name.as_str() == name || name.parse().is_ok_and(|id| key.id == id)
        }
    }
}
