//! Makes a thing once, however often the request for it is sent.

use super::{Judged, Rejection};
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

/// Whose keys these are: a client that acts for several users sends one key for each of them.
fn sender(asker: &Judged) -> String {
    match &asker.on_behalf_of {
        Some(subject) => format!("{} for {subject}", asker.actor),
        None => asker.actor.to_string(),
    }
}

/// The id of what an earlier request with this key has made.
pub(super) async fn made_before<Id: std::str::FromStr>(
    tx: &mut Tx,
    asker: &Judged,
    once: &Once,
) -> Result<Option<Id>, Rejection> {
    let before = store::idempotency_keys::find(tx, &sender(asker), once).await?;
    let Some(before) = before else { return Ok(None) };
    if before.fingerprint != once.fingerprint {
        return Err(Rejection::OtherRequest);
    }
    let id = before.made.parse();
    Ok(Some(id.map_err(|_| StoreError::Corrupt("idempotency_keys.made"))?))
}

pub(super) async fn remember(
    app: &App,
    tx: &mut Tx,
    asker: &Judged,
    once: &Once,
    made: impl std::fmt::Display,
) -> Result<(), Rejection> {
    let (sender, made) = (sender(asker), made.to_string());
    let kept = store::idempotency_keys::insert(tx, &sender, once, &made, app.clock.now()).await;
    kept.map_err(|error| match error {
        // The same request is being answered just now.
        StoreError::Conflict => Rejection::ChangedMeanwhile,
        other => other.into(),
    })
}
