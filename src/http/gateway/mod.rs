//! What gateways ask before they let a request through: who shows this key, or this access token?
//! The answer is a status and headers, which every gateway can read.

mod asked;
mod original;
mod turned;

use std::{fmt::Write as _, time::Instant};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION, request::Parts},
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret as _;

use self::{asked::Asked, turned::Turned};
use super::{caller::origin, edge::Edge, error::word_for, paths::VERIFY, presented};
use crate::exchange::{self, Pass, Unproved, Untold, Visit};

/// `GET` or `POST /auth/v1/verify`: the URL says what the gateway wants, and only the gateway writes
/// it.
pub(super) async fn verify(State(edge): State<Edge>, parts: Parts) -> Result<Response, Turned> {
    let asked = Asked::in_query(&parts)?;
    let original = original::by_headers(&asked, &parts.headers);
    answer(&edge, &parts, &asked, original).await
}

/// Any method at `/auth/v1/verify/…`: the URL is that of the request, so headers say what the
/// gateway wants.
pub(super) async fn verify_before(
    State(edge): State<Edge>,
    parts: Parts,
) -> Result<Response, Turned> {
    let asked = Asked::in_headers(&parts.headers)?;
    let original = original::by_path(&asked, &parts);
    answer(&edge, &parts, &asked, original).await
}

async fn answer(
    edge: &Edge,
    parts: &Parts,
    asked: &Asked,
    original: Result<presented::Asked<'_>, Untold>,
) -> Result<Response, Turned> {
    let shown = asked::shown(&parts.headers)?;
    let (presented, shown) = shown.ok_or_else(|| Turned::empty_handed(asked))?;
    let manner = presented.manner(original.map_err(Unproved::Untold));
    let mut origin = origin(edge, parts);
    // The rest of the path may be anything.
    origin.door = VERIFY;
    let (resource, needs) = (asked.resource.clone(), asked.needs.clone());
    let visit = Visit { shown, manner, resource, needs, origin };
    let began = Instant::now();
    let outcome = exchange::pass(&edge.app, &visit).await;
    let word = match &outcome {
        Ok(_) => "passed",
        Err(error) => word_for(error, VERIFY, visit.origin.request_id),
    };
    edge.metrics.count_exchange(VERIFY, word, began.elapsed());
    let pass = outcome.map_err(|error| Turned::away(error, asked, presented.scheme))?;
    let mut headers = told(&pass);
    if asked.wants_token {
        headers.insert(AUTHORIZATION, to_pass_on(&pass));
    }
    Ok(headers.into_response())
}

/// A client that gets a bound one sees by the scheme that it is no bearer token.
fn to_pass_on(pass: &Pass) -> HeaderValue {
    let scheme = if pass.token.bound_to.is_some() { "DPoP" } else { "Bearer" };
    let value = HeaderValue::from_str(&format!("{scheme} {}", pass.access_token.expose_secret()));
    let mut value = value.expect("a token is ASCII");
    value.set_sensitive(true);
    value
}

/// All of them are always there, if need be empty: a gateway that passes them on thereby overwrites
/// whatever its client has made up.
fn told(pass: &Pass) -> HeaderMap {
    let token = &pass.token;
    let user = token.user_id.map(|id| id.to_string()).unwrap_or_default();
    [
        ("x-keyturn-subject", token.subject.clone()),
        ("x-keyturn-client", token.client_id.clone()),
        ("x-keyturn-organization", token.organization_id.to_string()),
        ("x-keyturn-scope", pass.scopes.to_string()),
        ("x-keyturn-roles", pass.roles.to_string()),
        ("x-keyturn-user", user),
        ("x-keyturn-expires", token.expires_at.timestamp().to_string()),
    ]
    .map(|(name, value)| (HeaderName::from_static(name), plain(&value)))
    .into_iter()
    .collect()
}

/// Names that others gave may hold anything: what has no place in a header is percent-encoded.
fn plain(text: &str) -> HeaderValue {
    let mut plain = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => plain.push(char::from(byte)),
            _ => write!(plain, "%{byte:02X}").expect("a String takes any text"),
        }
    }
    HeaderValue::from_str(&plain).expect("printable ASCII")
}
