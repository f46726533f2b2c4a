//! What an access token says (RFC 9068, section 2.2); the signer adds who says it.

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::{
    clock::Timestamp,
    domain::{Delegate, Source, Thumbprint},
};

#[derive(Serialize)]
pub struct AccessToken<'a> {
    pub sub: &'a str,
    /// One resource server: a token for two could be used by one against the other.
    pub aud: &'a str,
    pub client_id: &'a str,
    #[serde(with = "chrono::serde::ts_seconds")]
    pub iat: Timestamp,
    #[serde(with = "chrono::serde::ts_seconds")]
    pub exp: Timestamp,
    pub jti: Uuid,
    /// Names with a space between them. No claim where there is none: an empty one is not
    /// allowed (RFC 6749, section 3.3).
    #[serde(skip_serializing_if = "str::is_empty")]
    pub scope: &'a str,
    /// No claim where there is none, either: Authlib takes no token with an empty one.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub roles: &'a [&'a str],
    /// What it was obtained through: who asks us whether it is still good, asks of these.
    pub src: &'a [Source],
    /// Who acts on behalf of the subject (RFC 8693, section 4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<&'a Delegate>,
    /// The key whose possession its holder has to prove (RFC 9449, section 6.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation<'a>>,
    /// The organization acted in.
    #[serde(flatten, serialize_with = "under_both_names")]
    pub org: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<&'a str>,
}

/// What a signed answer about a token says (RFC 9701, section 5).
#[derive(Serialize)]
pub struct TokenIntrospection<'a, T> {
    /// The resource server that asked.
    pub aud: &'a str,
    #[serde(with = "chrono::serde::ts_seconds")]
    pub iat: Timestamp,
    pub token_introspection: &'a T,
}

#[derive(Serialize)]
pub struct Confirmation<'a> {
    pub jkt: &'a Thumbprint,
}

/// `org` is ours, `currentOrganizationId` is what Appcircle's clients read.
fn under_both_names<S: Serializer>(org: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Names<'a> {
        org: &'a Uuid,
        #[serde(rename = "currentOrganizationId")]
        current_organization_id: &'a Uuid,
    }
    Names { org, current_organization_id: org }.serialize(serializer)
}
