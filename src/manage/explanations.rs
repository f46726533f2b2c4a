//! Who may be told why a request was refused.

use super::{
    Asker, Rejection,
    api_keys::{READ, find},
};
use crate::{app::App, domain::ApiKeyId};

/// A refusal of a key's holder is told to whoever may know of the key. One that leads to no key is
/// told to everybody who may look at keys: its request id was given to its caller alone.
pub async fn check_sight(
    app: &App,
    asker: &Asker,
    refused: Option<ApiKeyId>,
) -> Result<(), Rejection> {
    asker.must(READ)?;
    let Some(id) = refused else { return Ok(()) };
    let mut tx = app.store.read().await?;
    match find(&mut tx, asker, id).await {
        Err(Rejection::NotFound(_)) => Err(Rejection::NotFound("explanation")),
        found => found.map(drop),
    }
}
