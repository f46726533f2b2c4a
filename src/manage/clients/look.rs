//! Shows clients: what they may do, and when their secrets were last used.

use super::{READ, Rejection, find};
use crate::{
    app::App,
    domain::{Client, ClientId, ClientSecret, KeyName, OrganizationId},
    manage::Asker,
    store::{self, Page, Tx},
};

/// A client as its owner sees it.
#[derive(Debug)]
pub struct Listed {
    pub client: Client,
    /// Oldest first, ended ones included; each with the minute since 1970 of its last use, or one
    /// of the two hours before it.
    pub secrets: Vec<(ClientSecret, Option<i64>)>,
}

/// Those that the asker may know of, of one organization if it is named; oldest first.
pub async fn list(
    app: &App,
    asker: &Asker,
    organization: Option<OrganizationId>,
    page: Page<ClientId>,
) -> Result<Vec<Listed>, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    let mut all = Vec::new();
    for client in store::clients::list(&mut tx, asker.sight(), organization, page).await? {
        all.push(listed(&mut tx, client).await?);
    }
    Ok(all)
}

pub async fn show(app: &App, asker: &Asker, id: ClientId) -> Result<Listed, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    let client = find(&mut tx, asker, id).await?;
    listed(&mut tx, client).await
}

/// The clients of this name, oldest first: each organization may have one. For a person at the
/// machine.
pub async fn named(app: &App, name: &KeyName) -> Result<Vec<Client>, Rejection> {
    let mut tx = app.store.read().await?;
    Ok(store::clients::named(&mut tx, name.as_str()).await?)
}

/// A client that someone has just made or changed, as its owner sees it.
pub async fn with_secrets(app: &App, client: Client) -> Result<Listed, Rejection> {
    let mut tx = app.store.read().await?;
    listed(&mut tx, client).await
}

async fn listed(tx: &mut Tx, client: Client) -> Result<Listed, Rejection> {
    let secrets = store::client_secrets::of_client(tx, client.id).await?;
    let used = store::client_secrets::last_used(tx, client.id).await?;
    let last = |secret: &ClientSecret| {
        used.iter().find(|(id, _)| *id == secret.id).and_then(|(_, minute)| *minute)
    };
    let secrets = secrets.into_iter().map(|secret| {
        let last = last(&secret);
        (secret, last)
    });
    Ok(Listed { secrets: secrets.collect(), client })
}
