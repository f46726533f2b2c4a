//! `keyturn webhook`: where organizations hear of what happens to their keys.

use std::fmt::Write as _;

use anyhow::Context as _;
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
    domain::{EventName, Events, Expected, OrganizationId, Webhook, WebhookId},
    manage::webhooks::{self, NewWebhook, WebhookChange, WithSecret},
    store::outbox::{Fate, State},
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
    /// Make a webhook; its secret is shown once
    Create {
        /// Where events are posted to: https, on port 443 or 8443
        url: String,
        /// The organization whose keys it hears of, and those of all below it
        #[arg(long, value_name = "NAME|ID")]
        org: Option<String>,
        /// An event to hear of, may be repeated [default: all]
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<EventName>,
    },
    /// List all webhooks
    List,
    /// Show a webhook and what became of its last messages
    Show { id: WebhookId },
    /// Send nothing to a webhook any more
    Disable { id: WebhookId },
    /// Let a disabled webhook hear of events again
    Enable { id: WebhookId },
    /// Make a new secret; for a day messages are signed with the old one as well
    RotateSecret { id: WebhookId },
    /// Delete a webhook
    Delete { id: WebhookId },
    /// Let the server send an event that only says that events arrive
    Test { id: WebhookId },
}

#[derive(Serialize)]
struct Shown {
    id: WebhookId,
    organization_id: OrganizationId,
    organization: String,
    url: String,
    events: Events,
    status: &'static str,
    created_at: Timestamp,
    disabled_at: Option<Timestamp>,
    version: i64,
}

impl Shown {
    fn new(webhook: Webhook, names: &Names) -> Self {
        Self {
            id: webhook.id,
            organization_id: webhook.organization_id,
            organization: names.organization(webhook.organization_id),
            url: webhook.url,
            events: webhook.events,
            status: if webhook.disabled_at.is_some() { "disabled" } else { "active" },
            created_at: webhook.created_at,
            disabled_at: webhook.disabled_at,
            version: webhook.version.0,
        }
    }
}

#[derive(Serialize)]
struct ShownMessage {
    id: String,
    event: String,
    created_at: Timestamp,
    attempts: i64,
    status: &'static str,
    /// When it was delivered or given up, or when the next attempt is.
    at: Timestamp,
    last_error: Option<String>,
}

impl From<Fate> for ShownMessage {
    fn from(fate: Fate) -> Self {
        let (status, at) = match fate.state {
            State::Waiting(at) => ("waiting", at),
            State::Delivered(at) => ("delivered", at),
            State::GivenUp(at) => ("given up", at),
        };
        Self {
            id: format!("msg_{}", fate.id.0.simple()),
            event: fate.subject,
            created_at: fate.created_at,
            attempts: fate.attempts,
            status,
            at,
            last_error: fate.last_error,
        }
    }
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    match command {
        Command::Create { url, org, events } => {
            // Secrets are derived from the key-encryption key.
            let app = start::manage_signing_keys(config).await?;
            let organization_id = named::organization_or_only(&app, org.as_deref()).await?.id;
            let new = NewWebhook { organization_id, url, events: events.into_iter().collect() };
            let made = webhooks::create(&app, &start::asker(), new).await?;
            show_secret(&app, made, "is made", output).await
        }
        Command::RotateSecret { id } => {
            let app = start::manage_signing_keys(config).await?;
            let made = webhooks::rotate_secret(&app, &start::asker(), id, &Expected::Any).await;
            show_secret(&app, made.context(id)?, "has a new secret", output).await
        }
        Command::List => list(&start::manage(config).await?, output).await,
        Command::Show { id } => show(&start::manage(config).await?, id, output).await,
        Command::Disable { id } => set_enabled(config, id, false, output).await,
        Command::Enable { id } => set_enabled(config, id, true, output).await,
        Command::Delete { id } => {
            let app = start::manage(config).await?;
            webhooks::delete(&app, &start::asker(), id, &Expected::Any).await.context(id)?;
            output.say(&format!("Webhook {id} is deleted."), &json!({ "id": id }))
        }
        Command::Test { id } => {
            let app = start::manage(config).await?;
            let message = webhooks::test(&app, &start::asker(), id).await.context(id)?;
            let message = format!("msg_{}", message.0.simple());
            let text = format!(
                "The server sends {message} now. `keyturn webhook show {id}` tells whether it arrived."
            );
            output.say(&text, &json!({ "id": id, "message_id": message }))
        }
    }
}

async fn show_secret(
    app: &App,
    made: WithSecret,
    what: &str,
    output: Output,
) -> anyhow::Result<()> {
    let names = Names::read(app).await?;
    let secret = made.secret.reveal();
    let shown = Shown::new(made.webhook, &names);
    let text = format!(
        "Webhook {} {what}. Its receiver verifies messages by this secret, which is shown only \
         now:\n\n    {}",
        shown.id, *secret
    );
    let mut json = serde_json::to_value(&shown)?;
    json["secret"] = secret.as_str().into();
    output.say(&text, &json)
}

async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let names = Names::read(app).await?;
    let all = webhooks::list(app, &start::asker()).await?.into_iter();
    let shown: Vec<_> = all.map(|webhook| Shown::new(webhook, &names)).collect();
    let none = "There are no webhooks yet: make one by `keyturn webhook create URL`.";
    output.list(none, ["ORGANIZATION", "STATUS", "EVENTS", "URL", "ID"], &shown, |it| {
        let events = it.events.to_string();
        let events = if events.is_empty() { "all".to_owned() } else { events };
        let status = it.status.to_owned();
        [it.organization.clone(), status, events, it.url.clone(), it.id.to_string()]
    })
}

async fn show(app: &App, id: WebhookId, output: Output) -> anyhow::Result<()> {
    let (webhook, fates) = webhooks::show(app, &start::asker(), id).await.context(id)?;
    let shown = Shown::new(webhook, &Names::read(app).await?);
    let messages: Vec<ShownMessage> = fates.into_iter().map(Into::into).collect();
    let mut text = format!("{} of {}, {}: {}\n", id, shown.organization, shown.status, shown.url);
    for message in &messages {
        let ShownMessage { id, event, status, at, attempts, last_error, .. } = message;
        let error = last_error.as_deref().unwrap_or_default();
        writeln!(text, "{id}  {event}  {status} {at}  attempts: {attempts}  {error}")?;
    }
    let mut json = serde_json::to_value(&shown)?;
    json["messages"] = serde_json::to_value(&messages)?;
    output.say(&text, &json)
}

async fn set_enabled(
    config: &Config,
    id: WebhookId,
    enabled: bool,
    output: Output,
) -> anyhow::Result<()> {
    let app = start::manage(config).await?;
    let change = WebhookChange { enabled: Some(enabled), ..WebhookChange::default() };
    let changed = webhooks::update(&app, &start::asker(), id, &Expected::Any, change).await;
    let shown = Shown::new(changed.context(id)?, &Names::read(&app).await?);
    output.say(&format!("Webhook {id} is {}.", shown.status), &shown)
}
