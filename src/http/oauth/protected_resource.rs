//! Says who issues tokens for the management API (RFC 9728).

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;

use crate::{
    http::{
        edge::Edge,
        etag::{etag_of, published},
        paths,
    },
    signing::PROOF_ALGORITHMS,
};

/// RFC 9728, section 2.
#[derive(Serialize)]
struct Metadata<'a> {
    resource: &'a str,
    authorization_servers: [&'a str; 1],
    jwks_uri: String,
    scopes_supported: Vec<&'a str>,
    bearer_methods_supported: [&'static str; 1],
    dpop_signing_alg_values_supported: &'a [&'static str],
    resource_name: &'static str,
    resource_documentation: String,
}

pub(in crate::http) async fn metadata(State(edge): State<Edge>, headers: HeaderMap) -> Response {
    let issuer = edge.app.settings.issuer.as_str();
    let metadata = Metadata {
        resource: issuer,
        authorization_servers: [issuer],
        jwks_uri: format!("{issuer}{}", paths::JWKS),
        scopes_supported: edge.app.own_resource.scopes.iter().collect(),
        bearer_methods_supported: ["header"],
        dpop_signing_alg_values_supported: &PROOF_ALGORITHMS,
        resource_name: "keyturn management API",
        resource_documentation: format!("{issuer}/api/docs"),
    };
    let body = serde_json::to_string(&metadata).expect("texts are JSON");
    let etag = etag_of(body.as_bytes());
    published(&edge, &headers, &etag, "application/json", body)
}
