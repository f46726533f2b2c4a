//! The token endpoints: each turns its own form into the one request that `exchange` knows.

use std::time::Instant;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{caller::Posted, client_credentials, edge::Edge, error::OAuthError, form::Form, leaks};
use crate::{
    domain::{OrganizationId, Origin, ResourceIdentifier, Scopes},
    exchange::{self, ClaimedName, Credential, ExchangeError, Issued, Request, Wish},
};

pub(super) const API_KEY: &str = "/auth/v1/api-key/token";
pub(super) const PERSONAL: &str = "/auth/v1/token";
pub(super) const PERSONAL_V3: &str = "/auth/v3/token";
pub(super) const OAUTH: &str = "/oauth2/token";
pub(super) const IBM: &str = "/identity/token";

const CLIENT_CREDENTIALS: &str = "client_credentials";
const IBM_API_KEY: &str = "urn:ibm:params:oauth:grant-type:apikey";

/// What the metadata says `/oauth2/token` supports.
pub(super) const GRANT_TYPES: [&str; 2] = [CLIENT_CREDENTIALS, IBM_API_KEY];

/// The door behind a path, by the name under which it is counted and audited.
pub(super) fn door(path: &str) -> &'static str {
    let doors = [
        API_KEY,
        PERSONAL_V3,
        PERSONAL,
        OAUTH,
        IBM,
        leaks::REVOKE,
        leaks::REVOKE_FOUND,
        leaks::GITHUB,
    ];
    doors.into_iter().find(|door| path.ends_with(door)).unwrap_or("elsewhere")
}

type Answer = Result<Response, OAuthError>;

/// `POST /auth/v1/api-key/token`: a key's name and secret.
pub(super) async fn api_key(State(edge): State<Edge>, mut posted: Posted) -> Answer {
    let name = posted.form.take("name").ok_or(missing("name is missing"))?;
    let secret = posted.form.take_secret("secret").ok_or(missing("secret is missing"))?;
    let credential = Credential::ApiKey { name: ClaimedName::Name(name), secret };
    answer(&edge, credential, posted.form, posted.origin, Shape::Plain).await
}

/// `POST /auth/v1/token`: a key's secret as `pat`.
pub(super) async fn personal(State(edge): State<Edge>, posted: Posted) -> Answer {
    secret_only(&edge, posted, "pat", missing("pat is missing")).await
}

/// `POST /auth/v3/token`: a key's secret as `personalAccessKey`.
pub(super) async fn personal_v3(State(edge): State<Edge>, posted: Posted) -> Answer {
    let missing = missing("personalAccessKey is missing");
    secret_only(&edge, posted, "personalAccessKey", missing).await
}

async fn secret_only(edge: &Edge, mut posted: Posted, name: &str, missing: OAuthError) -> Answer {
    let secret = posted.form.take_secret(name).ok_or(missing)?;
    let credential = Credential::ApiKey { name: ClaimedName::None, secret };
    answer(edge, credential, posted.form, posted.origin, Shape::Plain).await
}

/// `POST /oauth2/token` (RFC 6749, section 3.2): the grant type decides.
pub(super) async fn oauth(State(edge): State<Edge>, mut posted: Posted) -> Answer {
    let grant_type = posted.form.take("grant_type").ok_or(missing("grant_type is missing"))?;
    match grant_type.as_str() {
        CLIENT_CREDENTIALS => {
            let client = client_credentials::client(&posted.headers, &mut posted.form)?;
            let credential = Credential::ApiKey {
                name: ClaimedName::NameOrId(client.id),
                secret: client.secret,
            };
            let answer = answer(&edge, credential, posted.form, posted.origin, Shape::Plain).await;
            answer.map_err(|error| if client.by_header { error.challenging() } else { error })
        }
        IBM_API_KEY => ibm_api_key(&edge, posted).await,
        _ => Err(OAuthError::UNSUPPORTED_GRANT_TYPE),
    }
}

/// `POST /identity/token`: the IBM Cloud IAM grant and no other.
pub(super) async fn ibm(State(edge): State<Edge>, mut posted: Posted) -> Answer {
    let grant_type = posted.form.take("grant_type").ok_or(missing("grant_type is missing"))?;
    match grant_type.as_str() {
        IBM_API_KEY => ibm_api_key(&edge, posted).await,
        _ => Err(OAuthError::UNSUPPORTED_GRANT_TYPE),
    }
}

/// The key is the credential; an Authorization header names a client of IBM's, not one of ours.
async fn ibm_api_key(edge: &Edge, mut posted: Posted) -> Answer {
    let secret = posted.form.take_secret("apikey").ok_or(missing("apikey is missing"))?;
    let credential = Credential::ApiKey { name: ClaimedName::None, secret };
    answer(edge, credential, posted.form, posted.origin, Shape::Ibm).await
}

fn missing(what: &'static str) -> OAuthError {
    OAuthError::invalid_request(what)
}

/// Reads what all doors have in common, exchanges, counts, and writes the answer.
async fn answer(
    edge: &Edge,
    credential: Credential,
    mut form: Form,
    origin: Origin,
    shape: Shape,
) -> Answer {
    let wish = Wish {
        organization: organization(&mut form)?,
        resource: resource(&mut form)?,
        scopes: scopes(&mut form)?,
    };
    let request = Request { credential, wish, origin };
    let (door, id, began) = (request.origin.door, request.origin.request_id, Instant::now());
    let outcome = exchange::exchange(&edge.app, request).await;
    let word = match &outcome {
        Ok(_) => "issued",
        Err(ExchangeError::Refused(refusal)) => refusal.code(),
        Err(error) => {
            tracing::error!(request_id = %id, door, %error, "could not issue a token");
            "failed"
        }
    };
    edge.metrics.count_exchange(door, word, began.elapsed());
    Ok(written(&outcome?, shape))
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
enum Shape {
    Plain,
    /// IBM's read the end of the token's life as a moment, too.
    Ibm,
}

/// The body of RFC 6749, section 5.1.
#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    /// Left out where the token carries none: the grammar has no empty scope.
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<i64>,
}

fn written(issued: &Issued, shape: Shape) -> Response {
    let body = TokenBody {
        access_token: &issued.access_token,
        token_type: "Bearer",
        expires_in: issued.expires_in.as_secs(),
        scope: issued.scopes.to_string(),
        expiration: match shape {
            Shape::Plain => None,
            Shape::Ibm => Some(issued.expires_at.timestamp()),
        },
    };
    let json = HeaderValue::from_static("application/json");
    let body = serde_json::to_vec(&body).expect("texts and numbers are JSON");
    ([(header::CONTENT_TYPE, json)], Body::from(body)).into_response()
}
