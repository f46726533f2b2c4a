//! `keyturn org`: the tree that keys belong to.

mod show;

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::{
    again::again,
    named,
    names::{Paths, path},
    obstacles,
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
    /// Show an organization with its members, its roles and how many keys it has
    Show(One),
    /// Give an organization another name
    Rename {
        #[command(flatten)]
        one: One,
        /// What it is to be called
        name: OrganizationName,
    },
    /// Stop every key of an organization and of all below it
    Disable(One),
    /// Let a disabled organization's keys work again
    Enable(One),
    /// Delete an organization that has no organizations below it and no keys
    Delete(One),
}

#[derive(clap::Args)]
struct One {
    /// The organization's name, its path from the root, or its id
    #[arg(value_name = "NAME|ID")]
    organization: String,
}

#[derive(Serialize)]
struct Shown {
    id: OrganizationId,
    name: OrganizationName,
    parent_id: Option<OrganizationId>,
    path: String,
    /// `disabled above`: enabled itself, and stopped by one above it.
    status: &'static str,
    created_at: Timestamp,
    disabled_at: Option<Timestamp>,
    version: i64,
}

impl Shown {
    /// The line begins with the organization and ends at the root.
    fn new(line: &[Organization]) -> Self {
        let it = &line[0];
        Self {
            id: it.id,
            name: it.name.clone(),
            parent_id: it.parent_id,
            path: path(line),
            status: status(line),
            created_at: it.created_at,
            disabled_at: it.disabled_at,
            version: it.version.0,
        }
    }
}

fn status(line: &[Organization]) -> &'static str {
    match line.iter().position(|it| it.disabled_at.is_some()) {
        None => "active",
        Some(0) => "disabled",
        Some(_) => "disabled above",
    }
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    let app = start::manage(config).await?;
    match command {
        Command::Create { name, parent } => create(&app, name, parent.as_deref(), output).await,
        Command::List => list(&app, output).await,
        Command::Show(one) => show::run(&app, &one.organization, output).await,
        Command::Rename { one, name } => rename(&app, &one.organization, name, output).await,
        Command::Disable(one) => set_enabled(&app, &one.organization, false, output).await,
        Command::Enable(one) => set_enabled(&app, &one.organization, true, output).await,
        Command::Delete(one) => delete(&app, &one.organization, output).await,
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

/// Not page by page: it is sorted as a tree.
async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let all = organizations::list(app, &start::asker(), None, Page::ALL).await?;
    let paths = Paths::new(&all);
    let mut shown: Vec<_> = all.iter().map(|it| Shown::new(&paths.line(it))).collect();
    shown.sort_by(|a, b| a.path.cmp(&b.path));
    let none = "There are no organizations yet: make one by `keyturn org create NAME`.";
    output.list(none, ["ORGANIZATION", "STATUS", "ID"], &shown, |it| {
        [it.path.clone(), it.status.to_owned(), it.id.to_string()]
    })
}

async fn rename(
    app: &App,
    organization: &str,
    name: OrganizationName,
    output: Output,
) -> anyhow::Result<()> {
    let found = named::organization(app, organization).await?;
    // What is renamed is what was found by its name.
    let expected = Expected::OneOf(vec![found.version]);
    let edit = Edit { name: Some(name), ..Edit::default() };
    let made = organizations::update(app, &start::asker(), found.id, &expected, edit).await?;
    let json = json!({ "id": made.id, "name": made.name, "was": found.name });
    output.say(&format!("Organization {} is called {} now.", found.name, made.name), &json)
}

async fn set_enabled(app: &App, name: &str, enabled: bool, output: Output) -> anyhow::Result<()> {
    let found = named::organization(app, name).await?;
    let asker = start::asker();
    let set = async || {
        let edit = Edit { enabled: Some(enabled), ..Edit::default() };
        organizations::update(app, &asker, found.id, &Expected::Any, edit).await
    };
    again(set).await?;
    let lineage = organizations::show(app, &asker, found.id).await?;
    let status = status(&lineage.line);
    let json = json!({ "id": found.id, "name": found.name, "status": status });
    output.say(&format!("Organization {} is {status}.", found.name), &json)
}

async fn delete(app: &App, name: &str, output: Output) -> anyhow::Result<()> {
    let found = named::organization(app, name).await?;
    // Only as it was found: what came to it meanwhile has to be seen first.
    let expected = Expected::OneOf(vec![found.version]);
    let deleted = organizations::delete(app, &start::asker(), found.id, &expected).await;
    let what = format!("organization {}", found.name);
    deleted.map_err(|error| obstacles::one_a_line(error, &what))?;
    let json = json!({ "id": found.id, "name": found.name, "status": "deleted" });
    let text = format!(
        "Organization {} is deleted, with its roles and memberships. What was done there stays in \
         the audit trail.",
        found.name
    );
    output.say(&text, &json)
}
