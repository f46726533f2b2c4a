//! `keyturn trust`: by which rules tokens of other issuers stand for rights here.

mod asked;
mod shown;
mod try_out;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde_json::json;

use self::{
    asked::{Create, Update},
    shown::Shown,
};
use super::{
    named::{self, Names},
    output::Output,
    start,
};
use crate::{
    app::App,
    config::Config,
    domain::{Expected, Trust, TrustId},
    manage::{
        Rejection,
        trusts::{self, TrustChange},
    },
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
    /// Make a rule: tokens of the issuer that fulfil it can be exchanged for ours
    Create(Create),
    /// List all rules
    List,
    /// Show a rule
    Show {
        /// The rule's name, or its id
        #[arg(value_name = "NAME|ID")]
        rule: String,
    },
    /// Change a rule
    #[command(override_usage = "keyturn trust update [OPTIONS] <NAME|ID>")]
    Update(Update),
    /// Trust nothing by a rule any more; what was obtained by it is dead
    Disable {
        /// The rule's name, or its id
        #[arg(value_name = "NAME|ID")]
        rule: String,
    },
    /// Let a disabled rule count again
    Enable {
        /// The rule's name, or its id
        #[arg(value_name = "NAME|ID")]
        rule: String,
    },
    /// Delete a rule; what was obtained by it is dead
    Delete {
        /// The rule's name, or its id
        #[arg(value_name = "NAME|ID")]
        rule: String,
    },
    /// Say what each rule makes of a token of its issuer: which conditions hold, which do not
    Test(try_out::Args),
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    let app = start::manage(config).await?;
    match command {
        Command::Create(args) => create(&app, args, output).await,
        Command::List => list(&app, output).await,
        Command::Show { rule } => {
            let trust = named(&app, &rule).await?;
            let now = app.clock.now();
            let shown = Shown::new(trust, &Names::read(&app).await?, now);
            output.say(&shown.text(now), &shown)
        }
        Command::Test(args) => try_out::run(&app, args, output).await,
        Command::Update(args) => {
            let id = named(&app, &args.rule).await?.id;
            let change = args.read(app.clock.now())?;
            update(&app, id, change, "is changed", output).await
        }
        Command::Disable { rule } => set_enabled(&app, &rule, false, output).await,
        Command::Enable { rule } => set_enabled(&app, &rule, true, output).await,
        Command::Delete { rule } => {
            let trust = named(&app, &rule).await?;
            trusts::delete(&app, &start::asker(), trust.id, &Expected::Any).await?;
            let text = format!("Rule {} is deleted; what was obtained by it is dead.", trust.name);
            output.say(&text, &json!({ "id": trust.id, "status": "deleted" }))
        }
    }
}

async fn create(app: &App, args: Create, output: Output) -> anyhow::Result<()> {
    let organization = named::organization_or_only(app, args.org.as_deref()).await?;
    let now = app.clock.now();
    let new = args.read(organization.id, now)?;
    let trust = trusts::create(app, &start::asker(), new).await?;
    let organization_id = trust.organization_id;
    let shown = Shown::new(trust, &Names::read(app).await?, now);
    let text = format!(
        "Trust policy {} is created. A job posts a token of {} that fulfils it to \
         {}/oauth2/token:\n\n    \
         grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer\n    \
         assertion=THE TOKEN\n    \
         organizationId={organization_id}",
        shown.name, shown.issuer, app.settings.issuer
    );
    output.say(&text, &shown)
}

async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let names = Names::read(app).await?;
    let all = trusts::list(app, &start::asker(), None, None, Page::ALL).await?.into_iter();
    let now = app.clock.now();
    let shown: Vec<_> = all.map(|trust| Shown::new(trust, &names, now)).collect();
    let none = "There are no trust policies yet: `keyturn trust create --help` says how to create \
                one.";
    let head = ["NAME", "ORGANIZATION", "STATUS", "ROLES", "ISSUER", "ID"];
    output.list(none, head, &shown, |it| {
        let (roles, issuer) = (it.roles.clone(), it.issuer.clone());
        [
            it.name.clone(),
            it.organization.clone(),
            it.status.to_owned(),
            roles,
            issuer,
            it.id.to_string(),
        ]
    })
}

async fn update(
    app: &App,
    id: TrustId,
    change: TrustChange,
    what: &str,
    output: Output,
) -> anyhow::Result<()> {
    let changed = trusts::update(app, &start::asker(), id, &Expected::Any, change).await;
    let shown = Shown::new(changed.context(id)?, &Names::read(app).await?, app.clock.now());
    output.say(&format!("Rule {} {what}.", shown.name), &shown)
}

async fn set_enabled(app: &App, rule: &str, enabled: bool, output: Output) -> anyhow::Result<()> {
    let id = named(app, rule).await?.id;
    let what =
        if enabled { "counts again" } else { "is disabled: what was obtained by it is dead" };
    update(app, id, TrustChange::enabled(enabled), what, output).await
}

/// By id, or by a name that only one rule has.
async fn named(app: &App, text: &str) -> anyhow::Result<Trust> {
    let unknown = || format!("there is no rule {text}: `keyturn trust list` shows them all");
    if let Ok(id) = text.parse() {
        return match trusts::show(app, &start::asker(), id).await {
            Err(Rejection::NotFound(_)) => bail!(unknown()),
            found => Ok(found?),
        };
    }
    let mut found = trusts::list(app, &start::asker(), None, Some(text), Page::ALL).await?;
    if found.len() > 1 {
        let names = Names::read(app).await?;
        let line =
            |it: &Trust| format!("    {}  of {}", it.id, names.organization(it.organization_id));
        let lines: Vec<_> = found.iter().map(line).collect();
        bail!("several rules are called {text}: say which by its id\n{}", lines.join("\n"));
    }
    found.pop().with_context(unknown)
}
