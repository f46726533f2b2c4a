//! An event of the audit trail as commands show it.

use std::{fmt::Write as _, net::IpAddr};

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    app::App,
    cli::{names::Names, words},
    clock::Timestamp,
    domain::{Actor, ApiKeyId, OrganizationId, UserId},
    manage::audit_trail::Recorded,
};

/// An event as `--json` and the export tell it.
#[derive(Serialize)]
pub(super) struct Shown {
    pub(super) number: i64,
    id: Uuid,
    pub(super) at: Timestamp,
    actor: Actor,
    actor_email: Option<String>,
    action: String,
    subject: String,
    organization_id: Option<OrganizationId>,
    source: Option<IpAddr>,
    request_id: Option<Uuid>,
    detail: Value,
    /// SHA-256, in hex.
    hash: String,
}

impl From<Recorded> for Shown {
    fn from(Recorded { number, event, hash }: Recorded) -> Self {
        Self {
            number,
            id: event.id,
            at: event.at,
            actor: event.actor,
            actor_email: event.actor_email,
            action: event.action.into_owned(),
            subject: event.subject,
            organization_id: event.organization_id,
            source: event.source,
            request_id: event.request_id,
            detail: event.detail,
            hash: hex(&hash),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What an event is about, where a name says more than an id.
enum Named {
    ApiKey(ApiKeyId),
    User(UserId),
    Organization(OrganizationId),
}

impl Named {
    /// `key:…`, `user:…`, `organization:…`.
    fn read(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        match kind {
            "key" => id.parse().ok().map(Self::ApiKey),
            "user" => id.parse().ok().map(Self::User),
            "organization" => id.parse().ok().map(Self::Organization),
            _ => None,
        }
    }

    async fn learn(&self, app: &App, names: &mut Names) -> anyhow::Result<()> {
        match *self {
            Self::ApiKey(id) => names.learn_api_key(app, id).await,
            Self::User(id) => names.learn_user(app, id).await,
            Self::Organization(id) => names.learn_organization(app, id).await,
        }
    }

    fn text(&self, names: &Names) -> String {
        match *self {
            Self::ApiKey(id) => format!("key {}", names.api_key(id)),
            Self::User(id) => format!("user {}", names.user(id)),
            Self::Organization(id) => format!("organization {}", names.organization(id)),
        }
    }
}

impl Shown {
    pub(super) const HEAD: [&str; 6] = ["NUMBER", "AT", "WHO", "DID", "TO", "FROM"];

    /// Looks up what its row names.
    pub(super) async fn learn(&self, app: &App, names: &mut Names) -> anyhow::Result<()> {
        for text in [&self.actor.to_string(), &self.subject] {
            if let Some(named) = Named::read(text) {
                named.learn(app, names).await?;
            }
        }
        Ok(())
    }

    pub(super) fn row(&self, names: &Names) -> [String; 6] {
        let told = |text: &str| {
            Named::read(text).map_or_else(|| text.replacen(':', " ", 1), |it| it.text(names))
        };
        [
            self.number.to_string(),
            words::moment(self.at),
            told(&self.actor.to_string()),
            self.action.clone(),
            told(&self.subject),
            self.source.map_or_else(String::new, |source| source.to_string()),
        ]
    }
}
