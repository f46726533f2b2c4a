//! `keyturn user`: people.

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::{
    again::again,
    named::{self, Names},
    output::Output,
    start,
};
use crate::{
    app::App,
    clock::Timestamp,
    config::Config,
    domain::{Email, Expected, OrganizationId, Person, RoleName, Text, UserId},
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
    /// Say what a user is called
    Rename {
        email: Email,
        /// What the person is called
        name: Text,
    },
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
        Command::Rename { email, name } => rename(&app, &email, name, output).await,
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
    organization_id: OrganizationId,
    role: RoleName,
}

/// How many users are read at once.
const PAGE: i64 = 500;

async fn list(app: &App, output: Output) -> anyhow::Result<()> {
    let none = "There are no users yet: make one by `keyturn user create EMAIL`.";
    let mut listing = output.listing(none, ["E-MAIL", "NAME", "STATUS", "ROLES", "ID"]);
    let mut names = Names::default();
    let mut page = Page { after: None, most: PAGE };
    loop {
        let found = users::list(app, &start::asker(), page).await?;
        let Some(last) = found.last() else { return listing.end() };
        page.after = Some(last.user.id);
        for membership in found.iter().flat_map(|person| &person.memberships) {
            names.learn_organization(app, membership.organization_id).await?;
        }
        let shown: Vec<_> = found.into_iter().map(|person| Shown::new(person, &names)).collect();
        if listing.page(&shown, Shown::row)?.is_break() {
            return Ok(());
        }
    }
}

impl Shown {
    fn new(Person { user, memberships }: Person, names: &Names) -> Self {
        let memberships = memberships.into_iter().map(|it| ShownMembership {
            organization: names.organization(it.organization_id),
            organization_id: it.organization_id,
            role: it.role,
        });
        Self {
            id: user.id,
            status: if user.disabled_at.is_some() { "disabled" } else { "active" },
            email: user.email,
            name: user.name,
            created_at: user.created_at,
            memberships: memberships.collect(),
        }
    }

    fn row(&self) -> [String; 5] {
        let roles = self.memberships.iter().map(|it| format!("{} of {}", it.role, it.organization));
        let roles = roles.collect::<Vec<_>>().join(", ");
        let (email, status) = (self.email.to_string(), self.status.to_owned());
        [email, self.name.to_string(), status, roles, self.id.to_string()]
    }
}

async fn rename(app: &App, email: &Email, name: Text, output: Output) -> anyhow::Result<()> {
    let user = named::user(app, email).await?;
    let edit = Edit { name: Some(name), ..Edit::default() };
    let asker = start::asker();
    let user = users::update(app, &asker, user.id, &Expected::Any, edit).await?;
    let json = json!({ "id": user.id, "email": user.email, "name": user.name });
    output.say(&format!("User {email} is called {} now.", user.name), &json)
}

async fn set_enabled(
    app: &App,
    email: &Email,
    enabled: bool,
    output: Output,
) -> anyhow::Result<()> {
    let user = named::user(app, email).await?;
    let asker = start::asker();
    let set = async || {
        let edit = Edit { enabled: Some(enabled), ..Edit::default() };
        users::update(app, &asker, user.id, &Expected::Any, edit).await
    };
    again(set).await?;
    let status = if enabled { "active" } else { "disabled" };
    let json = json!({ "id": user.id, "email": user.email, "status": status });
    output.say(&format!("User {email} is {status}."), &json)
}
