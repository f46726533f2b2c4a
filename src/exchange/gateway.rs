//! Tells a gateway who stands before it, with a key used directly or with an access token of ours.
//! The steps are those of an exchange: no one passes who would get no token.

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    ClaimedName, Credential, ExchangeError, Failed, Manner, NotHeld, Refusal, Request, Wish,
    access_token::judged,
    narrow, possession, recorded,
    refusal::{Lack, TurnedAway},
    walk,
};
use crate::{
    app::App,
    domain::{Origin, ResourceIdentifier, Roles, Scopes},
    signing::{Audience, TokenType, VerifiedToken},
};

/// Someone who stands before a gateway.
pub struct Visit {
    pub shown: Shown,
    pub manner: Manner,
    /// For whom the gateway stands there; the default resource if none is named.
    pub resource: Option<ResourceIdentifier>,
    /// No one passes without these.
    pub needs: Scopes,
    pub origin: Origin,
}

/// What they show. Nothing in it has been checked.
pub enum Shown {
    ApiKey(SecretString),
    AccessToken(SecretString),
}

/// Who passes, and with what.
#[derive(Debug)]
pub struct Pass {
    /// A token for the resource: the one that was shown, or one made for the key.
    pub access_token: SecretString,
    /// What the token says, of which the rights below are left.
    pub token: VerifiedToken,
    pub scopes: Scopes,
    pub roles: Roles,
}

/// A key's visit is a use of it like any other. Whatever is refused is recorded.
pub async fn pass(app: &App, visit: &Visit) -> Result<Pass, ExchangeError> {
    let passing = async {
        let pass = match &visit.shown {
            Shown::ApiKey(secret) => of_key(app, visit, secret).await?,
            Shown::AccessToken(token) => of_token(app, visit, token).await?,
        };
        enough(&pass, &visit.needs)?;
        Ok(pass)
    };
    passing.await.map_err(|failed| recorded(app, &visit.origin, failed))
}

/// The key is exchanged: from there on its holder has a token like any other, bound to the key of
/// the proof where it came with one.
async fn of_key(app: &App, visit: &Visit, secret: &SecretString) -> Result<Pass, Failed> {
    let proof = match &visit.manner {
        Manner::Bearer => None,
        Manner::Proved(offered) => Some(offered.as_ref().map_err(Clone::clone)?),
    };
    let request = Request {
        credential: Credential::ApiKey { name: ClaimedName::None, secret: secret.clone() },
        proof: proof.cloned(),
        caller: None,
        wish: Wish { resource: visit.resource.clone(), ..Wish::default() },
        origin: visit.origin.clone(),
    };
    let access_token = SecretString::from(walk(app, &request).await?.access_token);
    let token = verified(app, &access_token, Audience::Any)?;
    let (scopes, roles) = (token.scopes.clone(), token.roles.clone());
    Ok(Pass { access_token, token, scopes, roles })
}

async fn of_token(app: &App, visit: &Visit, shown: &SecretString) -> Result<Pass, Failed> {
    app.ensure_signing_keys().await?;
    let resource = narrow::audience(app, visit.resource.as_ref()).await?;
    let token = verified(app, shown, Audience::Is(resource.as_str()))?;
    possession::held(app, &visit.manner, token.bound_to.as_ref()).await?;
    let standing = judged(app, &token, Some(visit.origin.source)).await?;
    let (scopes, roles) = (standing.scopes, standing.roles);
    Ok(Pass { access_token: shown.clone(), token, scopes, roles })
}

fn verified(
    app: &App,
    token: &SecretString,
    audience: Audience<'_>,
) -> Result<VerifiedToken, Failed> {
    let (text, now) = (token.expose_secret(), app.clock.now());
    let verified = app.signer.verify(text, now, TokenType::ACCESS_TOKENS, audience);
    verified.map_err(|why| refused(TurnedAway::Untrusted(why)))
}

fn enough(pass: &Pass, needs: &Scopes) -> Result<(), Failed> {
    let lacking = needs.iter().find(|scope| !pass.scopes.contains(scope));
    let Some(scope) = lacking else { return Ok(()) };
    let resource = pass.token.audiences.first().and_then(|audience| audience.parse().ok());
    let resource = resource.ok_or(Refusal::NoSource)?;
    let not_held = NotHeld { scope: scope.to_owned(), resource, lack: Lack::NotShown };
    Err(refused(TurnedAway::TooFewScopes(not_held)))
}

fn refused(why: TurnedAway) -> Failed {
    Refusal::from(why).into()
}
