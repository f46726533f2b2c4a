//! Introspection (RFC 7662): what a token is worth now, told to the resource server it is for; as
//! JSON, or signed (RFC 9701).

use std::time::Instant;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use uuid::Uuid;

use super::client;
use crate::{
    domain::{Algorithm, Delegate, Scopes, Thumbprint},
    exchange::{self, Caller, Introspected},
    http::{
        accept::prefers,
        caller::Posted,
        edge::Edge,
        error::{Blame, OAuthError, word_for},
    },
    signing::{Confirmation, TokenIntrospection, TokenType},
};

/// What resource servers expect that have not said otherwise (RFC 9701, section 6).
pub(in crate::http) const SIGNED_BY: Algorithm = Algorithm::Rs256;

const SIGNED: &str = "application/token-introspection+jwt";

/// RFC 7662, section 2.2. Of a token that is not active nothing else is said.
#[derive(Serialize)]
struct Answer<'a> {
    active: bool,
    #[serde(flatten)]
    token: Option<Told<'a>>,
}

#[derive(Serialize)]
struct Told<'a> {
    iss: &'a str,
    sub: &'a str,
    /// One, or several where the token names several.
    aud: OneOrMore<'a>,
    client_id: &'a str,
    /// What of the token's scopes is left.
    #[serde(skip_serializing_if = "Scopes::is_empty")]
    scope: &'a Scopes,
    token_type: &'static str,
    iat: i64,
    exp: i64,
    jti: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a Delegate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OneOrMore<'a> {
    One(&'a str),
    More(&'a [String]),
}

/// `POST /oauth2/introspect`. The hint says nothing that the token does not say better.
pub(in crate::http) async fn introspect(
    State(edge): State<Edge>,
    mut posted: Posted,
) -> Result<Response, OAuthError> {
    let missing = OAuthError::invalid_request("token is missing");
    let token = posted.form.take_secret("token").ok_or(missing)?;
    let claimed = client::claimed(&posted.headers, &mut posted.form)?;
    let caller = claimed.required(&edge, &posted, None).await?;
    let (began, origin) = (Instant::now(), &posted.origin);
    let found = exchange::introspect(&edge.app, &caller, token.expose_secret(), origin).await;
    let word = match &found {
        Ok(Some(_)) => "active",
        Ok(None) => "inactive",
        Err(error) => word_for(error, origin.door, origin.request_id),
    };
    edge.metrics.count_exchange(origin.door, word, began.elapsed());
    let found = found.map_err(|error| OAuthError::of(error, Blame::Client))?;
    let answer = answer(&edge, found.as_ref());
    if prefers(&posted.headers, SIGNED, "application/json") {
        return signed(&edge, &caller, &answer);
    }
    Ok(Json(answer).into_response())
}

fn answer<'a>(edge: &'a Edge, found: Option<&'a Introspected>) -> Answer<'a> {
    let told = |found: &'a Introspected| {
        let Introspected { token, standing } = found;
        let bound_to: Option<&Thumbprint> = token.bound_to.as_ref();
        Told {
            iss: &edge.app.settings.issuer,
            sub: &token.subject,
            aud: match token.audiences.as_slice() {
                [one] => OneOrMore::One(one),
                more => OneOrMore::More(more),
            },
            client_id: &token.client_id,
            scope: &standing.scopes,
            token_type: if bound_to.is_some() { "DPoP" } else { "Bearer" },
            iat: token.issued_at.timestamp(),
            exp: token.expires_at.timestamp(),
            jti: token.token_id,
            act: token.actor.as_ref(),
            cnf: bound_to.map(|jkt| Confirmation { jkt }),
        }
    };
    Answer { active: found.is_some(), token: found.map(told) }
}

fn signed(edge: &Edge, caller: &Caller, answer: &Answer<'_>) -> Result<Response, OAuthError> {
    let (app, now) = (&edge.app, edge.app.clock.now());
    let claims = TokenIntrospection { aud: &caller.id(), iat: now, token_introspection: answer };
    let jwt = app.signer.sign(SIGNED_BY, now, TokenType::TokenIntrospection, &claims);
    let jwt = jwt.map_err(|error| OAuthError::of(error.into(), Blame::Client))?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(SIGNED))], jwt).into_response())
}
