//! What owners and operators do: each change is one transaction with its audit event in it.

pub mod api_keys;
mod asker;
pub mod audit_trail;
pub mod clients;
pub mod declared;
pub mod end_again;
mod endings;
pub mod explanations;
pub mod families;
pub mod key_encryption;
mod key_set;
pub mod leaks;
pub mod members;
mod memberships;
mod once;
pub mod organizations;
pub mod quickstart;
pub mod reminders;
pub mod resources;
pub mod roles;
pub mod server;
pub mod signing_keys;
pub mod tokens;
pub mod trusts;
pub mod unused;
pub mod upkeep;
pub mod usage;
pub mod users;
pub mod watch;
pub mod webhooks;

use std::num::NonZeroU32;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use self::asker::Judged;
pub use self::{asker::Asker, endings::Ending, once::Made};
pub use crate::store::Page;

use crate::{
    app::{App, TooBusy},
    clock::Timestamp,
    domain::{
        AuditEvent, BadTerms, ExpiryRefused, FlawedTrust, MOST_SOURCES_PER_TREE, MalformedResource,
        OrganizationId, ResourceIdentifier, RoleName, Wider,
    },
    outbound::RefusedUrl,
    signing::{Damage, MalformedJwks, MalformedPem, UnusableJwk},
    store::{StoreError, Tx},
};

/// Why something was not changed. Safe to show to the caller.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("this needs the scope {0}")]
    MissingScope(&'static str),
    #[error(
        "this concerns the whole server: only keys of the organization that runs it may do this"
    )]
    NotTheServersOwner,
    #[error(
        "this organization runs the server and can be neither disabled nor deleted: let another \
         one run it first, by `keyturn server operators set ORG`"
    )]
    RunsServer,
    #[error(
        "no member of your organizations has this address: until people can accept an invitation, \
         the operators of the server add them"
    )]
    UnknownPerson,
    #[error("the server is run by an organization without a parent that is not disabled")]
    CannotRunServer,
    #[error("this would go beyond what you may: {0}")]
    Wider(Wider),
    #[error("the token is no longer valid: what it stands for was revoked or changed")]
    NoLongerValid,
    #[error("modified by another request: reload and retry")]
    ChangedMeanwhile,
    #[error("this Idempotency-Key came with another request before")]
    OtherRequest,
    #[error("{} still in the way: {}", are(.0.len()), names(.0))]
    StillUsed(Vec<Obstacle>),
    #[error(
        "this would end at once: {}. Send `\"force\": true` (on the command line `--force`) to do \
         it all the same",
        endings::list(.0)
    )]
    WouldEnd(Vec<Ending>),
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
    #[error("the key is locked: unlock it first")]
    Locked,
    #[error(
        "the old secret may live 7 days at most and not beyond the end that its key had, until {0}"
    )]
    GraceTooLong(Timestamp),
    #[error("the key has expired: say when the new secret is to expire")]
    Expired,
    #[error("the key has no old secret that still works")]
    NotRotating,
    #[error("a token for a resource lives 30 to 360 seconds")]
    TokenLifetime,
    #[error("{0} is keyturn itself and cannot be registered as a resource: choose another URL")]
    ReservedResource(ResourceIdentifier),
    #[error(transparent)]
    MalformedResource(#[from] MalformedResource),
    #[error("signing key {0} is already on its way and signs soon")]
    AlreadyRotating(String),
    #[error(
        "the signing keys in the database were encrypted by key-encryption key {theirs}, and the \
         one configured is {ours}: bring the first one back. No new keys are made over them"
    )]
    OtherKeyEncryptionKey { theirs: String, ours: String },
    #[error("signing key {0} cannot be opened: {1}. Revoke it first: `keyturn signing-key revoke`")]
    DamagedSigningKey(String, Damage),
    #[error("{0} is the key-encryption key in use: a new one is needed")]
    SameKeyEncryptionKey(String),
    #[error(transparent)]
    MalformedPem(#[from] MalformedPem),
    #[error("this signing key is known already")]
    KnownSigningKey,
    #[error(transparent)]
    RefusedUrl(#[from] RefusedUrl),
    #[error("webhook limit reached ({0} per organization)")]
    TooManyWebhooks(i64),
    #[error(transparent)]
    BadTerms(#[from] BadTerms),
    #[error("client limit reached ({0} per organization)")]
    TooManyClients(i64),
    #[error("secret limit reached ({0} per client): remove one first")]
    TooManySecrets(usize),
    #[error("the client proves itself otherwise and has no secret")]
    NoSecretNeeded,
    #[error("a secret must end in the future")]
    SecretEndsInThePast,
    #[error("the webhook is disabled: enable it first")]
    WebhookDisabled,
    #[error(transparent)]
    FlawedTrust(#[from] FlawedTrust),
    #[error("these are no public keys: {0}")]
    MalformedJwks(#[from] MalformedJwks),
    #[error("a key in the JWK Set is not taken: {0}. Make one by `openssl genrsa 3072`")]
    WeakKey(UnusableJwk),
    #[error(
        "the trust policies of this tree keep keys of {issuer} at {MOST_SOURCES_PER_TREE} places \
         already, pinned ones included: use one of these, or let them be discovered"
    )]
    TooManyKeySources { issuer: String },
    #[error(
        "none of these keys can verify a token: a JWK Set with RSA, P-256, P-384 or Ed25519 keys \
         for signatures is expected, without private halves"
    )]
    NoUsableKey,
    #[error("trust policy limit reached ({0} per organization)")]
    TooManyTrusts(i64),
    #[error("a tree has at most {0} levels: create it below an organization further up")]
    TooDeep(usize),
    #[error(transparent)]
    TooBusy(#[from] TooBusy),
    #[error("it exists already")]
    Exists,
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for Rejection {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Exists,
            // It was there when we looked.
            StoreError::Dangling => Self::ChangedMeanwhile,
            other => Self::Store(other),
        }
    }
}

impl Rejection {
    /// Whether the same request may succeed soon.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::TooBusy(_) | Self::Store(StoreError::Unavailable(_)))
    }
}

/// What has to go before something else can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// `organization`, `api_key`, `member`, `trust`.
    /// `organization`, `api_key`, `client`, `member`.
    pub kind: &'static str,
    pub id: Uuid,
    pub name: String,
}

fn are(count: usize) -> String {
    if count == 1 { "one thing is".to_owned() } else { format!("{count} things are") }
}

fn names(obstacles: &[Obstacle]) -> String {
    let named = obstacles.iter().map(|it| format!("{} {}", it.kind.replace('_', " "), it.name));
    named.collect::<Vec<_>>().join(", ")
}

/// One change for the audit trail.
struct Change {
    action: &'static str,
    subject: String,
    organization_id: Option<OrganizationId>,
    detail: Value,
}

/// Records a change in the transaction that makes it.
fn audit(app: &App, tx: &mut Tx, asker: &Judged, change: Change) {
    let at = app.clock.now();
    let mut detail = change.detail;
    if let Some(subject) = &asker.on_behalf_of {
        detail["on_behalf_of"] = subject.as_str().into();
    }
    tx.record(AuditEvent {
        id: app.random.id(at),
        at,
        actor: asker.actor.clone(),
        actor_email: None,
        action: change.action.into(),
        subject: change.subject,
        organization_id: change.organization_id,
        source: asker.source,
        request_id: asker.request_id,
        detail,
    });
}

/// Says which name was taken where the store says that something exists.
fn taken(what: &'static str) -> impl Fn(StoreError) -> Rejection {
    move |error| match error {
        StoreError::Conflict => Rejection::NameTaken(what),
        other => other.into(),
    }
}
