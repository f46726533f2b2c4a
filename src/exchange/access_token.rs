//! Tells what an access token of ours is worth now: who stands behind it, and what is left of what
//! it says. The same for every caller: a resource server, a gateway, an exchange, our own API.

use std::net::IpAddr;

use super::{ExchangeError, Failed, Refusal, Wish, grant, identity::Identity, narrow};
use crate::{
    app::App,
    domain::{Ceiling, ResourceIdentifier, RoleName, Roles, Scopes, Source},
    signing::VerifiedToken,
};

/// A token that is still good.
#[derive(Debug)]
pub struct Standing {
    /// What of its scopes is left: never more than it says.
    pub scopes: Scopes,
    /// What of its roles is left.
    pub roles: Roles,
}

/// What the token was obtained through, as of now, with no more rights than it carries.
pub(super) async fn identify(app: &App, token: &VerifiedToken) -> Result<Identity, Failed> {
    if app.directory.is_revoked(token.token_id).await? {
        return Err(Refusal::SourceGone(Source::Token(token.token_id)).into());
    }
    let identity = Identity::through(app, &token.sources, &token.subject).await?;
    let carried = Ceiling {
        scopes: Some(token.scopes.clone()),
        resources: None,
        organizations: Some(vec![token.organization_id]),
        expires_at: Some(token.expires_at),
    };
    let mut sources = identity.sources.clone();
    sources.push(Source::Token(token.token_id));
    Ok(Identity {
        ceiling: identity.ceiling.and(&carried),
        sources,
        actor: token.actor.clone(),
        bound_to: token.bound_to.clone(),
        ..identity
    })
}

/// Judges a token by the very steps by which it was issued. `None`: it is no longer good. `from` is
/// where its holder is, where that is known.
pub async fn standing(
    app: &App,
    token: &VerifiedToken,
    from: Option<IpAddr>,
) -> Result<Option<Standing>, ExchangeError> {
    match judged(app, token, from).await {
        Ok(standing) => Ok(Some(standing)),
        Err(Failed::Refused(_)) => Ok(None),
        Err(Failed::Error(error)) => Err(error),
    }
}

/// Whom the token is for. We write the registered spelling and no other one.
pub(super) async fn audience(
    app: &App,
    token: &VerifiedToken,
) -> Result<Option<ResourceIdentifier>, Failed> {
    let named = token.audiences.first().and_then(|audience| audience.parse().ok());
    let Some(named): Option<ResourceIdentifier> = named else { return Ok(None) };
    let registered = narrow::audience(app, Some(&named)).await?;
    if registered.as_str() == named.as_str() {
        Ok(Some(named))
    } else {
        Err(Refusal::UnknownResource(named).into())
    }
}

/// The same, with the reason why it is no longer good.
pub(super) async fn judged(
    app: &App,
    token: &VerifiedToken,
    from: Option<IpAddr>,
) -> Result<Standing, Failed> {
    let wish = Wish {
        organization: Some(token.organization_id),
        resource: audience(app, token).await?,
        scopes: None,
    };
    let identity = identify(app, token).await?;
    let granted = grant(app, &identity, &wish, from, app.clock.now()).await?;
    let is_carried = |role: &&RoleName| token.roles.iter().any(|carried| carried == *role);
    Ok(Standing {
        scopes: granted.scopes,
        roles: granted.roles.iter().filter(is_carried).cloned().collect(),
    })
}
