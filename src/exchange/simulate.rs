//! Tells what a key would get now, without its secret: the steps of an exchange from the judge on.
//! Records nothing, mints nothing.

use std::{net::IpAddr, sync::Arc};

use super::{ExchangeError, Failed, Refusal, Wish, grant, identity::Identity, mint};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{
        ApiKey, ApiKeyId, ApiKeySecret, Lineage, Presented, ProofDemand, ResourceIdentifier, Roles,
        Scopes,
    },
    store::{self, StoreError},
};

/// What would become of an exchange.
#[derive(Debug)]
pub struct Simulation {
    pub key: ApiKey,
    /// The secrets that work, oldest first. Simulated is the one that does so longest.
    pub live_secrets: Vec<ApiKeySecret>,
    pub outcome: Result<Prospect, Refusal>,
}

/// The token that a key would get.
#[derive(Debug)]
pub struct Prospect {
    pub organization: Arc<Lineage>,
    pub resource: ResourceIdentifier,
    pub scopes: Scopes,
    pub roles: Roles,
    pub expires_at: Timestamp,
}

/// Simulates from a certain address, or from one that the key may be used from. `None` where there
/// is no such key.
pub async fn simulate(
    app: &App,
    id: ApiKeyId,
    wish: &Wish,
    from: Option<IpAddr>,
) -> Result<Option<Simulation>, ExchangeError> {
    let now = app.clock.now();
    let mut tx = app.store.read().await?;
    let Some(key) = store::api_keys::find(&mut tx, id).await? else { return Ok(None) };
    let mut secrets = store::api_key_secrets::of_key(&mut tx, id).await?;
    drop(tx);

    // The one that lives longest; a dead one only where all are, and then the judge says so.
    let lasting = secrets.iter().max_by_key(|secret| (secret.dies_at.is_none(), secret.dies_at));
    let secret = lasting.cloned();
    let secret = secret.ok_or(StoreError::Corrupt("api_key_secrets: a key has none"))?;
    // No one is there to prove anything: what the key demands is taken as proved.
    let proved = ApiKey { proof: ProofDemand::None, ..key.clone() };
    let identity = Identity::of_key(Arc::new(Presented { key: proved, secret }));
    let outcome = match grant(app, &identity, wish, from, now).await {
        Ok(granted) => Ok(Prospect {
            expires_at: mint::end(app, &identity, &granted, now),
            organization: granted.acting,
            resource: granted.resource.identifier,
            scopes: granted.scopes,
            roles: granted.roles,
        }),
        Err(Failed::Refused(refused)) => Err(refused.refusal),
        Err(Failed::Error(error)) => return Err(error),
    };
    secrets.retain(|secret| secret.is_live(now));
    Ok(Some(Simulation { key, live_secrets: secrets, outcome }))
}
