//! Whether a refresh token may be used now. One that is used again ends its family.

use serde_json::json;

use super::terms;
use crate::{
    announce::{News, Subject, announce},
    app::App,
    clock::Timestamp,
    domain::{Actor, AuditEvent, Family, OrganizationId, Origin, Owner, Turn},
    exchange::{
        Failed, Refusal,
        identity::{Holder, Identity},
    },
    store,
};

/// Whether the token may be used now, or was a moment ago: [`Turn::Current`] or [`Turn::Replayed`].
/// One that is used again after that ends its family.
pub(super) async fn check(
    app: &App,
    identity: &Identity,
    family: &Family,
    generation: u32,
    origin: &Origin,
    now: Timestamp,
) -> Result<Turn, Failed> {
    if let Some(at) = family.ended_at {
        return Err(Refusal::RefreshTokenEnded(at).into());
    }
    if family.is_over(now) {
        return Err(Refusal::RefreshTokenExpired(family.ends_at()).into());
    }
    let (granted, bound_to) = (&family.granted.terms, &family.granted.bound_to);
    // Both as of now: a client may have become public since.
    if terms::terms(app, identity).is_none()
        || !terms::is_guarded(identity, granted, bound_to.is_some())
    {
        return Err(Refusal::NoRefreshTokens.into());
    }
    match family.turn(generation, app.clock.shared(), app.settings.refresh.grace) {
        turn @ (Turn::Current | Turn::Replayed) => Ok(turn),
        // The database was set back to an earlier state.
        Turn::NotGivenYet => Err(Refusal::UnknownRefreshToken.into()),
        Turn::Reused => {
            end_reused(app, identity, family, generation, origin, now).await?;
            Err(Refusal::RefreshTokenReused(family.id).into())
        }
    }
}

/// Of two who have used one token, one is not whom it was given to, and no one can tell which.
async fn end_reused(
    app: &App,
    identity: &Identity,
    family: &Family,
    generation: u32,
    origin: &Origin,
    now: Timestamp,
) -> Result<(), Failed> {
    let mut tx = app.store.change().await?;
    if !store::refresh_families::end(&mut tx, family.id, now).await? {
        // Another has noticed it before.
        return Ok(());
    }
    tx.record(AuditEvent {
        id: app.random.id(now),
        at: now,
        actor: Actor::Keyturn,
        actor_email: None,
        action: "refresh.reused".into(),
        subject: family.granted.subject.clone(),
        organization_id: organization(identity),
        source: Some(origin.source),
        request_id: Some(origin.request_id),
        detail: json!({
            "family": family.id,
            "client": family.client_id,
            "generation": generation,
            "live_generation": family.generation,
        }),
    });
    let (source, request_id) = (origin.source, origin.request_id);
    let news = News::RefreshReused { family: family.id, source, request_id };
    if let Some(subject) = given_to(identity) {
        announce(app, &mut tx, subject, &news).await?;
    }
    Ok(app.commit(tx).await?)
}

/// Whom refresh tokens are given to.
fn given_to(identity: &Identity) -> Option<Subject<'_>> {
    match (identity.registered(), &identity.holder) {
        (Some(known), _) => Some(Subject::Client(&known.client)),
        (None, Holder::Key(presented)) => Some(Subject::Key(&presented.key)),
        (None, Holder::Client(_) | Holder::Workload(..)) => None,
    }
}

/// Whose audit trail it belongs to.
fn organization(identity: &Identity) -> Option<OrganizationId> {
    match (identity.registered(), &identity.holder) {
        (Some(known), _) | (None, Holder::Client(known)) => Some(known.client.organization_id),
        (None, Holder::Workload(trust, _)) => Some(trust.organization_id),
        (None, Holder::Key(presented)) => match presented.key.owner {
            Owner::Organization(id) => Some(id),
            Owner::User(_) => None,
        },
    }
}
