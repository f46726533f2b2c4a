//! `/api/v1/resources`: the servers that take tokens.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    caller::Caller,
    conditions::{IfMatch, IfMatchOrAbsent, etag},
    extract::{Body, Named, Parsed},
    list::ListOf,
    moment::Moment,
    problem::{Answer, Problem},
    texts::{Scope, few},
};
use crate::{
    clock::Timestamp,
    domain::{
        Algorithm, JwtType, MalformedResource, Resource, ResourceIdentifier, ScopeToken, Version,
    },
    http::edge::Edge,
    manage::{
        Rejection,
        resources::{self, NewResource},
        signing_keys,
    },
};

const PATH: &str = "/api/v1/resources";

/// The algorithms that do not sign yet.
type Pending = [(Algorithm, Timestamp)];

const MOST_SCOPES: usize = 500;

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, register, remove))
}

/// A server that takes tokens.
#[derive(Serialize, ToSchema)]
struct ShownResource {
    /// The audience of its tokens: a URI, or a plain name.
    identifier: String,
    /// Its tokens carry no others.
    scopes: Vec<String>,
    /// How its tokens are signed: `ES256`, `RS256` or `EdDSA`.
    algorithm: &'static str,
    /// How they are signed now: as before, until the first key of a new algorithm has been
    /// published for as long as verifiers keep the JWKS.
    current_algorithm: &'static str,
    /// From here on they are signed by `algorithm`; `null`: they are already.
    algorithm_from: Option<Moment>,
    /// `typ` in the header of its tokens: `at+jwt` (RFC 9068) or `JWT`.
    jwt_type: &'static str,
    /// `null`: as configured for all.
    token_lifetime_seconds: Option<i64>,
    /// Whether it is meant where a request names no resource.
    is_default: bool,
    created_at: Moment,
}

impl ShownResource {
    fn new(resource: &Resource, all: &[Resource], pending: &Pending) -> Self {
        let from = pending.iter().find(|(algorithm, _)| *algorithm == resource.algorithm);
        let until_then = from.map(|_| resource.algorithm_until_then());
        let default = Resource::default_of(all).map(|it| &it.identifier);
        Self {
            is_default: default == Some(&resource.identifier),
            identifier: resource.identifier.to_string(),
            scopes: resource.scopes.iter().map(str::to_owned).collect(),
            algorithm: resource.algorithm.as_str(),
            current_algorithm: until_then.unwrap_or(resource.algorithm).as_str(),
            algorithm_from: from.map(|(_, at)| Moment(*at)),
            jwt_type: resource.jwt_type.as_str(),
            token_lifetime_seconds: resource.token_lifetime.map(|it| it.num_seconds()),
            created_at: Moment(resource.created_at),
        }
    }
}

/// What is said of a resource.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetResource {
    #[schema(value_type = Vec<Scope>, max_items = 500, example = json!(["read", "write"]))]
    scopes: Vec<String>,
    /// How its tokens are signed. Left out: `ES256`.
    #[schema(value_type = Option<SigningAlgorithm>)]
    algorithm: Option<Algorithm>,
    /// `typ` in the header of its tokens. Left out: `at+jwt` (RFC 9068). `JWT` is for resource servers
    /// that refuse every other type.
    #[schema(value_type = Option<AccessTokenJwtType>)]
    jwt_type: Option<JwtType>,
    /// Left out or `null`: as configured for all.
    #[schema(minimum = 30, maximum = 360)]
    token_lifetime_seconds: Option<u16>,
    /// Mean this resource where a request names none, from now on. The first resource is meant
    /// without it. Left out or `false`: nothing changes.
    is_default: Option<bool>,
}

/// How tokens are signed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes how the domain's algorithms are written")]
pub(super) enum SigningAlgorithm {
    #[schema(rename = "ES256")]
    Es256,
    #[schema(rename = "RS256")]
    Rs256,
    #[schema(rename = "EdDSA")]
    EdDsa,
}

/// `typ` in the header of access tokens.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes how the domain's types are written")]
enum AccessTokenJwtType {
    #[schema(rename = "at+jwt")]
    AccessToken,
    #[schema(rename = "JWT")]
    Jwt,
}

impl SetResource {
    fn into_new(self, identifier: ResourceIdentifier) -> Result<NewResource, Problem> {
        let seconds = |it: u16| TimeDelta::seconds(it.into());
        Ok(NewResource {
            identifier,
            scopes: few::<ScopeToken, _>("scopes", &self.scopes, MOST_SCOPES)?,
            algorithm: self.algorithm.unwrap_or(Algorithm::Es256),
            jwt_type: self.jwt_type.unwrap_or_default(),
            token_lifetime: self.token_lifetime_seconds.map(seconds),
            is_default: self.is_default.unwrap_or(false),
        })
    }
}

/// A segment of a path.
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| match byte {
        plain if is_plain(plain) => char::from(plain).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Lists all resources, by identifier. Every key may ask for tokens for any.
#[utoipa::path(get, path = "/api/v1/resources", tag = "Resources",
    security(("token" = ["resources:read"])),
    responses((status = 200, body = ListOf<ShownResource>)))]
async fn list(
    State(edge): State<Edge>,
    Caller(asker): Caller,
) -> Answer<Json<ListOf<ShownResource>>> {
    let all = resources::list(&edge.app, &asker).await?;
    let pending = signing_keys::pending(&edge.app).await?;
    let shown = all.iter().map(|it| ShownResource::new(it, &all, &pending));
    Ok(Json(ListOf::whole(shown.collect())))
}

/// Shows a resource.
#[utoipa::path(get, path = "/api/v1/resources/{identifier}", tag = "Resources",
    params(("identifier" = String, Path, description = "Percent-encoded, slashes too")),
    security(("token" = ["resources:read"])),
    responses((status = 200, body = ShownResource)))]
async fn show(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(identifier): Named<Parsed<ResourceIdentifier>>,
) -> Answer {
    let all = resources::list(&edge.app, &asker).await?;
    let found = all.iter().find(|it| it.identifier == identifier.0);
    let resource = found.ok_or_else(|| Problem::not_found("resource"))?;
    let pending = signing_keys::pending(&edge.app).await?;
    let shown = ShownResource::new(resource, &all, &pending);
    Ok((etag(resource.version), Json(shown)).into_response())
}

/// Registers a resource, or replaces all that was said of it. A signing key for its algorithm is
/// made if there is none yet; until verifiers can know it, tokens are signed as before, and
/// `algorithm_from` says until when. For keys of the organization that runs the server.
#[utoipa::path(put, path = "/api/v1/resources/{identifier}", tag = "Resources",
    params(("identifier" = String, Path, description = "Percent-encoded, slashes too"),
        ("If-Match" = Option<String>, Header,
            description = "Left out, the resource is made and must not exist yet")),
    request_body = SetResource, security(("token" = ["resources:write"])),
    responses((status = 200, description = "It was changed", body = ShownResource),
        (status = 201, description = "It was made", body = ShownResource)))]
async fn register(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(identifier): Named<String>,
    IfMatchOrAbsent(expected): IfMatchOrAbsent,
    Body(body): Body<SetResource>,
) -> Answer {
    let identifier = identifier.parse();
    let identifier = identifier.map_err(|bad: MalformedResource| Problem::invalid(bad.to_string()));
    let new = body.into_new(identifier?)?;
    let made = resources::register(&edge.app, &asker, &expected, new).await?;
    let all = edge.app.directory.resources().await.map_err(Rejection::from)?;
    let pending = signing_keys::pending(&edge.app).await?;
    let shown = (etag(made.version), Json(ShownResource::new(&made, &all, &pending)));
    if made.version == Version::FIRST {
        let name = encoded(made.identifier.as_str());
        let place = format!("{}{PATH}/{name}", edge.app.settings.issuer);
        return Ok((StatusCode::CREATED, [(header::LOCATION, place)], shown).into_response());
    }
    Ok(shown.into_response())
}

/// Removes a resource: no token is issued for it any more. For keys of the organization that runs
/// the server.
#[utoipa::path(delete, path = "/api/v1/resources/{identifier}", tag = "Resources",
    params(("identifier" = String, Path, description = "Percent-encoded, slashes too"),
        ("If-Match" = String, Header)),
    security(("token" = ["resources:write"])), responses((status = 204)))]
async fn remove(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(identifier): Named<Parsed<ResourceIdentifier>>,
    IfMatch(expected): IfMatch,
) -> Answer<StatusCode> {
    resources::remove(&edge.app, &asker, &identifier.0, &expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
