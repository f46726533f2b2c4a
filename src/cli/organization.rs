//! `keyturn organization`: the tree that keys belong to.

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
    clock::Timestamp,
    config::Config,
    domain::{Expected, Organization, OrganizationId, OrganizationName},
    manage::organizations::{self, Edit},
    store::Page,
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
    /// Make an organization
    Create {
        /// What it is called among those of the same parent
        name: OrganizationName,
        /// The organization above it [default: none, it begins a tree]
        #[arg(long, value_name = "NAME|ID")]
        parent: Option<String>,
    },
    /// List all organizations
    List,
    /// Stop every key of an organization and of all below it
    Disable {
        #[arg(value_name = "NAME|ID")]
        organization: String,
    },
    /// Let a disabled organization's keys work again
    Enable {
        #[arg(value_name = "NAME|ID")]
        organization: String,
    },
}

#[derive(Serialize)]
struct Shown {
    id: OrganizationId,
    parent_id: Option<OrganizationId>,
    path: String,
    /// `disabled above`: enabled itself, and stopped by one above it.
    status: &'static str,
    created_at: Timestamp,
    disabled_at: Option<Timestamp>,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    let app = start::manage(config).await?;
    match command {
        Command::Create { name, parent } => create(&app, name, parent.as_deref(), output).await,
        Command::List => list(&app, output).await,
        Command::Disable { organization } => set_enabled(&app, &organization, false, output).await,
        Command::Enable { organization } => set_enabled(&app, &organization, true, output).await,
    }
}

async fn create(
    app: &App,
    name: OrganizationName,
    parent: Option<&str>,
    output: Output,
) -> anyhow::Result<()> {
    let parent = match parent {
        Some(parent) => Some(named::organization(app, parent).await?.id),
        None => None,
    };
    let made = organizations::create(app, &start::asker(), name, parent).await?;
    let json = json!({ "id": made.id, "name": made.name, "parent_id": made.parent_id });
    output.say(&format!("Organization {} is made. Its id is {}.", made.name, made.id), &json)
}

async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let names = Names::read(app).await?;
    let all = organizations::list(app, &start::asker(), None, Page::ALL).await?;
    let shown = all.iter().map(|it| Shown {
        id: it.id,
        parent_id: it.parent_id,
        path: names.organization(it.id),
        status: status(it, &all),
        created_at: it.created_at,
        disabled_at: it.disabled_at,
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by(|a, b| a.path.cmp(&b.path));
    let none = "There are no organizations yet: make one by `keyturn organization create NAME`.";
    output.list(none, ["ORGANIZATION", "STATUS", "ID"], &shown, |it| {
        [it.path.clone(), it.status.to_owned(), it.id.to_string()]
    })
}

fn status(of: &Organization, all: &[Organization]) -> &'static str {
    let parent = of.parent_id.and_then(|id| all.iter().find(|it| it.id == id));
    if of.disabled_at.is_some() {
        "disabled"
    } else if parent.is_some_and(|parent| status(parent, all) != "active") {
        "disabled above"
    } else {
        "active"
    }
}

async fn set_enabled(app: &App, name: &str, enabled: bool, output: Output) -> anyhow::Result<()> {
    let found = named::organization(app, name).await?;
    let edit = Edit { enabled: Some(enabled), ..Edit::default() };
    organizations::update(app, &start::asker(), found.id, &Expected::Any, edit).await?;
    let status = if enabled { "active" } else { "disabled" };
    let json = json!({ "id": found.id, "name": found.name, "status": status });
    output.say(&format!("Organization {} is {status}.", found.name), &json)
}
