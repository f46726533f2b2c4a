//! What owners do with OAuth clients.

mod bounds;
mod change;
pub mod itself;
mod look;
mod register;
mod secrets;

use serde_json::Value;

pub(super) use self::{change::edit_in, register::add};
pub use self::{
    change::{Edit, TermsEdit, delete, update},
    look::{Listed, list, named, show, with_secrets},
    register::{NewClient, Registered, register, register_once},
    secrets::{NewSecret, add_secret, remove_secret},
};
use super::{Asker, Change, Judged, Rejection};
use crate::{
    domain::{Client, ClientId},
    store::{self, Tx},
};

pub(super) const READ: &str = "clients:read";
const WRITE: &str = "clients:write";

/// The client, if the asker may know of it.
async fn find(tx: &mut Tx, asker: &Asker, id: ClientId) -> Result<Client, Rejection> {
    const NONE: Rejection = Rejection::NotFound("client");
    let client = store::clients::find(tx, id).await?.ok_or(NONE)?;
    asker.organization(tx, client.organization_id).await.map_err(|rejection| match rejection {
        Rejection::NotFound(_) => NONE,
        other => other,
    })?;
    Ok(client)
}

fn event(action: &'static str, client: &Client, detail: Value) -> Change {
    Change {
        action,
        subject: format!("client:{}", client.id),
        organization_id: Some(client.organization_id),
        detail,
    }
}
