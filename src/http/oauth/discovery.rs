//! Metadata: RFC 8414 and OpenID Connect Discovery 1.0. Says only what really answers, from the
//! configured issuer and never from a Host header.

use std::collections::BTreeSet;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::Serialize;

use super::{client, introspect, register, token};
use crate::{
    domain::Algorithm,
    http::{
        edge::Edge,
        etag::{etag_of, published},
        paths,
    },
    signing::PROOF_ALGORITHMS,
};

/// RFC 8414, section 2. Members without a value are left out (section 3.2).
#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    authorization_response_iss_parameter_supported: bool,
    /// Empty, and there: both documents require it, and libraries insist.
    response_types_supported: [&'static str; 0],
    token_endpoint: String,
    jwks_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes_supported: Option<BTreeSet<String>>,
    grant_types_supported: &'a [&'static str],
    token_endpoint_auth_methods_supported: &'a [&'static str],
    token_endpoint_auth_signing_alg_values_supported: &'a [&'static str],
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: &'a [&'static str],
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: &'a [&'static str],
    introspection_signing_alg_values_supported: [&'static str; 1],
    dpop_signing_alg_values_supported: &'a [&'static str],
    #[serde(flatten)]
    openid: Option<OpenId>,
}

/// What OpenID Connect Discovery 1.0, section 3 requires beside it.
#[derive(Serialize)]
struct OpenId {
    subject_types_supported: [&'static str; 1],
    /// By what tokens of ours are signed. Verifiers read this once, when they start, and trust no
    /// other algorithm: so it names all that a resource may choose, in use today or not.
    id_token_signing_alg_values_supported: [&'static str; Algorithm::ALL.len()],
}

pub(in crate::http) async fn oauth(State(edge): State<Edge>, headers: HeaderMap) -> Response {
    document(&edge, &headers, None).await
}

pub(in crate::http) async fn openid(State(edge): State<Edge>, headers: HeaderMap) -> Response {
    let openid = OpenId {
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: Algorithm::ALL.map(Algorithm::as_str),
    };
    document(&edge, &headers, Some(openid)).await
}

async fn document(edge: &Edge, headers: &HeaderMap, openid: Option<OpenId>) -> Response {
    let issuer = &edge.app.settings.issuer;
    // With the database away the document is served all the same, and says nothing of scopes.
    let resources = edge.app.directory.resources().await.ok();
    let scopes = resources.map(|resources| {
        let all = resources.iter().chain([&edge.app.own_resource]);
        let scopes = all.flat_map(|resource| resource.scopes.iter().map(str::to_owned));
        scopes.collect::<BTreeSet<_>>()
    });
    let metadata = Metadata {
        issuer,
        authorization_endpoint: format!("{issuer}{}", paths::AUTHORIZE),
        authorization_response_iss_parameter_supported: true,
        response_types_supported: [],
        token_endpoint: format!("{issuer}{}", paths::TOKEN),
        jwks_uri: format!("{issuer}{}", paths::JWKS),
        registration_endpoint: register::is_on(edge)
            .then(|| format!("{issuer}{}", paths::REGISTER)),
        scopes_supported: scopes,
        grant_types_supported: &token::GRANT_TYPES,
        token_endpoint_auth_methods_supported: &client::METHODS,
        token_endpoint_auth_signing_alg_values_supported: &client::SIGNING_ALGORITHMS,
        revocation_endpoint: format!("{issuer}{}", paths::REVOKE),
        revocation_endpoint_auth_methods_supported: client::methods(client::Public::Too),
        revocation_endpoint_auth_signing_alg_values_supported: &client::SIGNING_ALGORITHMS,
        introspection_endpoint: format!("{issuer}{}", paths::INTROSPECT),
        introspection_endpoint_auth_methods_supported: client::methods(client::Public::Never),
        introspection_endpoint_auth_signing_alg_values_supported: &client::SIGNING_ALGORITHMS,
        introspection_signing_alg_values_supported: [introspect::SIGNED_BY.as_str()],
        dpop_signing_alg_values_supported: &PROOF_ALGORITHMS,
        openid,
    };
    let body = serde_json::to_string(&metadata).expect("texts are JSON");
    let etag = etag_of(body.as_bytes());
    published(edge, headers, &etag, "application/json", body)
}
