//! `keyturn member`: who has which role in which organization.

use clap::Subcommand;
use serde_json::json;

use super::{named, output::Output, start};
use crate::{
    config::Config,
    domain::{Email, Expected, RoleName},
    manage::{members, users},
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
    /// Give a user a role in an organization and all below it, in place of an earlier one
    Set {
        email: Email,
        #[arg(long)]
        role: RoleName,
        /// The organization [default: the only one]
        #[arg(long, value_name = "NAME|ID")]
        org: Option<String>,
    },
    /// End a membership
    Remove {
        email: Email,
        /// The organization [default: the only one]
        #[arg(long, value_name = "NAME|ID")]
        org: Option<String>,
    },
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command, output } = args;
    let app = start::manage(config).await?;
    let asker = start::asker();
    match command {
        Command::Set { email, role, org } => {
            let user = users::find_by_email(&app, &email).await?;
            let organization = named::organization_or_only(&app, org.as_deref()).await?;
            members::set_role(&app, &asker, user.id, organization.id, role.clone()).await?;
            let text = format!("User {email} is {role} of {}.", organization.name);
            let json =
                json!({ "user_id": user.id, "organization_id": organization.id, "role": role });
            output.say(&text, &json)
        }
        Command::Remove { email, org } => {
            let user = users::find_by_email(&app, &email).await?;
            let organization = named::organization_or_only(&app, org.as_deref()).await?;
            members::remove(&app, &asker, organization.id, user.id, &Expected::Any).await?;
            let text = format!("User {email} is no member of {} any more.", organization.name);
            let json =
                json!({ "user_id": user.id, "organization_id": organization.id, "role": null });
            output.say(&text, &json)
        }
    }
}
