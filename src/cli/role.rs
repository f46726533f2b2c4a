//! `keyturn role`: named sets of scopes.

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::{
    named::{self, Names},
    output::Output,
    start,
};
use crate::{
    app::App,
    config::Config,
    domain::{Expected, RoleName, Scopes},
    manage::roles::{self, Definition},
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
        scopes: Vec<String>,
    },
    /// List the built-in roles and those that organizations define
    List,
}

#[derive(Serialize)]
struct Shown {
    name: RoleName,
    /// `None`: built in.
    organization: Option<String>,
    scopes: String,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    let app = start::manage(config).await?;
    match command {
        Command::Define { name, org, scopes } => {
            define(&app, name, org.as_deref(), scopes.join(" ").parse()?, output).await
        }
        Command::List => list(&app, output).await,
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

async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let names = Names::read(app).await?;
    let built_in = RoleName::all_built_in().map(|(name, scopes)| Shown {
        name,
        organization: None,
        scopes: scopes.to_string(),
    });
    let defined = roles::list(app, &start::asker()).await?.into_iter().map(|role| Shown {
        name: role.name,
        organization: Some(names.organization(role.organization_id)),
        scopes: role.scopes.to_string(),
    });
    let shown: Vec<_> = built_in.chain(defined).collect();
    output.list("", ["ROLE", "DEFINED BY", "SCOPES"], &shown, |role| {
        let organization = role.organization.clone().unwrap_or_else(|| "built in".to_owned());
        [role.name.to_string(), organization, role.scopes.clone()]
    })
}
