//! What every response has, no matter who made it: a request id, and headers that keep browsers and
//! caches from guessing.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use uuid::Uuid;

use super::edge::Edge;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the request in the response, in logs and in the audit trail. Always ours: a caller could
/// otherwise make two requests look like one.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestId(pub(super) Uuid);

pub(super) async fn envelope(
    State(edge): State<Edge>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = edge.app.random.id(edge.app.clock.now());
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;

    let headers = response.headers_mut();
    let mut text = Uuid::encode_buffer();
    let id = HeaderValue::from_str(id.hyphenated().encode_lower(&mut text));
    headers.insert(REQUEST_ID, id.expect("a UUID is ASCII"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    }
    response
}
