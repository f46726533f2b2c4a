//! Shows a client to itself, lets it change itself to less, and end itself (RFC 7592).

use secrecy::{ExposeSecret as _, SecretString};

use super::{By, NewItself, NotRegistered, asker, proved};
use crate::{
    app::App,
    domain::{Client, ClientId, Origin, Registration, Secret, SecretId},
    manage::clients::{
        bounds,
        change::{delete_in, replace, write},
        secrets,
    },
    store::{self, Tx},
};

/// A client as it is now, and its new secrets, which are shown once.
#[derive(Debug)]
pub struct Changed {
    pub client: Client,
    /// Where it has to prove itself by one, and knows of none.
    pub secret: Option<Secret>,
    /// By which it manages itself from now on.
    pub token: Secret,
}

/// The client whose token this is. Anyone who uses the newest token has received it: from then on
/// the one before it is worth nothing.
pub async fn show(
    app: &App,
    origin: &Origin,
    id: ClientId,
    token: &Secret,
) -> Result<Client, NotRegistered> {
    let mut tx = app.store.read().await?;
    let (client, by) = proved(&mut tx, id, token).await?;
    drop(tx);
    let has_two = client.registration.as_ref().is_some_and(|it| it.before.is_some());
    if by == By::TokenBefore || !has_two {
        return Ok(client);
    }
    let (mut tx, _) = asker(id, origin).begin(app).await?;
    let (mut client, by) = proved(&mut tx, id, token).await?;
    if by == By::Token {
        client.registration.iter_mut().for_each(|it| it.before = None);
        write(&mut tx, &mut client).await?;
    }
    app.commit(tx).await?;
    Ok(client)
}

/// Puts what the client says of itself in place of what it said before. It cannot give itself more
/// than it has: anyone who made it, or took something from it, need not watch it.
///
/// `sent`: the secret that it takes for its own.
pub async fn change(
    app: &App,
    origin: &Origin,
    (id, token): (ClientId, &Secret),
    sent: Option<&SecretString>,
    new: NewItself,
) -> Result<Changed, NotRegistered> {
    let (mut tx, ref judged) = asker(id, origin).begin(app).await?;
    let (before, by) = proved(&mut tx, id, token).await?;
    if let Some(sent) = sent {
        check_secret(app, &mut tx, id, sent).await?;
    }
    let next = Secret::for_registration(&app.random);
    let asked = new.terms.echoing(&before.terms);
    let terms = bounds::checked(app, asked.within(before.terms.clone())?)?;
    let missing = match sent {
        Some(_) if before.terms.authentication.has_secret() => None,
        _ if !terms.authentication.has_secret() => None,
        _ => missing_secret(app, &mut tx, &before, by).await?,
    };
    let (secret_id, secret) = missing.unzip();
    let (token, before_that) = (next.hash(), Some(token.hash()));
    let client = Client {
        terms,
        description: new.description.checked()?,
        registration: Some(Registration { token, before: before_that, secret: secret_id }),
        ..before.clone()
    };
    let client = replace(app, &mut tx, judged, &before, client).await?;
    app.commit(tx).await?;
    Ok(Changed { client, secret, token: next })
}

/// RFC 7592, section 2.2: no one chooses their own.
async fn check_secret(
    app: &App,
    tx: &mut Tx,
    id: ClientId,
    sent: &SecretString,
) -> Result<(), NotRegistered> {
    let sent = Secret::of_client(sent.expose_secret()).map_err(|_| NotRegistered::OtherSecret)?;
    let (hash, now) = (sent.hash(), app.clock.now());
    let kept = store::client_secrets::of_client(tx, id).await?;
    let is_its_own = kept.iter().any(|it| it.is_live(now) && it.hash.matches(&hash));
    if is_its_own { Ok(()) } else { Err(NotRegistered::OtherSecret) }
}

/// A secret for a client that has to have one and does not know of any: it had none before, or the
/// one it was given last came in an answer that was lost, which shows by the token that it asks
/// with. A secret that it received stays, however often a change is sent.
async fn missing_secret(
    app: &App,
    tx: &mut Tx,
    before: &Client,
    by: By,
) -> Result<Option<(SecretId, Secret)>, NotRegistered> {
    let id = before.id;
    if !before.terms.authentication.has_secret() {
        return Ok(Some(secrets::add(app, tx, id, None).await?));
    }
    let given = before.registration.as_ref().and_then(|it| it.secret);
    let Some(lost) = given.filter(|_| by == By::TokenBefore) else { return Ok(None) };
    let all = store::client_secrets::last_used(tx, id).await?;
    if !all.iter().any(|(secret, used)| *secret == lost && used.is_none()) {
        return Ok(None);
    }
    store::client_secrets::delete(tx, id, lost).await?;
    Ok(Some(secrets::add(app, tx, id, None).await?))
}

/// Deletes the client; every token that was obtained through it is no longer valid.
pub async fn end(
    app: &App,
    origin: &Origin,
    id: ClientId,
    token: &Secret,
) -> Result<(), NotRegistered> {
    let (mut tx, ref asker) = asker(id, origin).begin(app).await?;
    let (client, _) = proved(&mut tx, id, token).await?;
    delete_in(app, &mut tx, asker, &client).await?;
    Ok(app.commit(tx).await?)
}
