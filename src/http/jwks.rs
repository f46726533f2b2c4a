//! `GET /.well-known/jwks.json` (RFC 7517, section 5): from memory, whatever the database does.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{edge::Edge, etag::opaque};

pub(super) const PATH: &str = "/.well-known/jwks.json";

pub(super) async fn jwks(State(edge): State<Edge>, headers: HeaderMap) -> Response {
    let jwks = edge.app.signer.jwks(edge.app.clock.now());
    published(&edge, &headers, &jwks.etag, "application/jwk-set+json", jwks.body.clone())
}

/// Of a document that is made for each answer: the same text, the same tag.
pub(super) fn etag_of(body: &str) -> String {
    format!("\"{:08x}-{:x}\"", crc32fast::hash(body.as_bytes()), body.len())
}

/// A document that anybody may keep for a while, unless the caller has this very one.
pub(super) fn published(
    edge: &Edge,
    headers: &HeaderMap,
    etag: &str,
    content_type: &'static str,
    body: String,
) -> Response {
    let is_ours = |tag| opaque(etag) == Some(tag);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        let tags = value.to_str().unwrap_or_default();
        tags.split(',').any(|tag| tag.trim() == "*" || opaque(tag).is_some_and(is_ours))
    });
    let kept = [(header::ETAG, etag.to_owned()), (header::CACHE_CONTROL, edge.cache_control())];
    if known {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let content_type = HeaderValue::from_static(content_type);
    (kept, [(header::CONTENT_TYPE, content_type)], body).into_response()
}
