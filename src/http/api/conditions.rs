//! Which state of a thing the caller has seen (RFC 9110, sections 8.8.3 and 13.1).

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};

use super::problem::Problem;
use crate::{
    domain::{Expected, Version},
    http::{edge::Edge, etag::opaque},
};

/// `If-Match`, which every change of a thing must have.
pub(super) struct IfMatch(pub(super) Expected);

impl FromRequestParts<Edge> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Problem> {
        if_match(&parts.headers).map(Self).ok_or_else(Problem::condition_required)
    }
}

/// `If-Match` for a thing that is changed; without it, a thing that is to be made.
pub(super) struct IfMatchOrAbsent(pub(super) Expected);

impl FromRequestParts<Edge> for IfMatchOrAbsent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Edge) -> Result<Self, Problem> {
        Ok(Self(if_match(&parts.headers).unwrap_or(Expected::Absent)))
    }
}

/// What is no tag of ours matches nothing.
fn if_match(headers: &HeaderMap) -> Option<Expected> {
    let mut values = headers.get_all(header::IF_MATCH).iter().peekable();
    values.peek()?;
    let text = values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
    if text.trim() == "*" {
        return Some(Expected::Present);
    }
    let version = |tag: &str| opaque(tag)?.parse().ok();
    Some(Expected::OneOf(text.split(',').filter_map(version).map(Version).collect()))
}

pub(super) fn etag(version: Version) -> [(HeaderName, HeaderValue); 1] {
    let tag = HeaderValue::from_str(&format!("\"{}\"", version.0));
    [(header::ETAG, tag.expect("digits in quotes are ASCII"))]
}
