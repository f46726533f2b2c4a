//! A client as it sees itself (RFC 7591, section 3.2.1): all that is kept of what it said, and its
//! secrets in the one answer that has them.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    domain::{
        Authentication, Client, GrantType, KeySource, ProofDemand, Scopes, Secret, SelfDescription,
        SignatureAlgorithm,
    },
    http::{edge::Edge, paths::REGISTER},
};

#[derive(Serialize)]
pub(super) struct Shown {
    client_id: Uuid,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// Goes with the secret; 0: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    registration_access_token: String,
    registration_client_uri: String,
    redirect_uris: Vec<String>,
    token_endpoint_auth_method: &'static str,
    grant_types: Vec<&'static str>,
    /// None goes through a browser.
    response_types: [&'static str; 0],
    scope: Scopes,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg: Option<&'static str>,
    dpop_bound_access_tokens: bool,
    #[serde(flatten)]
    description: SelfDescription,
}

impl Shown {
    /// `token`: by which it manages itself from now on.
    pub(super) fn new(
        edge: &Edge,
        client: Client,
        secret: Option<&Secret>,
        token: &Secret,
    ) -> Self {
        let terms = client.terms;
        let method = method(&terms.authentication);
        let signing_alg = signing_alg(&terms.authentication);
        let (jwks, jwks_uri) = keys(terms.authentication);
        let secret = secret.map(|secret| secret.reveal().to_owned());
        let end = terms.expires_at.map_or(0, |end| end.timestamp());
        Self {
            client_id: client.id.0,
            client_id_issued_at: client.created_at.timestamp(),
            client_secret_expires_at: secret.is_some().then_some(end),
            client_secret: secret,
            registration_access_token: token.reveal().to_owned(),
            registration_client_uri: format!(
                "{}{REGISTER}/{}",
                edge.app.settings.issuer, client.id
            ),
            redirect_uris: terms.redirect_uris,
            token_endpoint_auth_method: method,
            grant_types: terms.grants.into_iter().map(GrantType::as_str).collect(),
            response_types: [],
            scope: terms.scopes,
            jwks,
            jwks_uri,
            token_endpoint_auth_signing_alg: signing_alg,
            dpop_bound_access_tokens: terms.proof != ProofDemand::None,
            description: client.description,
        }
    }
}

/// The registry of RFC 7591 has no word for either of two: its default is one of them.
fn method(authentication: &Authentication) -> &'static str {
    match authentication {
        Authentication::ClientSecretBasicOrPost => Authentication::ClientSecretBasic.as_str(),
        other => other.as_str(),
    }
}

fn signing_alg(authentication: &Authentication) -> Option<&'static str> {
    match authentication {
        Authentication::PrivateKeyJwt { signing_alg, .. } => {
            signing_alg.map(SignatureAlgorithm::as_str)
        }
        _ => None,
    }
}

fn keys(authentication: Authentication) -> (Option<Value>, Option<String>) {
    let Authentication::PrivateKeyJwt { keys, .. } = authentication else { return (None, None) };
    match keys {
        KeySource::Pinned(set) => (serde_json::from_str(&set).ok(), None),
        KeySource::Uri(uri) | KeySource::Issuer(uri) => (None, Some(uri)),
    }
}
