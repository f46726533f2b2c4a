//! `keyturn key list` and `keyturn key show`: everything but secrets.

use serde::Serialize;

use crate::{
    app::App,
    cli::{
        named::{self, Names},
        output::Output,
        start,
    },
    clock::{Timestamp, timestamp},
    domain::{ApiKeyId, KeyName, Networks, Owner, Reach, Roles, SecretId, Status, Text},
    manage::api_keys::{self, Listed},
    store::{Page, api_keys::Filter},
};

/// A key as `--json` tells it.
#[derive(Serialize)]
struct Shown {
    id: ApiKeyId,
    name: KeyName,
    description: Text,
    #[serde(flatten)]
    owner: ShownOwner,
    roles: Option<Roles>,
    reach: Reach,
    allowed_networks: Networks,
    audit_email: String,
    status: Status,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    last_used_from: Option<String>,
    secrets: Vec<ShownSecret>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ShownOwner {
    Organization { organization: String },
    User { user: String },
}

#[derive(Serialize)]
struct ShownSecret {
    id: SecretId,
    created_at: Timestamp,
    dies_at: Option<Timestamp>,
    is_live: bool,
    last_used_at: Option<Timestamp>,
    last_used_from: Option<String>,
}

impl Shown {
    fn new(app: &App, names: &Names, listed: Listed) -> Self {
        let now = app.clock.now();
        let Listed { key, secrets } = listed;
        let secrets: Vec<_> = secrets
            .into_iter()
            .map(|(secret, last)| ShownSecret {
                id: secret.id,
                created_at: secret.created_at,
                dies_at: secret.dies_at,
                is_live: secret.is_live(now),
                last_used_at: last.as_ref().and_then(|last| timestamp(last.minute * 60)),
                last_used_from: last.and_then(|last| last.source),
            })
            .collect();
        let last = secrets.iter().max_by_key(|secret| secret.last_used_at);
        let owner = match key.owner {
            Owner::Organization(_) => {
                ShownOwner::Organization { organization: names.owner(key.owner) }
            }
            Owner::User(_) => ShownOwner::User { user: names.owner(key.owner) },
        };
        Self {
            id: key.id,
            audit_email: key.audit_email(&app.settings.keys.audit_email_domain),
            status: key.status(now),
            last_used_at: last.and_then(|secret| secret.last_used_at),
            last_used_from: last.and_then(|secret| secret.last_used_from.clone()),
            name: key.name,
            description: key.description,
            owner,
            roles: key.roles,
            reach: key.reach,
            allowed_networks: key.allowed_networks,
            created_at: key.created_at,
            expires_at: key.expires_at,
            secrets,
        }
    }

    fn owner(&self) -> String {
        match &self.owner {
            ShownOwner::Organization { organization: name } | ShownOwner::User { user: name } => {
                name.clone()
            }
        }
    }

    fn roles(&self) -> String {
        self.roles.as_ref().map_or("all its owner may".to_owned(), ToString::to_string)
    }

    fn status(&self) -> String {
        format!("{:?}", self.status).to_lowercase()
    }

    /// One line to each thing.
    fn text(&self) -> String {
        let used = match (self.last_used_at, &self.last_used_from) {
            (Some(at), Some(from)) => format!("{at} from {from}"),
            (Some(at), None) => at.to_string(),
            (None, _) => "never".to_owned(),
        };
        let networks = Some(self.allowed_networks.to_string()).filter(|it| !it.is_empty());
        let networks = networks.unwrap_or_else(|| "any address".to_owned());
        let mut lines = vec![
            ("name", self.name.to_string()),
            ("id", self.id.to_string()),
            ("description", self.description.to_string()),
            ("owner", self.owner()),
            ("roles", self.roles()),
            ("reach", self.reach.to_string()),
            ("used from", networks),
            ("audit e-mail", self.audit_email.clone()),
            ("status", self.status()),
            ("created", self.created_at.to_string()),
            ("expires", moment(self.expires_at, "never")),
            ("last used", used),
        ];
        lines.extend(self.secrets.iter().map(|secret| ("secret", secret.text())));
        let lines = lines.into_iter().map(|(what, value)| format!("{what:12}  {value}"));
        lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }
}

impl ShownSecret {
    fn text(&self) -> String {
        let used = moment(self.last_used_at, "never");
        let end = match (self.is_live, self.dies_at) {
            (true, Some(end)) => format!("works until {end}"),
            (true, None) => "works".to_owned(),
            (false, _) => "works no more".to_owned(),
        };
        format!("of {}, {end}, last used {used}", self.created_at)
    }
}

/// A moment, or a word where there is none.
fn moment(at: Option<Timestamp>, none: &str) -> String {
    at.map_or_else(|| none.to_owned(), |at| at.to_string())
}

pub(super) async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let names = Names::read(app).await?;
    let listed =
        api_keys::list(app, &start::asker(), &Filter::default(), Page::ALL).await?.into_iter();
    let shown: Vec<_> = listed.map(|listed| Shown::new(app, &names, listed)).collect();
    let head = ["NAME", "OWNER", "ROLES", "STATUS", "EXPIRES", "LAST USED", "ID"];
    let none = "There are no keys yet: make one by `keyturn key create NAME`.";
    output.list(none, head, &shown, |key| {
        [
            key.name.to_string(),
            key.owner(),
            key.roles(),
            key.status(),
            key.expires_at.map_or("never".to_owned(), |at| at.date_naive().to_string()),
            moment(key.last_used_at, "never"),
            key.id.to_string(),
        ]
    })
}

pub(super) async fn show(app: &App, name: &str, output: Output) -> anyhow::Result<()> {
    let id = named::api_key(app, name).await?.id;
    let names = Names::read(app).await?;
    let shown = Shown::new(app, &names, api_keys::show(app, &start::asker(), id).await?);
    output.say(&shown.text(), &shown)
}
