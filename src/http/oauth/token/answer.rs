//! What every token endpoint does with its form: read what all have in common, ask the pipeline,
//! write the answer.

use std::time::Instant;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::{
    domain::{OrganizationId, ResourceIdentifier, Scopes},
    exchange::{self, Caller, ClaimedName, Credential, Issued, Request, Wish},
    http::{
        caller::Posted,
        edge::Edge,
        error::{Blame, OAuthError, word_for},
        form::Form,
    },
};

pub(super) type Answer = Result<Response, OAuthError>;

/// What is asked of the pipeline, and how its answer is to be written.
pub(super) struct Ask {
    pub(super) credential: Credential,
    pub(super) caller: Option<Caller>,
    pub(super) shape: Shape,
    pub(super) blame: Blame,
}

impl Ask {
    /// By a key alone: it is the credential and the client.
    pub(super) fn by_key(name: ClaimedName, secret: SecretString, shape: Shape) -> Self {
        let credential = Credential::ApiKey { name, secret };
        Self { credential, caller: None, shape, blame: Blame::Client }
    }
}

pub(super) fn missing(what: &'static str) -> OAuthError {
    OAuthError::invalid_request(what)
}

/// Reads what all doors have in common, exchanges, counts, and writes the answer.
pub(super) async fn answer(edge: &Edge, ask: Ask, posted: Posted) -> Answer {
    let proof = posted.proof(edge)?;
    let Posted { mut form, origin, .. } = posted;
    let wish = Wish {
        organization: organization(&mut form)?,
        resource: resource(&mut form)?,
        scopes: scopes(&mut form)?,
    };
    let Ask { credential, caller, shape, blame } = ask;
    let request = Request { credential, caller, proof, wish, origin };
    let (door, id, began) = (request.origin.door, request.origin.request_id, Instant::now());
    let outcome = exchange::exchange(&edge.app, request).await;
    let word = match &outcome {
        Ok(_) => "issued",
        Err(error) => word_for(error, door, id),
    };
    edge.metrics.count_exchange(door, word, began.elapsed());
    let issued = outcome.map_err(|error| OAuthError::of(error, blame))?;
    Ok(written(&issued, shape))
}

fn organization(form: &mut Form) -> Result<Option<OrganizationId>, OAuthError> {
    let id = form.take("organizationId").map(|id| id.parse()).transpose();
    id.map_err(|_| OAuthError::NOT_A_GUID)
}

/// A token is for one resource: the same one may be named twice, two may not (RFC 8707,
/// section 2.2 leaves that to us).
fn resource(form: &mut Form) -> Result<Option<ResourceIdentifier>, OAuthError> {
    let uris = form.take_all("resource").into_iter().map(|uri| ResourceIdentifier::from_uri(&uri));
    let others = form.take_all("audience").into_iter().map(|name| name.parse());
    let all = uris.chain(others).collect::<Result<Vec<_>, _>>();
    let mut all = all.map_err(|_| OAuthError::INVALID_TARGET)?;
    all.dedup();
    if all.len() > 1 { Err(OAuthError::INVALID_TARGET) } else { Ok(all.pop()) }
}

fn scopes(form: &mut Form) -> Result<Option<Scopes>, OAuthError> {
    let scopes = form.take("scope").map(|scope| scope.parse()).transpose();
    scopes.map_err(|_| OAuthError::INVALID_SCOPE)
}

/// Which clients read the answer.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Plain,
    /// Of a token exchange: says of what type the token is (RFC 8693, section 2.2.1).
    Exchanged(&'static str),
    /// IBM's read the end of the token's life as a moment, too.
    Ibm,
}

/// The body of RFC 6749, section 5.1.
#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'static str>,
    expires_in: u64,
    /// Always there: a client that reads none takes it that it got all it asked for (RFC 6749,
    /// section 5.1).
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<i64>,
}

fn written(issued: &Issued, shape: Shape) -> Response {
    let (issued_token_type, expiration) = match shape {
        Shape::Plain => (None, None),
        Shape::Exchanged(token_type) => (Some(token_type), None),
        Shape::Ibm => (None, Some(issued.expires_at.timestamp())),
    };
    let body = TokenBody {
        access_token: &issued.access_token,
        token_type: if issued.is_bound { "DPoP" } else { "Bearer" },
        issued_token_type,
        expires_in: issued.expires_in.as_secs(),
        scope: issued.scopes.to_string(),
        refresh_token: issued.refresh_token.as_ref().map(SecretString::expose_secret),
        expiration,
    };
    let json = HeaderValue::from_static("application/json");
    let body = serde_json::to_vec(&body).expect("texts and numbers are JSON");
    ([(header::CONTENT_TYPE, json)], Body::from(body)).into_response()
}
