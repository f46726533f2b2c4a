//! `keyturn key simulate`: what a key would get now, without its secret.

use std::net::IpAddr;

use anyhow::Context as _;
use serde::Serialize;

use crate::{
    app::App,
    cli::{
        named::{self, Names},
        output::Output,
    },
    clock::Timestamp,
    domain::{
        ApiKeyId, ApiKeySecret, KeyName, OrganizationId, ResourceIdentifier, Roles, ScopeToken,
        Scopes, SecretId,
    },
    exchange::{self, Prospect, Refusal, Simulation, Wish},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The key's name, or its id
    #[arg(value_name = "NAME|ID")]
    key: String,
    /// Whom the token is for [default: as for a request that names none]
    #[arg(long, value_name = "URI|NAME")]
    resource: Option<ResourceIdentifier>,
    /// A scope to ask for, may be repeated [default: all that is granted]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<ScopeToken>,
    /// The organization to act in [default: as for a request that names none]
    #[arg(long, value_name = "NAME|ID")]
    org: Option<String>,
    /// The address to come from [default: one that the key may be used from]
    #[arg(long, value_name = "IP")]
    from: Option<IpAddr>,
}

/// What the key would get, as `--json` tells it.
#[derive(Serialize)]
struct Shown {
    id: ApiKeyId,
    name: KeyName,
    /// What beside the secret is taken as proved.
    proof: String,
    live_secrets: Vec<ShownSecret>,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
struct ShownSecret {
    id: SecretId,
    created_at: Timestamp,
    dies_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
enum Outcome {
    Issued {
        organization_id: OrganizationId,
        organization: String,
        resource: ResourceIdentifier,
        scopes: Vec<String>,
        roles: Roles,
        expires_in: i64,
    },
    Refused {
        reason: &'static str,
        explanation: String,
    },
}

impl Outcome {
    fn new(app: &App, names: &Names, outcome: Result<Prospect, Refusal>) -> Self {
        match outcome {
            Ok(prospect) => Self::Issued {
                organization_id: prospect.organization.id(),
                organization: names.organization(prospect.organization.id()),
                resource: prospect.resource,
                scopes: prospect.scopes.iter().map(str::to_owned).collect(),
                roles: prospect.roles,
                expires_in: (prospect.expires_at - app.clock.now()).num_seconds(),
            },
            Err(refusal) => {
                Self::Refused { reason: refusal.code(), explanation: refusal.to_string() }
            }
        }
    }

    /// One line to each thing.
    fn lines(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Issued { organization, resource, scopes, roles, expires_in, .. } => vec![
                ("organization", organization.clone()),
                ("resource", resource.to_string()),
                ("scopes", or_none(scopes.join(" "))),
                ("roles", or_none(roles.to_string())),
                ("token lives", format!("{expires_in} s")),
            ],
            Self::Refused { reason, explanation } => {
                vec![("refused", explanation.clone()), ("reason", (*reason).to_owned())]
            }
        }
    }
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}

impl From<ApiKeySecret> for ShownSecret {
    fn from(secret: ApiKeySecret) -> Self {
        Self { id: secret.id, created_at: secret.created_at, dies_at: secret.dies_at }
    }
}

impl ShownSecret {
    fn text(&self) -> String {
        let end = self.dies_at.map(|end| format!(", works until {end}")).unwrap_or_default();
        format!("of {}{end}", self.created_at)
    }
}

impl Shown {
    fn text(&self) -> String {
        let mut lines = vec![("key", format!("{} ({})", self.name, self.id))];
        lines.extend(self.outcome.lines());
        if self.proof != "none" {
            lines.push(("with proof", self.proof.clone()));
        }
        lines.extend(self.live_secrets.iter().map(|secret| ("secret", secret.text())));
        let lines = lines.into_iter().map(|(what, value)| format!("{what:12}  {value}"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

pub(super) async fn run(app: &App, args: &Args, output: Output) -> anyhow::Result<()> {
    let id = named::api_key(app, &args.key).await?.id;
    let organization = match &args.org {
        Some(org) => Some(named::organization(app, org).await?.id),
        None => None,
    };
    let scopes: Option<Scopes> =
        (!args.scopes.is_empty()).then(|| args.scopes.iter().cloned().collect());
    let wish = Wish { organization, resource: args.resource.clone(), scopes };
    let from = args.from.map(|address| address.to_canonical());

    let simulation = exchange::simulate(app, id, &wish, from).await?;
    let Simulation { key, live_secrets, outcome } =
        simulation.with_context(|| format!("there is no key {id}"))?;
    let shown = Shown {
        id: key.id,
        name: key.name,
        proof: key.proof.to_string(),
        live_secrets: live_secrets.into_iter().map(ShownSecret::from).collect(),
        outcome: Outcome::new(app, &Names::read(app).await?, outcome),
    };
    output.say(&shown.text(), &shown)
}
