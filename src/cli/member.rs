//! `keyturn member`: who has which role in which organization.

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::{named, output::Output, start, words};
use crate::{
    app::App,
    clock::Timestamp,
    config::Config,
    domain::{Email, Expected, RoleName, Text, UserId},
    manage::{
        Rejection,
        members::{self, Member},
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
    /// List the members of this very organization; roles from above count as well
    List(Of),
    /// Give a user a role in an organization and all below it, in place of an earlier one
    Set {
        email: Email,
        #[arg(long)]
        role: RoleName,
        #[command(flatten)]
        of: Of,
    },
    /// End a membership
    Remove {
        email: Email,
        #[command(flatten)]
        of: Of,
    },
}

#[derive(clap::Args)]
struct Of {
    /// The organization [default: the only one]
    #[arg(long, value_name = "NAME|ID")]
    org: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    user_id: UserId,
    email: Email,
    name: Text,
    role: RoleName,
    since: Timestamp,
}

impl From<Member> for Shown {
    fn from(Member { user, membership }: Member) -> Self {
        Self {
            user_id: user.id,
            email: user.email,
            name: user.name,
            role: membership.role,
            since: membership.created_at,
        }
    }
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    let app = start::manage(config).await?;
    match command {
        Command::List(of) => list(&app, &of, output).await,
        Command::Set { email, role, of } => set(&app, &email, role, &of, output).await,
        Command::Remove { email, of } => remove(&app, &email, &of, output).await,
    }
}

/// How many members are read at once.
const PAGE: i64 = 500;

async fn list(app: &App, of: &Of, output: Output) -> anyhow::Result<()> {
    let organization = named::organization_or_only(app, of.org.as_deref()).await?;
    let none = "There are no members yet: add one with `keyturn member set EMAIL --role ROLE`.";
    let mut listing = output.listing(none, ["E-MAIL", "NAME", "ROLE", "SINCE", "ID"]);
    let mut page = Page { after: None, most: PAGE };
    loop {
        let found = members::list(app, &start::asker(), organization.id, page).await?;
        let Some(last) = found.last() else { return listing.end() };
        page.after = Some(last.user.id);
        let shown: Vec<_> = found.into_iter().map(Shown::from).collect();
        let row = |it: &Shown| {
            let (name, since) = (it.name.to_string(), words::moment(it.since));
            [it.email.to_string(), name, it.role.to_string(), since, it.user_id.to_string()]
        };
        if listing.page(&shown, row)?.is_break() {
            return Ok(());
        }
    }
}

async fn set(
    app: &App,
    email: &Email,
    role: RoleName,
    of: &Of,
    output: Output,
) -> anyhow::Result<()> {
    let user = named::user(app, email).await?;
    let organization = named::organization_or_only(app, of.org.as_deref()).await?;
    members::set_role(app, &start::asker(), user.id, organization.id, role.clone()).await?;
    let text = format!("User {email} is {role} of {}.", organization.name);
    let json = json!({ "user_id": user.id, "organization_id": organization.id, "role": role });
    output.say(&text, &json)
}

async fn remove(app: &App, email: &Email, of: &Of, output: Output) -> anyhow::Result<()> {
    let user = named::user(app, email).await?;
    let organization = named::organization_or_only(app, of.org.as_deref()).await?;
    let asker = start::asker();
    let removed = members::remove(app, &asker, organization.id, user.id, &Expected::Any).await;
    removed.map_err(|error| match error {
        Rejection::NotFound(_) => anyhow::anyhow!(
            "user {email} has no role in {} itself: `keyturn user list` shows all roles",
            organization.name
        ),
        error => error.into(),
    })?;
    let text = format!("User {email} is no member of {} any more.", organization.name);
    let json = json!({ "user_id": user.id, "organization_id": organization.id, "role": null });
    output.say(&text, &json)
}
