//! Identifies anyone who presents a refresh token: through what its family was obtained, to whom it
//! was given, and whether it is its turn.

use secrecy::SecretString;

use super::check::check;
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Ceiling, Family, KEYTURN_CLI, Origin, RefreshToken, Source},
    exchange::{
        ClaimedName, Failed, Refusal, api_key,
        client::Caller,
        identity::{Holder, Identity, Refreshed},
    },
    signing::RefreshKey,
};

/// Who presents a refresh token.
pub(in crate::exchange) struct Presenter<'a> {
    /// The client that has proved who it is.
    pub(in crate::exchange) caller: Option<&'a Caller>,
    /// Otherwise what it calls itself, which proves nothing.
    pub(in crate::exchange) name: &'a ClaimedName,
    pub(in crate::exchange) origin: &'a Origin,
}

pub(in crate::exchange) async fn identify(
    app: &App,
    token: &SecretString,
    presenter: &Presenter<'_>,
    now: Timestamp,
) -> Result<Identity, Failed> {
    let token = RefreshToken::parse(token).map_err(|_| Refusal::MalformedRefreshToken)?;
    let family = app.directory.family_now(token.family).await?;
    let family = family.filter(|family| RefreshKey::made(&app.key_encryption_key, family, &token));
    let mut family = family.ok_or(Refusal::UnknownRefreshToken)?;
    if family.answered_at.is_none() && token.generation < family.generation {
        // The successor may have gone out from here a moment ago, and the note of it be on its way.
        let _ = app.ledger.settled().await;
        let found = app.directory.family_now(family.id).await?;
        family = found.ok_or(Refusal::UnknownRefreshToken)?;
    }
    let granted = &family.granted;
    let identity = Identity::through(app, &granted.sources, &granted.subject).await?;
    let checked = async {
        // Before anything is done to the family: a stranger must not be able to end it.
        if !is_given_to(&family, &identity, presenter) {
            return Err(Refusal::RefreshTokenOfAnother(family.id).into());
        }
        check(app, &identity, &family, token.generation, presenter.origin, now).await
    };
    let turn = checked.await.map_err(|failed| failed.of(&identity))?;
    Ok(with_what_was_granted(identity, Refreshed { turn, generation: token.generation, family }))
}

/// What a key was given goes to its holder; a client's only to the client.
fn is_given_to(family: &Family, identity: &Identity, by: &Presenter<'_>) -> bool {
    if let Some(id) = family.client_id {
        let registered = by.caller.and_then(Caller::registered);
        return registered.is_some_and(|known| known.client.id == id);
    }
    let Holder::Key(held) = &identity.holder else { return false };
    match (by.caller, by.name) {
        (Some(caller), _) => caller.key().is_some_and(|id| id == held.key.id),
        (None, ClaimedName::NameOrId(name)) if name == KEYTURN_CLI => true,
        (None, name) => api_key::is_called(&held.key, name),
    }
}

fn with_what_was_granted(identity: Identity, refreshed: Refreshed) -> Identity {
    let Family { id, granted, expires_at, .. } = &refreshed.family;
    let end = Ceiling { expires_at: Some(*expires_at), ..Ceiling::default() };
    let mut sources = identity.sources;
    sources.push(Source::Family(*id));
    Identity {
        ceiling: identity.ceiling.and(&granted.ceiling).and(&end),
        sources,
        actor: granted.actor.clone(),
        bound_to: granted.bound_to.clone(),
        refreshed: Some(Box::new(refreshed)),
        ..identity
    }
}
