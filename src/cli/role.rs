//! `keyturn role`: named sets of scopes.

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::{
    named::{self, Names},
    obstacles,
    output::Output,
    start,
};
use crate::{
    app::App,
    config::Config,
    domain::{Expected, OrganizationId, RoleName, ScopeToken, Scopes},
    manage::{
        Rejection, organizations,
        roles::{self, Definition},
    },
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    /// Define a role for an organization and all below it, or change what it means
    Define {
        name: RoleName,
        /// The organization that defines it [default: the only one]
        #[arg(long, value_name = "NAME|ID")]
        org: Option<String>,
        /// A scope that the role carries, may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<ScopeToken>,
    },
    /// List the built-in roles and those that organizations define
    List {
        /// Only what may be given in this organization, so also what those above it define
        #[arg(long, value_name = "NAME|ID")]
        org: Option<String>,
    },
    /// Delete a role that no key and no member has
    Delete {
        name: RoleName,
        /// The organization that defines it [default: the only one]
        #[arg(long, value_name = "NAME|ID")]
        org: Option<String>,
    },
}

#[derive(Serialize)]
struct Shown {
    name: RoleName,
    /// `None`: built in.
    organization: Option<String>,
    organization_id: Option<OrganizationId>,
    scopes: String,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    let app = start::manage(config).await?;
    match command {
        Command::Define { name, org, scopes } => {
            define(&app, name, org.as_deref(), scopes.into_iter().collect(), output).await
        }
        Command::List { org } => list(&app, org.as_deref(), output).await,
        Command::Delete { name, org } => delete(&app, &name, org.as_deref(), output).await,
    }
}

async fn define(
    app: &App,
    name: RoleName,
    org: Option<&str>,
    scopes: Scopes,
    output: Output,
) -> anyhow::Result<()> {
    let organization = named::organization_or_only(app, org).await?;
    let text = format!("Role {name} of {} means: {scopes}.", organization.name);
    let json = json!({
        "name": name,
        "organization_id": organization.id,
        "scopes": scopes.to_string(),
    });
    let new = Definition { organization_id: organization.id, name, scopes };
    roles::define(app, &start::asker(), &Expected::Any, new).await?;
    output.say(&text, &json)
}

async fn list(app: &App, org: Option<&str>, output: Output) -> anyhow::Result<()> {
    let asker = start::asker();
    let lineage = match org {
        Some(org) => {
            let id = named::organization(app, org).await?.id;
            Some(organizations::show(app, &asker, id).await?)
        }
        None => None,
    };
    let mut shown: Vec<_> = RoleName::all_built_in()
        .map(|(name, scopes)| Shown {
            name,
            organization: None,
            organization_id: None,
            scopes: scopes.to_string(),
        })
        .collect();
    let mut names = Names::default();
    for role in roles::list(app, &asker).await? {
        let id = role.organization_id;
        if lineage.as_ref().is_none_or(|lineage| lineage.is_within(id)) {
            names.learn_organization(app, id).await?;
            shown.push(Shown {
                name: role.name,
                organization: Some(names.organization(id)),
                organization_id: Some(id),
                scopes: role.scopes.to_string(),
            });
        }
    }
    output.list("", ["ROLE", "DEFINED BY", "SCOPES"], &shown, |role| {
        let organization = role.organization.clone().unwrap_or_else(|| "built in".to_owned());
        [role.name.to_string(), organization, role.scopes.clone()]
    })
}

async fn delete(
    app: &App,
    name: &RoleName,
    org: Option<&str>,
    output: Output,
) -> anyhow::Result<()> {
    let organization = named::organization_or_only(app, org).await?;
    let of = &organization.name;
    let deleted = roles::delete(app, &start::asker(), organization.id, name, &Expected::Any).await;
    deleted.map_err(|error| match error {
        Rejection::NotFound(_) => anyhow::anyhow!(
            "organization {of} itself defines no role {name}: `keyturn role list` shows who does"
        ),
        error => obstacles::one_a_line(error, &format!("role {name} of {of}")),
    })?;
    let json = json!({ "name": name, "organization_id": organization.id, "status": "deleted" });
    output.say(&format!("Role {name} of {of} is deleted."), &json)
}
