//! Keys as callers see them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    app::App,
    clock::Timestamp,
    domain::{ApiKey, ApiKeySecret, Owner, Reach, RoleName, Secret},
    http::api::{
        moment::{Moment, of_minute},
        proof::ShownProof,
    },
    manage::api_keys::{LastUse, Listed},
};

/// An API key.
#[derive(Serialize, ToSchema)]
pub(in crate::http::api) struct ShownKey {
    id: Uuid,
    name: String,
    description: String,
    /// `null` for a user's key.
    organization_id: Option<Uuid>,
    /// `null` for an organization's key.
    user_id: Option<Uuid>,
    /// `null`: all its user may.
    roles: Option<Vec<String>>,
    reach: ShownReach,
    /// Empty: anywhere.
    allowed_networks: Vec<String>,
    /// `active`, `expired`, `disabled` or `revoked`.
    status: &'static str,
    created_at: Moment,
    /// The first moment at which it no longer works; `null`: it never expires.
    expires_at: Option<Moment>,
    disabled_at: Option<Moment>,
    locked_at: Option<Moment>,
    revoked_at: Option<Moment>,
    /// `notify`, `disable` or `revoke`.
    when_leaked: &'static str,
    proof: ShownProof,
    /// How the audit logs of other systems know it.
    audit_email: String,
    /// Of all its secrets.
    last_used: Option<ShownUse>,
    /// Oldest first. Two work while the key is being rotated.
    secrets: Vec<ShownSecret>,
}

/// `own`, `subtree`, or the ids of organizations.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum ShownReach {
    Word(&'static str),
    Listed(Vec<Uuid>),
}

/// The last minute in which a token was issued.
#[derive(Clone, Serialize, ToSchema)]
struct ShownUse {
    /// Up to two hours too early where usage of that time is no longer kept.
    at: Moment,
    /// `null` where that is no longer kept.
    from: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct ShownSecret {
    id: Uuid,
    created_at: Moment,
    /// Set when its successor is made.
    dies_at: Option<Moment>,
    is_live: bool,
    last_used: Option<ShownUse>,
}

/// An API key with its secret, which is shown once.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownKeyWithSecret {
    #[serde(flatten)]
    key: ShownKey,
    secret: String,
}

impl ShownKeyWithSecret {
    pub(super) fn new(app: &App, listed: Listed, secret: &Secret) -> Self {
        Self { key: ShownKey::new(app, listed), secret: secret.reveal().to_owned() }
    }
}

impl ShownKey {
    pub(super) fn new(app: &App, listed: Listed) -> Self {
        let now = app.clock.now();
        let Listed { key, secrets } = listed;
        let secrets: Vec<_> = secrets.into_iter().map(|it| ShownSecret::new(it, now)).collect();
        let uses = secrets.iter().filter_map(|secret| secret.last_used.clone());
        let last_used = uses.max_by_key(|used| used.at);
        let (organization_id, user_id) = match key.owner {
            Owner::Organization(id) => (Some(id.0), None),
            Owner::User(id) => (None, Some(id.0)),
        };
        Self {
            id: key.id.0,
            organization_id,
            user_id,
            roles: roles(&key),
            reach: ShownReach::from(&key.reach),
            allowed_networks: words(&key.allowed_networks.to_string()),
            status: key.status(now).as_str(),
            created_at: Moment(key.created_at),
            expires_at: key.expires_at.map(Moment),
            disabled_at: key.disabled_at.map(Moment),
            locked_at: key.locked_at.map(Moment),
            revoked_at: key.revoked_at.map(Moment),
            when_leaked: key.when_leaked.as_str(),
            proof: ShownProof::from(&key.proof),
            audit_email: key.audit_email(&app.settings.keys.audit_email_domain),
            name: key.name.to_string(),
            description: key.description.to_string(),
            last_used,
            secrets,
        }
    }
}

fn roles(key: &ApiKey) -> Option<Vec<String>> {
    let names = key.roles.as_ref()?.iter().map(RoleName::as_str);
    Some(names.map(str::to_owned).collect())
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

impl From<&Reach> for ShownReach {
    fn from(reach: &Reach) -> Self {
        match reach {
            Reach::Own => Self::Word("own"),
            Reach::Subtree => Self::Word("subtree"),
            Reach::Listed(ids) => Self::Listed(ids.iter().map(|id| id.0).collect()),
        }
    }
}

impl ShownSecret {
    fn new((secret, last_use): (ApiKeySecret, Option<LastUse>), now: Timestamp) -> Self {
        let last_used = last_use.and_then(|last| {
            let at = of_minute(last.minute)?;
            Some(ShownUse { at, from: last.source })
        });
        Self {
            id: secret.id.0,
            created_at: Moment(secret.created_at),
            dies_at: secret.dies_at.map(Moment),
            is_live: secret.is_live(now),
            last_used,
        }
    }
}
