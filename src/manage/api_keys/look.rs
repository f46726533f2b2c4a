//! Shows API keys: whose they are, what they may do, when they were last used.

use super::{READ, Rejection, find};
use crate::{
    app::App,
    domain::{ApiKey, ApiKeyId, ApiKeySecret, KeyName, OrganizationId, Owner, acting_organization},
    manage::Asker,
    store::{self, Page, Tx, api_keys::Filter},
};

/// A key as its owner sees it.
#[derive(Debug)]
pub struct Listed {
    pub key: ApiKey,
    /// Oldest first, dead ones included.
    pub secrets: Vec<(ApiKeySecret, Option<LastUse>)>,
}

/// The last minute in which a token was issued, and to which address. When usage is no longer kept:
/// a minute at most two hours before it, and no address.
#[derive(Debug)]
pub struct LastUse {
    pub minute: i64,
    pub source: Option<String>,
}

/// The keys that the asker may know of, with their secrets, oldest first.
pub async fn list(
    app: &App,
    asker: &Asker,
    filter: &Filter,
    page: Page<ApiKeyId>,
) -> Result<Vec<Listed>, Rejection> {
    asker.must(READ)?;
    let now = app.clock.now();
    let mut tx = app.store.read().await?;
    let mut all = Vec::new();
    for key in store::api_keys::list(&mut tx, asker.sight(), filter, page, now).await? {
        all.push(listed(&mut tx, key).await?);
    }
    Ok(all)
}

pub async fn show(app: &App, asker: &Asker, id: ApiKeyId) -> Result<Listed, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    let key = find(&mut tx, asker, id).await?;
    listed(&mut tx, key).await
}

/// How many keys that are not revoked an organization has.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    pub own: i64,
    /// Its own and those of all below it.
    pub in_tree: i64,
}

pub async fn count(
    app: &App,
    asker: &Asker,
    organization: OrganizationId,
) -> Result<Numbers, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    asker.organization(&mut tx, organization).await?;
    Ok(Numbers {
        own: store::api_keys::count(&mut tx, organization).await?,
        in_tree: store::api_keys::count_in_tree(&mut tx, organization).await?,
    })
}

/// The keys of this name, oldest first: each owner may have one. For a person at the machine.
pub async fn named(app: &App, name: &KeyName) -> Result<Vec<ApiKey>, Rejection> {
    let mut tx = app.store.read().await?;
    Ok(store::api_keys::named(&mut tx, name).await?)
}

/// Where a key acts if a request names no organization: that of its user which the user joined
/// first, among those that the key reaches. `None` where it acts nowhere.
pub async fn default_organization(
    app: &App,
    key: &ApiKey,
) -> Result<Option<OrganizationId>, Rejection> {
    let person = match key.owner {
        Owner::User(id) => app.directory.person(id).await?,
        Owner::Organization(_) => None,
    };
    Ok(acting_organization(key, person.as_deref(), None).ok())
}

/// A key that someone has just made or changed, as its owner sees it.
pub async fn with_secrets(app: &App, key: ApiKey) -> Result<Listed, Rejection> {
    let mut tx = app.store.read().await?;
    listed(&mut tx, key).await
}

async fn listed(tx: &mut Tx, key: ApiKey) -> Result<Listed, Rejection> {
    let mut secrets = Vec::new();
    for secret in store::api_key_secrets::of_key(tx, key.id).await? {
        let last = store::usage::last_used(tx, secret.id).await?;
        secrets.push((secret, last.map(|(minute, source)| LastUse { minute, source })));
    }
    Ok(Listed { key, secrets })
}
