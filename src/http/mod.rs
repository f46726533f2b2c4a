//! The HTTP face: paths to handlers, forms to requests, refusals to responses. Decides nothing.

mod accept;
mod api;
mod basic;
mod caller;
mod challenge;
mod edge;
mod envelope;
mod error;
mod etag;
mod form;
mod gateway;
mod input;
mod oauth;
mod operations;
mod page;
mod paths;
mod presented;
mod proof;
mod refused;
mod source;

use axum::{
    Router,
    http::{HeaderValue, Method, Uri, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use tower_http::{catch_panic::CatchPanicLayer, cors::CorsLayer};

pub use self::edge::{Metrics, Settings};
use self::{
    api::Problem,
    edge::Edge,
    error::OAuthError,
    oauth::{
        authorize, discovery, introspect, jwks, leaks, protected_resource, register, revoke, token,
    },
};
use crate::app::App;

/// The description of the management API (OpenAPI 3.1), as JSON.
pub fn api_description() -> String {
    api::description()
}

/// Every path, under the path of the issuer, and the layers around them.
pub fn router(app: App, settings: Settings) -> Router {
    let edge = Edge::new(app, settings);
    let doors = register::door(&edge)
        .route(paths::API_KEY_TOKEN, post(token::api_key))
        .route(paths::PERSONAL_TOKEN, post(token::personal))
        .route(paths::PERSONAL_TOKEN_V3, post(token::personal_v3))
        .route(paths::TOKEN, post(token::oauth))
        .route(paths::IBM_TOKEN, post(token::ibm))
        .route(paths::INTROSPECT, post(introspect::introspect))
        .route(paths::REVOKE, post(revoke::revoke))
        .route(paths::REVOKE_KEY, post(leaks::revoke))
        .route(paths::REVOKE_FOUND_KEYS, post(leaks::revoke_found))
        .route(paths::GITHUB_REPORTS, post(leaks::github))
        // Below the layer, which then sees the OPTIONS by which browsers ask beforehand.
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(edge.clone(), proof::with_nonce))
        .layer(middleware::from_fn_with_state(edge.clone(), refused::recorded))
        .layer(middleware::from_fn_with_state(edge.clone(), refused::credential_in_url))
        .layer(from_browsers(&edge.settings.cors_origins, vec![Method::POST]));
    let one = register::of_one(&edge)
        .layer(middleware::from_fn_with_state(edge.clone(), refused::recorded))
        .layer(from_browsers(&edge.settings.cors_origins, register::METHODS_OF_ONE.to_vec()));
    let browsed = Router::new()
        .route(paths::AUTHORIZE, get(authorize::by_query).post(authorize::by_form))
        .method_not_allowed_fallback(method_not_allowed);
    let published = Router::new()
        .route(paths::JWKS, get(jwks::jwks))
        .route(paths::OPENID_METADATA, get(discovery::openid))
        .route(paths::OAUTH_METADATA, get(discovery::oauth))
        .route(paths::RESOURCE_METADATA, get(protected_resource::metadata))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_anywhere());
    let gateways = Router::new()
        .route(paths::VERIFY, get(gateway::verify).post(gateway::verify))
        .route(paths::VERIFY_BEFORE, any(gateway::verify_before))
        .route(paths::VERIFY_BEFORE_ROOT, any(gateway::verify_before))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(edge.clone(), proof::with_nonce));
    // Gateways are not among these: the URL that they ask about is not ours.
    let rest = browsed
        .merge(one)
        .merge(published)
        .merge(api::router(&edge))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(edge.clone(), refused::credential_in_url));
    let own = doors.merge(rest).merge(gateways);
    let path = paths::path_of(&edge.app.settings.issuer);
    // A proxy in front of an issuer with a path may pass on nothing else.
    let own = if path.is_empty() { own } else { inserted(&path).nest(&path, own.merge(probes())) };
    own.merge(probes())
        .route("/metrics", get(operations::metrics))
        .fallback(no_such_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(error::after_panic))
        .layer(middleware::from_fn_with_state(edge.clone(), envelope::envelope))
        .with_state(edge)
}

/// Each in the words of those who ask there.
async fn no_such_path(uri: Uri) -> Response {
    if uri.path().contains("/api/") {
        return Problem::no_such_path().into_response();
    }
    OAuthError::NOT_FOUND.into_response()
}

async fn method_not_allowed(uri: Uri) -> Response {
    if uri.path().contains("/api/v1/") {
        return Problem::method_not_allowed().into_response();
    }
    OAuthError::METHOD_NOT_ALLOWED.into_response()
}

/// Whether the server lives and is ready.
fn probes() -> Router<Edge> {
    Router::new()
        .route("/healthz", get(operations::alive))
        .route("/readyz", get(operations::ready))
        .method_not_allowed_fallback(method_not_allowed)
}

/// Where metadata stands for an issuer with a path: between the host and that path (RFC 8414,
/// section 3.1); clients look for both documents there.
fn inserted(path: &str) -> Router<Edge> {
    Router::new()
        .route(&format!("{}{path}", paths::OPENID_METADATA), get(discovery::openid))
        .route(&format!("{}{path}", paths::OAUTH_METADATA), get(discovery::oauth))
        .route(&format!("{}{path}", paths::RESOURCE_METADATA), get(protected_resource::metadata))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_anywhere())
}

/// Lets every page read what is published.
fn from_anywhere() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(tower_http::cors::Any)
        .allow_methods([Method::GET])
        .allow_headers(tower_http::cors::Any)
        .expose_headers([header::ETAG, header::RETRY_AFTER, envelope::REQUEST_ID])
}

/// Lets pages of the configured origins ask by these methods; no origin by default.
fn from_browsers(
    origins: &[String],
    methods: Vec<Method>,
) -> tower::util::Either<CorsLayer, tower::layer::util::Identity> {
    if origins.is_empty() {
        return tower::util::Either::Right(tower::layer::util::Identity::new());
    }
    let origins: Vec<_> = origins.iter().filter_map(|it| HeaderValue::from_str(it).ok()).collect();
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(methods)
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, proof::DPOP])
        .expose_headers([
            proof::DPOP_NONCE,
            header::WWW_AUTHENTICATE,
            header::RETRY_AFTER,
            envelope::REQUEST_ID,
        ]);
    tower::util::Either::Left(layer)
}
