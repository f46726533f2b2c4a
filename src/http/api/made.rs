//! Answers of requests that make something.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::conditions::etag;
use crate::{domain::Version, http::edge::Edge};

/// `path` is where the new thing is found from now on.
pub(super) fn made(edge: &Edge, path: &str, version: Version, shown: impl Serialize) -> Response {
    let place = format!("{}{path}", edge.app.settings.issuer);
    (StatusCode::CREATED, etag(version), [(header::LOCATION, place)], Json(shown)).into_response()
}
