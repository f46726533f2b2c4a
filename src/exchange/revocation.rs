//! Finds out what a token is that someone wants to end (RFC 7009), and whether it is theirs to end.
//! Ending it is up to others.

use secrecy::{ExposeSecret as _, SecretString};

use super::{Caller, ExchangeError, Failed, Refusal, recorded};
use crate::{
    app::App,
    domain::{Actor, Family, Origin, RefreshToken, Secret, Source},
    signing::{Audience, RefreshKey, TokenType, VerifiedToken},
    store::{self, StoreError},
};

/// What anyone may end who has it.
pub enum Held {
    /// The secret of a key, or what has its form.
    Key(Secret),
    /// The refresh tokens that a key was given, no client standing between; and whose they are.
    Family(Box<Family>, Actor),
}

/// What only the client may end to which it was issued.
#[derive(Debug)]
pub enum Revocable {
    AccessToken(VerifiedToken),
    Family(Family),
}

/// `None`: it is nothing of which the possession is enough.
pub async fn held(app: &App, token: &SecretString) -> Result<Option<Held>, ExchangeError> {
    if let Ok(secret) = token.expose_secret().parse() {
        return Ok(Some(Held::Key(secret)));
    }
    let family = family(app, token).await?.filter(|family| family.client_id.is_none());
    let Some(family) = family else { return Ok(None) };
    let actor = match family.granted.sources.first() {
        Some(Source::Secret(id)) => app.directory.key_of(*id).await?,
        _ => None,
    };
    let actor = actor.map_or(Actor::Keyturn, |presented| Actor::ApiKey(presented.key.id));
    Ok(Some(Held::Family(Box::new(family), actor)))
}

/// `None`: it is nothing that could still be ended.
pub async fn revocable(
    app: &App,
    caller: &Caller,
    token: &SecretString,
    origin: &Origin,
) -> Result<Option<Revocable>, ExchangeError> {
    let refused = |owner| recorded(app, origin, Failed::from(Refusal::OthersToken(owner)));
    if let Some(family) = family(app, token).await? {
        let owner = family.client_id.map(|id| id.to_string()).unwrap_or_default();
        if owner != caller.id() {
            return Err(refused(owner));
        }
        return Ok(Some(Revocable::Family(family)));
    }
    app.ensure_signing_keys().await?;
    let (text, now) = (token.expose_secret(), app.clock.now());
    let verified = app.signer.verify(text, now, TokenType::ACCESS_TOKENS, Audience::Any);
    let Ok(verified) = verified else { return Ok(None) };
    if verified.client_id != caller.id() {
        return Err(refused(verified.client_id));
    }
    Ok(Some(Revocable::AccessToken(verified)))
}

/// The family of a refresh token that we made: an old generation is as good as the live one.
async fn family(app: &App, token: &SecretString) -> Result<Option<Family>, StoreError> {
    let Ok(token) = RefreshToken::parse(token) else { return Ok(None) };
    let family = store::refresh_families::find(&app.store, token.family).await?;
    let is_ours = |family: &Family| RefreshKey::made(&app.key_encryption_key, family, &token);
    Ok(family.filter(is_ours))
}
