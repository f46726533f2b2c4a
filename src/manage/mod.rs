//! What owners and operators do: each change is one transaction with its audit event in it.

pub mod api_keys;
pub mod organizations;
pub mod quickstart;
pub mod resources;
pub mod signing_keys;
pub mod upkeep;
pub mod users;

use std::{net::IpAddr, num::NonZeroU32};

use serde_json::Value;
use uuid::Uuid;

use crate::{
    app::{App, TooBusy},
    domain::{Actor, AuditEvent, ExpiryRefused, MalformedResource, OrganizationId, RoleName},
    signing::MalformedPem,
    store::{self, StoreError, Tx},
};

/// Who asks for a change, and from where.
#[derive(Clone, Debug)]
pub struct Asker {
    pub actor: Actor,
    pub source: Option<IpAddr>,
    pub request_id: Option<Uuid>,
}

impl Asker {
    /// keyturn itself.
    pub fn keyturn() -> Self {
        Self { actor: Actor::Keyturn, source: None, request_id: None }
    }

    /// A person at the machine.
    pub fn operator(name: String) -> Self {
        Self { actor: Actor::Operator(name), source: None, request_id: None }
    }
}

/// Why something was not changed. Safe to show to whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("{0} of this name exists already")]
    NameTaken(&'static str),
    #[error(transparent)]
    Expiry(#[from] ExpiryRefused),
    #[error("when a key expires is fixed: the setting api_keys.expiry_may_change is off")]
    ExpiryIsFixed,
    #[error("an organization's key needs a role: viewer, manager, owner, or one of its own")]
    NoRole,
    #[error("role {0} is not defined in this organization or above it")]
    UnknownRole(RoleName),
    #[error("role {0} is built in and means the same everywhere")]
    BuiltInRole(RoleName),
    #[error("organization {0} does not lie below the owner of the key")]
    OutOfReach(OrganizationId),
    #[error("the organizations of this tree may have {0} keys together, and they have them")]
    TooManyKeys(NonZeroU32),
    #[error("a revoked key stays revoked; make a new one")]
    Revoked,
    #[error("the old secret may live 7 days at most")]
    GraceTooLong,
    #[error("a token for a resource lives 30 to 360 seconds")]
    TokenLifetime,
    #[error(transparent)]
    MalformedResource(#[from] MalformedResource),
    #[error("signing key {0} is already on its way and signs soon")]
    AlreadyRotating(String),
    #[error(
        "the signing keys in the database were encrypted by key-encryption key {theirs}, and the \
         one configured is {ours}: bring the first one back. No new keys are made over them"
    )]
    OtherKeyEncryptionKey { theirs: String, ours: String },
    #[error(transparent)]
    MalformedPem(#[from] MalformedPem),
    #[error("this signing key is known already")]
    KnownSigningKey,
    #[error(transparent)]
    TooBusy(#[from] TooBusy),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One change for the audit trail.
struct Change {
    action: &'static str,
    subject: String,
    organization_id: Option<OrganizationId>,
    detail: Value,
}

/// Writes the audit event into the transaction that makes the change.
async fn audit(app: &App, tx: &mut Tx, asker: &Asker, change: Change) -> Result<(), StoreError> {
    let at = app.clock.now();
    let event = AuditEvent {
        id: app.random.id(at),
        at,
        actor: asker.actor.clone(),
        action: change.action,
        subject: change.subject,
        organization_id: change.organization_id,
        source: asker.source,
        request_id: asker.request_id,
        detail: change.detail,
    };
    store::audit_events::insert(tx, &event).await
}

/// Says which name was taken where the store says that something exists.
fn taken(what: &'static str) -> impl Fn(StoreError) -> Rejection {
    move |error| match error {
        StoreError::Conflict => Rejection::NameTaken(what),
        other => other.into(),
    }
}
