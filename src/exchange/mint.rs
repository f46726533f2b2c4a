//! Makes the token: RFC 9068, for one resource, never longer-lived than the key.

use super::{Failed, Issued, narrow::Grant};
use crate::{
    app::App,
    clock::Timestamp,
    domain::{Owner, Presented, RoleName},
    signing::{AccessToken, TokenType},
};

pub(super) fn mint(
    app: &App,
    subject: &Presented,
    grant: &Grant,
    now: Timestamp,
) -> Result<Issued, Failed> {
    let settings = &app.settings;
    let key = &subject.key;
    let expires_at = end(app, subject, grant, now);

    // Never the same as a user's: the prefix says which kind of subject it is.
    let subject_of_token = format!("key:{}", key.id);
    let roles: Vec<_> = grant.roles.iter().map(RoleName::as_str).collect();
    let email = settings.email_claim.then(|| key.audit_email(&settings.keys.audit_email_domain));
    let access_token = app.signer.sign(
        grant.resource.algorithm,
        now,
        TokenType::AccessToken,
        &AccessToken {
            sub: &subject_of_token,
            aud: grant.resource.identifier.as_str(),
            client_id: &subject_of_token["key:".len()..],
            iat: now,
            exp: expires_at,
            jti: app.random.id(now),
            scope: &grant.scopes.to_string(),
            roles: &roles,
            org: grant.acting.id().0,
            user_id: match key.owner {
                Owner::User(id) => Some(id.0),
                Owner::Organization(_) => None,
            },
            email: email.as_deref(),
        },
    )?;
    let expires_in = (expires_at - now).to_std().unwrap_or_default();
    Ok(Issued { access_token, expires_in, expires_at, scopes: grant.scopes.clone() })
}

/// When a token that is made now expires.
pub(super) fn end(app: &App, subject: &Presented, grant: &Grant, now: Timestamp) -> Timestamp {
    let lifetime = grant.resource.token_lifetime.unwrap_or(app.settings.token_lifetime);
    let ends = [Some(now + lifetime), subject.key.expires_at, subject.secret.dies_at];
    ends.into_iter().flatten().min().unwrap_or(now)
}
