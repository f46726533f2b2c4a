//! Clients as callers see them.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::words::{Exchange, Refresh};
use crate::{
    clock::Timestamp,
    domain::{
        Authentication, ClientSecret, GrantType, KeySource, Secret, SecretId, SignatureAlgorithm,
    },
    http::api::{
        moment::{Moment, of_minute},
        proof::ShownProof,
    },
    manage::clients::Listed,
};

/// An OAuth client.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownClient {
    /// Its `client_id`.
    id: Uuid,
    /// In which it acts.
    organization_id: Uuid,
    name: String,
    /// `none`, `client_secret_basic`, `client_secret_post`, `client_secret_basic_or_post` or
    /// `private_key_jwt`.
    token_endpoint_auth_method: &'static str,
    #[schema(value_type = Option<Object>)]
    jwks: Option<Map<String, Value>>,
    jwks_uri: Option<String>,
    compat_aud: bool,
    /// `null`: any that fits the key.
    token_endpoint_auth_signing_alg: Option<&'static str>,
    grant_types: Vec<&'static str>,
    scopes: Vec<String>,
    /// `null`: any.
    resources: Option<Vec<String>>,
    redirect_uris: Vec<String>,
    /// `null`: as long as those of the resource.
    token_lifetime_seconds: Option<u32>,
    /// `null`: it is given no refresh tokens.
    refresh: Option<Refresh>,
    #[schema(inline)]
    proof: ShownProof,
    exchanges: Vec<Exchange>,
    /// It registered itself (RFC 7591), and may change and end itself.
    self_registered: bool,
    /// What it calls itself, where it registered itself. It is not verified.
    client_name: Option<String>,
    created_at: Moment,
    /// From then on it gets no tokens; `null`: it never ends by itself.
    expires_at: Option<Moment>,
    /// Not `null`: it gets no tokens.
    disabled_at: Option<Moment>,
    /// Oldest first.
    secrets: Vec<ShownClientSecret>,
}

/// One of its secrets: when it was made, was last used, and ends.
#[derive(Serialize, ToSchema)]
struct ShownClientSecret {
    id: Uuid,
    created_at: Moment,
    /// `null`: when it is removed.
    expires_at: Option<Moment>,
    is_live: bool,
    /// To the minute; up to two hours too early.
    last_used_at: Option<Moment>,
}

/// A client with its secret, which is shown once.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownClientWithSecret {
    #[serde(flatten)]
    client: ShownClient,
    /// `null`: it proves itself otherwise.
    secret: Option<String>,
}

/// A further secret, which is shown once.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownNewSecret {
    id: Uuid,
    secret: String,
    expires_at: Option<Moment>,
}

impl ShownNewSecret {
    pub(super) fn new(id: SecretId, secret: &Secret, expires_at: Option<Moment>) -> Self {
        Self { id: id.0, secret: secret.reveal().to_owned(), expires_at }
    }
}

impl ShownClientWithSecret {
    pub(super) fn new(listed: Listed, secret: Option<&Secret>, now: Timestamp) -> Self {
        let secret = secret.map(|secret| secret.reveal().to_owned());
        Self { client: ShownClient::new(listed, now), secret }
    }
}

impl ShownClient {
    pub(super) fn new(Listed { client, secrets }: Listed, now: Timestamp) -> Self {
        let terms = client.terms;
        let method = terms.authentication.as_str();
        let Keys { jwks, jwks_uri, compat_aud, signing_alg } = keys(terms.authentication);
        let resources = terms.resources.as_ref();
        let text = |it: &crate::domain::ResourceIdentifier| it.to_string();
        Self {
            id: client.id.0,
            organization_id: client.organization_id.0,
            name: client.name.to_string(),
            token_endpoint_auth_method: method,
            jwks,
            jwks_uri,
            compat_aud,
            token_endpoint_auth_signing_alg: signing_alg,
            grant_types: terms.grants.into_iter().map(GrantType::as_str).collect(),
            scopes: terms.scopes.iter().map(str::to_owned).collect(),
            resources: resources.map(|all| all.iter().map(text).collect()),
            redirect_uris: terms.redirect_uris,
            token_lifetime_seconds: terms.token_lifetime,
            refresh: terms.refresh.map(Into::into),
            proof: ShownProof::from(&terms.proof),
            exchanges: terms.exchanges.into_iter().map(Into::into).collect(),
            self_registered: client.registration.is_some(),
            client_name: client.description.client_name,
            created_at: Moment(client.created_at),
            expires_at: terms.expires_at.map(Moment),
            disabled_at: client.disabled_at.map(Moment),
            secrets: secrets.into_iter().map(|it| ShownClientSecret::new(it, now)).collect(),
        }
    }
}

struct Keys {
    jwks: Option<Map<String, Value>>,
    jwks_uri: Option<String>,
    compat_aud: bool,
    signing_alg: Option<&'static str>,
}

fn keys(authentication: Authentication) -> Keys {
    let Authentication::PrivateKeyJwt { keys, compat_aud, signing_alg } = authentication else {
        return Keys { jwks: None, jwks_uri: None, compat_aud: false, signing_alg: None };
    };
    let (jwks, jwks_uri) = match keys {
        KeySource::Pinned(set) => (serde_json::from_str(&set).ok(), None),
        KeySource::Uri(uri) | KeySource::Issuer(uri) => (None, Some(uri)),
    };
    Keys { jwks, jwks_uri, compat_aud, signing_alg: signing_alg.map(SignatureAlgorithm::as_str) }
}

impl ShownClientSecret {
    fn new((secret, last_used): (ClientSecret, Option<i64>), now: Timestamp) -> Self {
        Self {
            id: secret.id.0,
            created_at: Moment(secret.created_at),
            expires_at: secret.expires_at.map(Moment),
            is_live: secret.is_live(now),
            last_used_at: last_used.and_then(of_minute),
        }
    }
}
