//! Makes the token: RFC 9068, for one resource, never longer-lived than what it was obtained with.

use std::time::Duration;

use chrono::TimeDelta;

use super::{
    Failed, Issued,
    identity::{Holder, Identity},
    narrow::Grant,
};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Algorithm, Resource, RoleName},
    signing::{AccessToken, Confirmation},
};

pub(super) fn mint(
    app: &App,
    identity: &Identity,
    grant: &Grant,
    now: Timestamp,
) -> Result<Issued, Failed> {
    let expires_at = end(app, identity, grant, now);
    let roles: Vec<_> = grant.roles.iter().map(RoleName::as_str).collect();
    let access_token = app.signer.sign(
        algorithm(app, &grant.resource, now),
        now,
        grant.resource.jwt_type.into(),
        &AccessToken {
            sub: &identity.subject(),
            aud: grant.resource.identifier.as_str(),
            client_id: &identity.client_id(),
            iat: now,
            exp: expires_at,
            jti: app.random.id(now),
            scope: &grant.scopes.to_string(),
            roles: &roles,
            src: &identity.sources,
            act: identity.actor.as_ref(),
            cnf: identity.bound_to.as_ref().map(|jkt| Confirmation { jkt }),
            org: grant.acting.id().0,
            user_id: identity.user().map(|id| id.0),
            email: email(app, identity).as_deref(),
        },
    )?;
    Ok(Issued {
        access_token,
        expires_in: expires_in(app, expires_at - now),
        expires_at,
        scopes: grant.scopes.clone(),
        is_bound: identity.bound_to.is_some(),
        refresh_token: None,
    })
}

/// A resource stays as it was until the first key of its algorithm signs.
fn algorithm(app: &App, resource: &Resource, now: Timestamp) -> Algorithm {
    match app.signer.begins(resource.algorithm, now) {
        Some(_) => resource.algorithm_until_then(),
        None => resource.algorithm,
    }
}

/// What the client is told. Those that go by it come back at different moments, and none too late.
fn expires_in(app: &App, lifetime: TimeDelta) -> Duration {
    let told = lifetime.to_std().unwrap_or_default();
    let most = told.as_secs() * u64::from(app.settings.expires_in_jitter) / 100;
    if most == 0 {
        return told;
    }
    let drawn = u64::from_be_bytes(app.random.bytes());
    told.saturating_sub(Duration::from_secs(drawn % (most + 1)))
}

fn email(app: &App, identity: &Identity) -> Option<String> {
    let Holder::Key(presented) = &identity.holder else { return None };
    let domain = &app.settings.keys.audit_email_domain;
    app.settings.email_claim.then(|| presented.key.audit_email(domain))
}

/// When a token that is made now expires.
pub(super) fn end(app: &App, identity: &Identity, grant: &Grant, now: Timestamp) -> Timestamp {
    let lifetime = grant.resource.token_lifetime.unwrap_or(app.settings.token_lifetime);
    let of_client = identity.terms().and_then(|terms| terms.token_lifetime);
    let of_client = of_client.map(|seconds| now + TimeDelta::seconds(seconds.into()));
    let ends = [Some(now + lifetime), of_client, identity.ends()];
    ends.into_iter().flatten().min().unwrap_or(now)
}
