//! `keyturn user`: people.

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
    domain::{Email, Expected, RoleName, Text, UserId},
    manage::{
        quickstart::generate_password,
        users::{self, Edit, NewUser},
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
    /// Make a user and show a new password, this once
    Create(CreateArgs),
    /// List all users with their roles
    List,
    /// Stop a user and all keys of the user
    Disable { email: Email },
    /// Let a disabled user and the user's keys work again
    Enable { email: Email },
}

#[derive(clap::Args)]
struct CreateArgs {
    email: Email,
    /// What the person is called
    #[arg(long, default_value = "", hide_default_value = true)]
    name: Text,
    /// An organization to make the user a member of
    #[arg(long, value_name = "NAME|ID", requires = "role")]
    org: Option<String>,
    /// The role in that organization
    #[arg(long, requires = "org")]
    role: Option<RoleName>,
    /// Make no password: the user signs in by other means, or not at all
    #[arg(long)]
    no_password: bool,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    let app = start::manage(config).await?;
    match command {
        Command::Create(args) => create(&app, args, output).await,
        Command::List => list(&app, output).await,
        Command::Disable { email } => set_enabled(&app, &email, false, output).await,
        Command::Enable { email } => set_enabled(&app, &email, true, output).await,
    }
}

async fn create(app: &App, args: CreateArgs, output: Output) -> anyhow::Result<()> {
    let CreateArgs { email, name, org, role, no_password } = args;
    let password = (!no_password).then(|| generate_password(app));
    let asker = start::asker();
    let membership = match (org, role) {
        (Some(org), Some(role)) => Some((named::organization(app, &org).await?.id, role)),
        _ => None,
    };
    let new = NewUser { email, name, password: password.clone(), membership };
    let user = users::create(app, &asker, new).await?;
    let mut json = json!({ "id": user.id, "email": user.email, "name": user.name });
    let made = format!("User {} is made. The id is {}.", user.email, user.id);
    let Some(password) = password else { return output.say(&made, &json) };
    json["password"] = password.reveal().into();
    let text = format!("{made}\nThe password, shown this once:\n\n{}", password.reveal());
    output.say(&text, &json)
}

#[derive(Serialize)]
struct Shown {
    id: UserId,
    email: Email,
    name: Text,
    status: &'static str,
    created_at: Timestamp,
    memberships: Vec<ShownMembership>,
}

#[derive(Serialize)]
struct ShownMembership {
    organization: String,
    role: RoleName,
}

async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let names = Names::read(app).await?;
    let people = users::list(app, &start::asker(), Page::ALL).await?.into_iter();
    let shown = people.map(|person| Shown {
        id: person.user.id,
        status: if person.user.disabled_at.is_some() { "disabled" } else { "active" },
        email: person.user.email,
        name: person.user.name,
        created_at: person.user.created_at,
        memberships: person
            .memberships
            .into_iter()
            .map(|it| ShownMembership {
                organization: names.organization(it.organization_id),
                role: it.role,
            })
            .collect(),
    });
    let shown: Vec<_> = shown.collect();
    let none = "There are no users yet: make one by `keyturn user create EMAIL`.";
    output.list(none, ["E-MAIL", "NAME", "STATUS", "ROLES", "ID"], &shown, |user| {
        let roles = user.memberships.iter().map(|it| format!("{} of {}", it.role, it.organization));
        let roles = roles.collect::<Vec<_>>().join(", ");
        let (email, status) = (user.email.to_string(), user.status.to_owned());
        [email, user.name.to_string(), status, roles, user.id.to_string()]
    })
}

async fn set_enabled(
    app: &App,
    email: &Email,
    enabled: bool,
    output: Output,
) -> anyhow::Result<()> {
    let user = users::find_by_email(app, email).await?;
    let edit = Edit { enabled: Some(enabled), ..Edit::default() };
    users::update(app, &start::asker(), user.id, &Expected::Any, edit).await?;
    let status = if enabled { "active" } else { "disabled" };
    let json = json!({ "id": user.id, "email": user.email, "status": status });
    output.say(&format!("User {email} is {status}."), &json)
}
