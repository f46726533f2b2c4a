//! The header `DPoP` (RFC 9449): the proof that a request brings along, and the nonce for the next.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};

use super::edge::Edge;
use crate::exchange::OfferedProof;

pub(super) const DPOP: HeaderName = HeaderName::from_static("dpop");
pub(super) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Of several no one could say which one counts.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are two DPoP headers")]
pub(super) struct TwoProofs;

/// `url`: the public one of what was asked for. Whatever the header holds is offered.
pub(super) fn offered(
    headers: &HeaderMap,
    method: &str,
    url: impl FnOnce() -> String,
) -> Result<Option<OfferedProof>, TwoProofs> {
    let mut values = headers.get_all(DPOP).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(TwoProofs);
    }
    let proof = String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ok(Some(OfferedProof { proof, method: method.to_owned(), url: url(), goes_with: None }))
}

/// Gives anyone who sends proofs the nonce for the next one, where they need one (RFC 9449, section
/// 8.2).
pub(super) async fn with_nonce(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let proves = request.headers().contains_key(DPOP);
    let mut response = next.run(request).await;
    if proves && let Some(nonces) = &edge.app.proof_nonces {
        let nonce = HeaderValue::from_str(&nonces.current(edge.app.clock.now()));
        response.headers_mut().insert(DPOP_NONCE, nonce.expect("base64url is ASCII"));
    }
    response
}
