//! Who may be told why a request was refused.

use super::{
    Asker, Rejection,
    api_keys::{READ, find},
};
use crate::{app::App, domain::RefusalRecord};

/// A refusal of a key's holder is told to anyone who may know of the key, one that quotes rules of
/// an organization to anyone who may know of that. Any other is told to everybody who may look at
/// keys: its request id was given to its caller alone.
pub async fn check_sight(
    app: &App,
    asker: &Asker,
    refused: Option<&RefusalRecord>,
) -> Result<(), Rejection> {
    asker.must(READ)?;
    let Some(refused) = refused else { return Ok(()) };
    let mut tx = app.store.read().await?;
    let seen = async {
        if let Some(id) = refused.api_key_id {
            find(&mut tx, asker, id).await?;
        }
        if let Some(id) = refused.organization_id {
            asker.organization(&mut tx, id).await?;
        }
        Ok(())
    };
    seen.await.map_err(|rejection| match rejection {
        Rejection::NotFound(_) => Rejection::NotFound("explanation"),
        other => other,
    })
}
