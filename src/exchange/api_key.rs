//! Identifies a key by the secret its holder presents, and by the name if the door asks for one.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::{ClaimedName, Failed, Refusal};
use crate::{
    app::App,
    domain::{ApiKey, Presented, Secret, SecretHash},
};

pub(super) async fn identify(
    app: &App,
    name: &ClaimedName,
    secret: &SecretString,
) -> Result<Arc<Presented>, Failed> {
    let secret: Secret = secret.expose_secret().parse().map_err(Refusal::MalformedSecret)?;
    let subject = find(app, &secret.hash()).await?;
    // Only after the hash has found the key: a wrong name costs what a wrong secret costs.
    if !is_called(&subject.key, name) {
        let refusal = Refusal::WrongName(subject.key.name.clone());
        return Err(Failed::from(refusal).of(&subject));
    }
    Ok(subject)
}

pub(super) async fn find(app: &App, hash: &SecretHash) -> Result<Arc<Presented>, Failed> {
    Ok(app.directory.key(hash).await?.ok_or(Refusal::UnknownSecret)?)
}

fn is_called(key: &ApiKey, name: &ClaimedName) -> bool {
    match name {
        ClaimedName::None => true,
        ClaimedName::Name(name) => key.name.as_str() == name,
        ClaimedName::NameOrId(name) => {
            key.name.as_str() == name || name.parse().is_ok_and(|id| key.id == id)
        }
    }
}
