//! Revocation (RFC 7009): a client ends a token that was issued to it; the holder of a key's secret
//! ends that.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use secrecy::SecretString;

use super::{client, leaks::asker};
use crate::{
    domain::{Actor, Origin},
    exchange::{self, Held, Revocable},
    http::{
        caller::Posted,
        edge::Edge,
        error::{Blame, OAuthError},
    },
    manage::{
        families::{self, WhyEnded},
        leaks, tokens,
    },
};

/// `POST /oauth2/revoke`. What is no token, or no longer one, was ended long ago (section 2.2). The
/// hint says nothing that the token does not say better.
pub(in crate::http) async fn revoke(
    State(edge): State<Edge>,
    mut posted: Posted,
) -> Result<Response, OAuthError> {
    let missing = OAuthError::invalid_request("token is missing");
    let token = posted.form.take_secret("token").ok_or(missing)?;
    let ours = |error| OAuthError::of(error, Blame::Client);
    match exchange::held(&edge.app, &token).await.map_err(ours)? {
        Some(held) => end_held(&edge, held, &posted.origin).await?,
        None => end_of_client(&edge, &token, posted).await?,
    }
    Ok(StatusCode::OK.into_response())
}

async fn end_held(edge: &Edge, held: Held, origin: &Origin) -> Result<(), OAuthError> {
    match held {
        Held::Key(secret) => {
            let by = asker(Actor::Keyturn, origin);
            if leaks::give_up(&edge.app, &by, &secret).await?.is_none() {
                edge.app.attempts.failed(origin.source)?;
            }
        }
        Held::Family(family, actor) => {
            families::end(&edge.app, &asker(actor, origin), &family, WhyEnded::Revoked).await?;
        }
    }
    Ok(())
}

async fn end_of_client(
    edge: &Edge,
    token: &SecretString,
    mut posted: Posted,
) -> Result<(), OAuthError> {
    let claimed = client::claimed(&posted.headers, &mut posted.form)?;
    let caller = claimed.required(edge, &posted, None).await?;
    let revocable = exchange::revocable(&edge.app, &caller, token, &posted.origin).await;
    let by = asker(caller.actor(), &posted.origin);
    match revocable.map_err(|error| OAuthError::of(error, Blame::Client))? {
        Some(Revocable::AccessToken(token)) => tokens::revoke(&edge.app, &by, &token).await?,
        Some(Revocable::Family(family)) => {
            families::end(&edge.app, &by, &family, WhyEnded::Revoked).await?;
        }
        None => (),
    }
    Ok(())
}
