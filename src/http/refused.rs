//! Leaves a trace of every request that an OAuth endpoint refuses: what the pipeline has not
//! recorded with its true reason is recorded here, so that `explain` finds it by the request's id.

use axum::{
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    api::Problem,
    caller::{origin, record_refusal},
    edge::Edge,
    error::{OAuthError, Unrecorded},
    form::{CREDENTIAL_IN_URL, carries_credential},
};
use crate::domain::Origin;

/// Records what a response carries as [`Unrecorded`]. Paths and methods that are not there are no
/// refusals, and failures of ours are in the log.
pub(super) async fn recorded(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let (mut request, origin) = with_origin(&edge, request);
    request.extensions_mut().insert(origin.clone());
    let mut response = next.run(request).await;
    let missing = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
    let unrecorded = response.extensions_mut().remove::<Unrecorded>();
    if let Some(Unrecorded { reason, detail }) = unrecorded
        && response.status().is_client_error()
        && !missing.contains(&response.status())
    {
        tracing::info!(
            request_id = %origin.request_id,
            reason,
            door = origin.door,
            source = %origin.source,
            "refused a request"
        );
        record_refusal(&edge, &origin, reason, detail.into_owned());
    }
    response
}

/// Refuses a credential in the URL, whatever the path and the method, and records it: it stands in
/// the logs of every proxy on the way, so its owner has to know.
pub(super) async fn credential_in_url(
    State(edge): State<Edge>,
    request: Request,
    next: Next,
) -> Response {
    if !request.uri().query().is_some_and(carries_credential) {
        return next.run(request).await;
    }
    let (request, origin) = with_origin(&edge, request);
    record_refusal(&edge, &origin, "credential_in_url", "the URL carries a credential".to_owned());
    if request.uri().path().contains("/api/v1/") {
        return Problem::invalid(CREDENTIAL_IN_URL).into_response();
    }
    OAuthError::invalid_request(CREDENTIAL_IN_URL).as_recorded().into_response()
}

fn with_origin(edge: &Edge, request: Request) -> (Request<Body>, Origin) {
    let (parts, body) = request.into_parts();
    let origin = origin(edge, &parts);
    (Request::from_parts(parts, body), origin)
}
