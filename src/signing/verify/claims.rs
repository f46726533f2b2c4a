//! What a token of ours says, read back into types.

use chrono::TimeDelta;
use serde::Deserialize as _;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Audience, Expected};
use crate::{
    clock::Timestamp,
    domain::{Delegate, OrganizationId, RoleName, Roles, Scopes, Source, Thumbprint, UserId},
    signing::{
        Untrusted,
        claim_reader::{Claims, audiences, moment},
    },
};

/// An access token that is to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    pub subject: String,
    pub client_id: String,
    /// The one it was verified for among them.
    pub audiences: Vec<String>,
    pub scopes: Scopes,
    pub roles: Roles,
    /// The organization acted in.
    pub organization_id: OrganizationId,
    pub user_id: Option<UserId>,
    /// What it was obtained through; empty in tokens that older versions made.
    pub sources: Vec<Source>,
    pub actor: Option<Delegate>,
    /// The key whose possession its holder has to prove.
    pub bound_to: Option<Thumbprint>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    /// `jti`.
    pub token_id: Uuid,
}

/// By how much the clock of the node that signed may be ahead of ours. The end of a token is
/// meant to the second: its life is ours to choose.
const AHEAD: TimeDelta = TimeDelta::seconds(60);

pub(super) fn read(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<VerifiedToken, Untrusted> {
    let claims = Claims(claims);
    if claims.required("iss", Value::as_str)? != expected.issuer {
        return Err(Untrusted::WrongIssuer);
    }
    let audiences = claims.required("aud", audiences)?;
    let is_meant = |it: &String| match expected.audience {
        Audience::Is(audience) => it == audience,
        Audience::Any => true,
    };
    if !audiences.iter().any(is_meant) {
        return Err(Untrusted::WrongAudience);
    }
    let issued_at = claims.required("iat", moment)?;
    let expires_at = claims.required("exp", moment)?;
    if expires_at <= expected.now {
        return Err(Untrusted::Expired);
    }
    let not_before = claims.optional("nbf", moment)?.unwrap_or(issued_at);
    if issued_at.max(not_before) > expected.now + AHEAD {
        return Err(Untrusted::NotYetValid);
    }
    Ok(VerifiedToken {
        subject: claims.required("sub", Value::as_str)?.to_owned(),
        client_id: claims.required("client_id", Value::as_str)?.to_owned(),
        audiences,
        scopes: claims.optional("scope", |scope| scope.as_str()?.parse().ok())?.unwrap_or_default(),
        roles: claims.optional("roles", roles)?.unwrap_or_default(),
        organization_id: claims.required("org", |id| id.as_str()?.parse().ok())?,
        user_id: claims.optional("user_id", |id| id.as_str()?.parse().ok())?,
        sources: claims.optional("src", sources)?.unwrap_or_default(),
        actor: claims.optional("act", delegate)?,
        bound_to: claims.optional("cnf", |cnf| cnf.get("jkt")?.as_str()?.parse().ok())?,
        issued_at,
        expires_at,
        token_id: claims.required("jti", |id| Uuid::try_parse(id.as_str()?).ok())?,
    })
}

fn sources(value: &Value) -> Option<Vec<Source>> {
    value.as_array()?.iter().map(|source| source.as_str()?.parse().ok()).collect()
}

fn delegate(value: &Value) -> Option<Delegate> {
    Delegate::deserialize(value).ok()
}

fn roles(value: &Value) -> Option<Roles> {
    let names = value.as_array()?.iter();
    names.map(|name| name.as_str()?.parse::<RoleName>().ok()).collect()
}
