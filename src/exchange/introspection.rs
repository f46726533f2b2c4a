//! Tells a resource server what a token is worth now (RFC 7662). No one hears of tokens that are
//! for another.

use super::{Caller, ExchangeError, Failed, Standing, client::confidential, recorded, standing};
use crate::{
    app::App,
    domain::{KnownClient, Origin},
    signing::{Audience, TokenType, VerifiedToken},
    store::StoreError,
};

/// A token that is good, and for the caller.
#[derive(Debug)]
pub struct Introspected {
    pub token: VerifiedToken,
    pub standing: Standing,
}

/// `None`: the token is not good, or is none, or is not for this caller, who cannot tell which.
pub async fn introspect(
    app: &App,
    caller: &Caller,
    token: &str,
    origin: &Origin,
) -> Result<Option<Introspected>, ExchangeError> {
    confidential(caller).map_err(|refusal| recorded(app, origin, Failed::from(refusal)))?;
    app.ensure_signing_keys().await?;
    // Nothing that the token says counts before it is known to be ours.
    let token = app.signer.verify(token, app.clock.now(), TokenType::ACCESS_TOKENS, Audience::Any);
    let (Ok(token), Some(known)) = (token, caller.registered()) else { return Ok(None) };
    if !is_meant(app, known, &token).await? {
        return Ok(None);
    }
    // From where its holder called the resource server is not known here.
    let standing = standing(app, &token, None).await?;
    Ok(standing.map(|standing| Introspected { token, standing }))
}

/// Whether the client is a resource server that the token is for: it is registered for the resource,
/// and its organization serves that of the token.
async fn is_meant(
    app: &App,
    known: &KnownClient,
    token: &VerifiedToken,
) -> Result<bool, StoreError> {
    // No one makes themselves a resource server.
    if known.client.registration.is_some() {
        return Ok(false);
    }
    let resources = known.client.terms.resources.as_deref().unwrap_or_default();
    // Tokens carry the registered spelling; what the client is registered for may have another.
    let registered = app.directory.resources().await?;
    let all = || registered.iter().chain([&app.own_resource]).map(|it| &it.identifier);
    let is_named = |audience: &String| {
        let mut same = all().filter(|it| it.as_str() == audience);
        same.any(|it| resources.contains(it)) || resources.iter().any(|it| it.as_str() == audience)
    };
    if !token.audiences.iter().all(is_named) {
        return Ok(false);
    }
    app.directory.serves(known.client.organization_id, token.organization_id).await
}
