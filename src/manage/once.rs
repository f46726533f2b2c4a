//! Makes a thing once, however often the request for it is sent.

use super::{Asker, Rejection};
use crate::{
    app::App,
    domain::Once,
    store::{self, StoreError, Tx},
};

/// What a request that may be repeated has led to.
#[derive(Debug)]
pub enum Made<New, Before = New> {
    New(New),
    /// An earlier request with the same key made it.
    Before(Before),
}

/// The id of what an earlier request with this key has made.
pub(super) async fn made_before<Id: std::str::FromStr>(
    tx: &mut Tx,
    asker: &Asker,
    once: &Once,
) -> Result<Option<Id>, Rejection> {
    let before = store::idempotency_keys::find(tx, &asker.actor.to_string(), once).await?;
    let Some(before) = before else { return Ok(None) };
    if before.fingerprint != once.fingerprint {
        return Err(Rejection::OtherRequest);
    }
    let id = before.made.parse();
    Ok(Some(id.map_err(|_| StoreError::Corrupt("idempotency_keys.made"))?))
}

/// What the same request has made that was answered while this one failed: of two that come at once,
/// the later collides with what the earlier makes. Otherwise, why this one failed.
pub(super) async fn made_meanwhile<Id: std::str::FromStr>(
    app: &App,
    asker: &Asker,
    once: &Once,
    failed: Rejection,
) -> Result<Id, Rejection> {
    let collided = matches!(
        failed,
        Rejection::NameTaken(_)
            | Rejection::Exists
            | Rejection::ChangedMeanwhile
            | Rejection::TooManyKeys(_)
            | Rejection::TooManyClients(_)
    );
    if !collided {
        return Err(failed);
    }
    let mut tx = app.store.read().await?;
    made_before(&mut tx, asker, once).await?.ok_or(failed)
}

pub(super) async fn remember(
    app: &App,
    tx: &mut Tx,
    asker: &Asker,
    once: &Once,
    made: impl std::fmt::Display,
) -> Result<(), Rejection> {
    let (actor, made) = (asker.actor.to_string(), made.to_string());
    let kept = store::idempotency_keys::insert(tx, &actor, once, &made, app.clock.now()).await;
    kept.map_err(|error| match error {
        // The same request is being answered just now.
        StoreError::Conflict => Rejection::ChangedMeanwhile,
        other => other.into(),
    })
}
