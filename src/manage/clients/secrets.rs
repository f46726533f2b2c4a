//! A client's secrets: several work at once, so that the next is in use before the last one goes.

use serde_json::json;

use super::{Rejection, WRITE, bounds, event, find};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Client, ClientId, ClientSecret, Secret, SecretId},
    manage::{Asker, audit},
    store::{self, Tx},
};

/// Two suffice for replacing one by another; more are for anyone who forgets the last.
const MOST: usize = 5;

/// A further secret, which is shown once.
#[derive(Debug)]
pub struct NewSecret {
    pub client: Client,
    pub id: SecretId,
    pub secret: Secret,
}

/// `expires_at`: when it ends; `None`: when it is removed.
pub async fn add_secret(
    app: &App,
    asker: &Asker,
    id: ClientId,
    expires_at: Option<Timestamp>,
) -> Result<NewSecret, Rejection> {
    if expires_at.is_some_and(|end| end <= app.clock.now()) {
        return Err(Rejection::SecretEndsInThePast);
    }
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    let client = find(&mut tx, asker, id).await?;
    if !client.terms.authentication.has_secret() {
        return Err(Rejection::NoSecretNeeded);
    }
    // Who has the secret has all that the client has.
    bounds::check(asker, None, &client)?;
    if store::client_secrets::of_client(&mut tx, id).await?.len() >= MOST {
        return Err(Rejection::TooManySecrets(MOST));
    }
    let (secret_id, secret) = add(app, &mut tx, id, expires_at).await?;
    let detail = json!({ "secret_id": secret_id, "expires_at": expires_at });
    audit(app, &mut tx, asker, event("client.secret_added", &client, detail));
    app.commit(tx).await?;
    Ok(NewSecret { client, id: secret_id, secret })
}

/// Ends one secret at once; the others go on.
pub async fn remove_secret(
    app: &App,
    asker: &Asker,
    id: ClientId,
    secret: SecretId,
) -> Result<(), Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    let client = find(&mut tx, asker, id).await?;
    if !store::client_secrets::delete(&mut tx, id, secret).await? {
        return Err(Rejection::NotFound("secret"));
    }
    let detail = json!({ "secret_id": secret });
    audit(app, &mut tx, asker, event("client.secret_removed", &client, detail));
    Ok(app.commit(tx).await?)
}

pub(super) async fn add(
    app: &App,
    tx: &mut Tx,
    client_id: ClientId,
    expires_at: Option<Timestamp>,
) -> Result<(SecretId, Secret), Rejection> {
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
    Ok((kept.id, secret))
}

/// Of a client that proves itself otherwise from now on.
pub(super) async fn remove_all(tx: &mut Tx, id: ClientId) -> Result<(), Rejection> {
    for secret in store::client_secrets::of_client(tx, id).await? {
        store::client_secrets::delete(tx, id, secret.id).await?;
    }
    Ok(())
}
