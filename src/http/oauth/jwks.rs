//! `GET /.well-known/jwks.json` (RFC 7517, section 5): from memory, whatever the database does.

use axum::{extract::State, http::HeaderMap, response::Response};

use crate::http::{edge::Edge, etag::published};

pub(in crate::http) async fn jwks(State(edge): State<Edge>, headers: HeaderMap) -> Response {
    let jwks = edge.app.signer.jwks(edge.app.clock.now());
    published(&edge, &headers, &jwks.etag, "application/jwk-set+json", jwks.body.clone())
}
