//! Registers OAuth clients.

use serde_json::json;

use super::{Asker, Change, Rejection, audit, taken};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{
        Client, ClientId, ClientSecret, ClientTerms, KeyName, OrganizationId, Secret, SecretId,
        Version,
    },
    store::{self, Tx},
};

pub struct NewClient {
    pub organization_id: OrganizationId,
    pub name: KeyName,
    pub terms: ClientTerms,
}

/// A new client, and its secret for the one time that anybody sees it.
pub struct Registered {
    pub client: Client,
    /// Where it proves itself by one.
    pub secret: Option<Secret>,
}

const WRITE: &str = "clients:write";

pub async fn register(app: &App, asker: &Asker, new: NewClient) -> Result<Registered, Rejection> {
    asker.must(WRITE)?;
    let mut tx = app.store.write().await?;
    asker.organization(&mut tx, new.organization_id).await?;
    let now = app.clock.now();
    let client = Client {
        id: ClientId(app.random.id(now)),
        organization_id: new.organization_id,
        name: new.name,
        terms: new.terms,
        created_at: now,
        disabled_at: None,
        status_index: 0,
        registration: None,
        version: Version::FIRST,
    };
    let inserted = store::clients::insert(&mut tx, client).await;
    let client = inserted.map_err(taken("a client"))?;
    let mut secret = None;
    if client.terms.authentication.has_secret() {
        secret = Some(add_secret_in(app, &mut tx, client.id, None).await?);
    }
    let detail = json!({ "name": client.name, "terms": client.terms });
    audit(app, &mut tx, asker, event("client.registered", &client, detail));
    app.commit(tx).await?;
    Ok(Registered { client, secret })
}

async fn add_secret_in(
    app: &App,
    tx: &mut Tx,
    client_id: ClientId,
    expires_at: Option<Timestamp>,
) -> Result<Secret, Rejection> {
    let now = app.clock.now();
    let secret = Secret::for_client(&app.random);
    let kept = ClientSecret {
        id: SecretId(app.random.id(now)),
        client_id,
        hash: secret.hash(),
        created_at: now,
        expires_at,
    };
    store::client_secrets::insert(tx, &kept).await?;
    Ok(secret)
}

fn event(action: &'static str, client: &Client, detail: serde_json::Value) -> Change {
    Change {
        action,
        subject: format!("client:{}", client.id),
        organization_id: Some(client.organization_id),
        detail,
    }
}
