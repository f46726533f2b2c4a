//! A key as commands show it: everything but its secrets.

use serde::Serialize;

use super::{
    rotating::Rotating,
    shown_secret::{LastUsed, ShownSecret},
};
use crate::{
    app::App,
    cli::{names::Names, words},
    clock::Timestamp,
    domain::{
        ApiKeyId, KeyName, Networks, OrganizationId, Owner, Reach, Roles, Status, Text, UserId,
        WhenLeaked,
    },
    manage::api_keys::Listed,
};

/// A key as `--json` tells it.
#[derive(Serialize)]
pub(super) struct Shown {
    pub(super) id: ApiKeyId,
    pub(super) name: KeyName,
    description: Text,
    #[serde(flatten)]
    owner: ShownOwner,
    roles: Option<Roles>,
    reach: Reach,
    allowed_networks: Networks,
    when_leaked: WhenLeaked,
    /// `none`, `any`, or thumbprints with spaces between them.
    proof: String,
    audit_email: String,
    status: Status,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    disabled_at: Option<Timestamp>,
    locked_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    #[serde(flatten)]
    last_used: LastUsed,
    /// Where a user's key acts if a request names no organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) acts_in: Option<String>,
    pub(super) rotation: Option<Rotating>,
    /// Oldest first.
    secrets: Vec<ShownSecret>,
    version: i64,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ShownOwner {
    Organization { organization: String, organization_id: OrganizationId },
    User { user: String, user_id: UserId },
}

impl Shown {
    pub(super) fn new(app: &App, names: &Names, listed: Listed) -> Self {
        let now = app.clock.now();
        let Listed { key, secrets } = listed;
        let secrets: Vec<_> = secrets
            .into_iter()
            .map(|(secret, last)| ShownSecret {
                id: secret.id,
                created_at: secret.created_at,
                dies_at: secret.dies_at,
                is_live: secret.is_live(now),
                last_used: LastUsed::new(last),
            })
            .collect();
        let last = secrets.iter().map(|secret| &secret.last_used).max_by_key(|last| last.at);
        let name = names.owner(key.owner);
        let owner = match key.owner {
            Owner::Organization(id) => {
                ShownOwner::Organization { organization: name, organization_id: id }
            }
            Owner::User(id) => ShownOwner::User { user: name, user_id: id },
        };
        let status = key.status(now);
        Self {
            id: key.id,
            audit_email: key.audit_email(&app.settings.keys.audit_email_domain),
            status,
            last_used: last.cloned().unwrap_or_else(|| LastUsed::new(None)),
            acts_in: None,
            rotation: Rotating::find(&secrets).filter(|_| status != Status::Revoked),
            name: key.name,
            description: key.description,
            owner,
            roles: key.roles,
            reach: key.reach,
            allowed_networks: key.allowed_networks,
            when_leaked: key.when_leaked,
            proof: key.proof.to_string(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            disabled_at: key.disabled_at,
            locked_at: key.locked_at,
            revoked_at: key.revoked_at,
            secrets,
            version: key.version.0,
            now,
        }
    }

    /// What a table has room for.
    pub(super) const HEAD: [&str; 6] = ["NAME", "OWNER", "ROLES", "STATUS", "LAST USED", "ID"];

    pub(super) fn row(&self) -> [String; 6] {
        [
            self.name.to_string(),
            self.owner(),
            self.roles(),
            self.status(),
            self.last_used.text(self.now),
            self.id.to_string(),
        ]
    }

    fn owner(&self) -> String {
        match &self.owner {
            ShownOwner::Organization { organization: name, .. }
            | ShownOwner::User { user: name, .. } => name.clone(),
        }
    }

    fn roles(&self) -> String {
        self.roles.as_ref().map_or("all its owner may".to_owned(), ToString::to_string)
    }

    /// `active, 12 days left, rotating`.
    fn status(&self) -> String {
        let ago = |at: Option<Timestamp>| at.map(|at| words::ago(at, self.now)).unwrap_or_default();
        let left = self.expires_at.map(|end| format!("{} left", words::span(end - self.now)));
        let mut words = match self.status {
            Status::Active => vec!["active".to_owned()],
            Status::Disabled => vec!["disabled".to_owned()],
            Status::Expired => vec![format!("expired {}", ago(self.expires_at))],
            Status::Revoked => vec![format!("revoked {}", ago(self.revoked_at))],
        };
        if let Status::Active | Status::Disabled = self.status {
            words.extend(left);
        }
        words.extend(self.rotation.is_some().then(|| "rotating".to_owned()));
        words.extend(self.locked_at.is_some().then(|| "locked".to_owned()));
        words.join(", ")
    }

    /// One line to each thing.
    pub(super) fn text(&self) -> String {
        let networks = Some(self.allowed_networks.to_string()).filter(|it| !it.is_empty());
        let end = self.expires_at.map_or_else(|| "never".to_owned(), words::moment);
        let proof = match self.proof.as_str() {
            "none" => "nothing beside the secret".to_owned(),
            "any" => "the possession of some key".to_owned(),
            keys => format!("the possession of {}", keys.replace(' ', " or ")),
        };
        let mut lines = vec![
            ("name", self.name.to_string()),
            ("id", self.id.to_string()),
            ("description", self.description.to_string()),
            ("owner", self.owner()),
            ("roles", self.roles()),
            ("reach", self.reach.to_string()),
            ("used from", networks.unwrap_or_else(|| "any address".to_owned())),
            ("when leaked", self.when_leaked.as_str().to_owned()),
            ("has to prove", proof),
            ("audit e-mail", self.audit_email.clone()),
            ("status", self.status()),
            ("created", words::moment(self.created_at)),
            ("expires", end),
            ("last used", self.last_used.text(self.now)),
        ];
        lines.extend(self.acts_in.clone().map(|path| ("acts by default in", path)));
        let shown = self.secrets.iter().filter(|secret| secret.is_worth_showing(self.now));
        lines.extend(shown.map(|secret| ("secret", secret.text(self.now))));
        let advice = self.rotation.as_ref().map(|it| it.advice(&self.name, self.now));
        std::iter::once(words::lines(&lines)).chain(advice).collect::<Vec<_>>().join("\n\n")
    }
}
