//! What owners do with API keys.

mod bounds;
mod change;
mod create;
mod look;
mod rotate;

use serde_json::Value;

pub use self::{
    change::{Edit, delete, revoke, set_enabled, set_locked, update},
    create::{Created, NewApiKey, create, create_once},
    look::{
        LastUse, Listed, Numbers, count, default_organization, list, named, show, with_secrets,
    },
    rotate::{OldSecret, Rotated, Rotation, rotate, set_rotation_end},
};
pub(super) use self::{
    change::{edit_in, set_enabled_in, set_locked_in, write},
    create::add,
};
use super::{Asker, Change, Rejection};
pub use crate::store::api_keys::Filter;
use crate::{
    domain::{ApiKey, ApiKeyId, Owner},
    store::{self, Tx},
};

pub(super) const READ: &str = "keys:read";
const WRITE: &str = "keys:write";

/// The key, if the asker may know of it.
pub(super) async fn find(tx: &mut Tx, asker: &Asker, id: ApiKeyId) -> Result<ApiKey, Rejection> {
    let key = store::api_keys::find(tx, id).await?.ok_or(Rejection::NotFound("key"))?;
    check_sight(tx, asker, key.owner).await?;
    Ok(key)
}

async fn check_sight(tx: &mut Tx, asker: &Asker, owner: Owner) -> Result<(), Rejection> {
    let seen = match owner {
        Owner::Organization(id) => asker.reaches(tx, id).await?,
        Owner::User(id) => asker.authority.is_user(id),
    };
    if seen { Ok(()) } else { Err(Rejection::NotFound("key")) }
}

fn event(action: &'static str, key: &ApiKey, detail: Value) -> Change {
    let organization_id = match key.owner {
        Owner::Organization(id) => Some(id),
        Owner::User(_) => None,
    };
    Change { action, subject: format!("key:{}", key.id), organization_id, detail }
}
