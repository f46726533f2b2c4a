//! `keyturn client`: registers, shows and changes OAuth clients.

mod register;
mod secret;
mod shown;
mod terms;
mod update;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::json;

use self::shown::Shown;
use super::{
    named::{self, Names},
    output::Output,
    start,
};
use crate::{
    app::App,
    config::Config,
    domain::Expected,
    manage::clients::{self, Edit},
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
    /// Register a client and show its secret, this once
    Register(register::Args),
    /// List clients: whose they are, how they prove who they are, what they may do
    List {
        /// Clients of this organization only
        #[arg(long, value_name = "NAME|ID")]
        org: Option<String>,
    },
    /// Show all there is to know of a client but its secrets
    Show(Named),
    /// Change what a client may do, from now on; its secrets stay
    Update(update::Args),
    /// Add and remove secrets: several work at once
    #[command(subcommand)]
    Secret(secret::Command),
    /// Give a client no tokens, and let none of those it got count, until it is enabled again
    Disable(Named),
    /// Let a disabled client work again
    Enable(Named),
    /// Delete a client with its secrets and refresh tokens, and free its name
    Delete(Named),
}

#[derive(clap::Args)]
struct Named {
    /// The client's name, or its id
    #[arg(value_name = "NAME|ID")]
    client: String,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    let app = start::manage(config).await?;
    match command {
        Command::Register(args) => register::run(&app, args, output).await,
        Command::List { org } => list(&app, org.as_deref(), output).await,
        Command::Show(Named { client }) => show(&app, &client, output).await,
        Command::Update(args) => update::run(&app, args, output).await,
        Command::Secret(command) => secret::run(&app, command, output).await,
        Command::Disable(Named { client }) => set_enabled(&app, &client, false, output).await,
        Command::Enable(Named { client }) => set_enabled(&app, &client, true, output).await,
        Command::Delete(Named { client }) => delete(&app, &client, output).await,
    }
}

/// How many are read at once.
const PAGE: i64 = 500;

async fn list(app: &App, org: Option<&str>, output: Output) -> anyhow::Result<()> {
    let organization = match org {
        Some(name) => Some(named::organization(app, name).await?.id),
        None => None,
    };
    let none = "There are no such clients. Make one by `keyturn client register NAME`.";
    let mut listing = output.listing(none, Shown::HEAD);
    let names = Names::read(app).await?;
    let mut page = Page { after: None, most: PAGE };
    loop {
        let found = clients::list(app, &start::asker(), organization, page).await?;
        let Some(last) = found.last() else { return listing.end() };
        page.after = Some(last.client.id);
        let shown: Vec<_> = found.into_iter().map(|it| Shown::new(app, &names, it)).collect();
        if listing.page(&shown, Shown::row)?.is_break() {
            return Ok(());
        }
    }
}

async fn show(app: &App, client: &str, output: Output) -> anyhow::Result<()> {
    let client = named::client(app, client).await?;
    let names = Names::read(app).await?;
    let shown = Shown::new(app, &names, clients::with_secrets(app, client).await?);
    output.say(&shown.text(), &shown)
}

async fn set_enabled(app: &App, client: &str, enabled: bool, output: Output) -> anyhow::Result<()> {
    let client = named::client(app, client).await?;
    let edit = Edit { enabled: Some(enabled), ..Edit::default() };
    let changed = clients::update(app, &start::asker(), client.id, &Expected::Any, edit).await;
    let changed = changed.with_context(|| client.name.to_string())?;
    let status = shown::status(&changed);
    let json = json!({ "id": changed.id, "name": changed.name, "status": status });
    output.say(&format!("Client {} is {status}.", changed.name), &json)
}

async fn delete(app: &App, client: &str, output: Output) -> anyhow::Result<()> {
    let client = named::client(app, client).await?;
    let deleted = clients::delete(app, &start::asker(), client.id, &Expected::Any).await;
    deleted.with_context(|| client.name.to_string())?;
    let json = json!({ "id": client.id, "name": client.name, "status": "deleted" });
    output.say(&format!("Client {} is deleted.", client.name), &json)
}
