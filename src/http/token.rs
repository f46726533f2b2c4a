//! The token endpoints: each turns its own form into the one request that `exchange` knows.

use std::time::Instant;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::{
    caller::Posted,
    client::{self, Claimed},
    edge::Edge,
    error::{Blame, OAuthError, word_for},
    form::Form,
    introspect, leaks, register, revoke,
    token_exchange::token_exchange,
};
use crate::{
    domain::{GrantType, OrganizationId, ResourceIdentifier, Scopes, TOKEN_ENDPOINT},
    exchange::{self, Caller, ClaimedName, Credential, Issued, Request, Wish},
};

pub(super) const API_KEY: &str = "/auth/v1/api-key/token";
pub(super) const PERSONAL: &str = "/auth/v1/token";
pub(super) const PERSONAL_V3: &str = "/auth/v3/token";
pub(super) const OAUTH: &str = TOKEN_ENDPOINT;
pub(super) const IBM: &str = "/identity/token";

const IBM_API_KEY: &str = "urn:ibm:params:oauth:grant-type:apikey";

/// What the metadata says `/oauth2/token` supports.
pub(super) const GRANT_TYPES: [&str; 5] = [
    GrantType::ClientCredentials.as_str(),
    GrantType::RefreshToken.as_str(),
    GrantType::TokenExchange.as_str(),
    GrantType::JwtBearer.as_str(),
    IBM_API_KEY,
];

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
        introspect::PATH,
        revoke::PATH,
        register::PATH,
    ];
    let is_it = |door: &&str| path.ends_with(door);
    // Behind it stands the client that is meant.
    let is_of_one = |(above, _): &(&str, &str)| above.ends_with(register::PATH);
    let of_one = || path.rsplit_once('/').filter(is_of_one).map(|_| register::PATH);
    doors.into_iter().find(is_it).or_else(of_one).unwrap_or("elsewhere")
}

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
    fn by_key(name: ClaimedName, secret: SecretString, shape: Shape) -> Self {
        let credential = Credential::ApiKey { name, secret };
        Self { credential, caller: None, shape, blame: Blame::Client }
    }
}

/// `POST /auth/v1/api-key/token`: a key's name and secret.
pub(super) async fn api_key(State(edge): State<Edge>, mut posted: Posted) -> Answer {
    let name = posted.form.take("name").ok_or(missing("name is missing"))?;
    let secret = posted.form.take_secret("secret").ok_or(missing("secret is missing"))?;
    answer(&edge, Ask::by_key(ClaimedName::Name(name), secret, Shape::Plain), posted).await
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
    answer(edge, Ask::by_key(ClaimedName::None, secret, Shape::Plain), posted).await
}

/// `POST /oauth2/token` (RFC 6749, section 3.2): the grant type decides.
pub(super) async fn oauth(State(edge): State<Edge>, mut posted: Posted) -> Answer {
    let grant_type = posted.form.take("grant_type").ok_or(missing("grant_type is missing"))?;
    if grant_type == IBM_API_KEY {
        return ibm_api_key(&edge, posted).await;
    }
    let grant: GrantType = grant_type.parse().map_err(|_| OAuthError::UNSUPPORTED_GRANT_TYPE)?;
    let claimed = client::claimed(&posted.headers, &mut posted.form)?;
    match grant {
        GrantType::ClientCredentials => client_credentials(&edge, &claimed, posted).await,
        GrantType::RefreshToken => refresh_token(&edge, &claimed, posted).await,
        GrantType::JwtBearer => jwt_bearer(&edge, &claimed, posted).await,
        GrantType::TokenExchange => token_exchange(&edge, &claimed, posted).await,
    }
}

async fn client_credentials(edge: &Edge, claimed: &Claimed, posted: Posted) -> Answer {
    let caller = claimed.required(edge, &posted, Some(GrantType::ClientCredentials)).await?;
    let ask = Ask {
        credential: Credential::Client,
        caller: Some(caller),
        shape: Shape::Plain,
        blame: Blame::Client,
    };
    answer(edge, ask, posted).await
}

/// A token of somebody else is the grant; a client may ask for its holder, and need not (RFC 7521,
/// section 4.1).
async fn jwt_bearer(edge: &Edge, claimed: &Claimed, mut posted: Posted) -> Answer {
    let assertion = posted.form.take_secret("assertion").ok_or(missing("assertion is missing"))?;
    let caller = match &claimed.claim {
        Some(_) => Some(claimed.required(edge, &posted, Some(GrantType::JwtBearer)).await?),
        None => None,
    };
    let credential = Credential::Assertion(assertion);
    let ask = Ask { credential, caller, shape: Shape::Plain, blame: Blame::Grant };
    answer(edge, ask, posted).await
}

async fn refresh_token(edge: &Edge, claimed: &Claimed, posted: Posted) -> Answer {
    let (caller, name) = claimed.presenter(edge, &posted).await?;
    refresh(edge, caller, name, Shape::Plain, posted).await
}

async fn refresh(
    edge: &Edge,
    caller: Option<Caller>,
    name: ClaimedName,
    shape: Shape,
    mut posted: Posted,
) -> Answer {
    let token = posted.form.take_secret("refresh_token");
    let token = token.ok_or(missing("refresh_token is missing"))?;
    let credential = Credential::RefreshToken { token, name };
    answer(edge, Ask { credential, caller, shape, blame: Blame::Grant }, posted).await
}

/// `POST /identity/token`: the IBM Cloud IAM grant, and the refresh of what it gave.
pub(super) async fn ibm(State(edge): State<Edge>, mut posted: Posted) -> Answer {
    let grant_type = posted.form.take("grant_type").ok_or(missing("grant_type is missing"))?;
    match grant_type.as_str() {
        IBM_API_KEY => ibm_api_key(&edge, posted).await,
        "refresh_token" => refresh(&edge, None, ClaimedName::None, Shape::Ibm, posted).await,
        _ => Err(OAuthError::UNSUPPORTED_GRANT_TYPE),
    }
}

/// The key is the credential; an Authorization header names a client of IBM's, not one of ours.
async fn ibm_api_key(edge: &Edge, mut posted: Posted) -> Answer {
    let secret = posted.form.take_secret("apikey").ok_or(missing("apikey is missing"))?;
    answer(edge, Ask::by_key(ClaimedName::None, secret, Shape::Ibm), posted).await
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
