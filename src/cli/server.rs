//! `keyturn server`: which organization runs it.

use clap::Subcommand;
use serde_json::json;

use super::{named, names, output::Output, start};
use crate::{config::Config, manage::server};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Command {
    /// Show or change the organization that runs the server
    #[command(subcommand)]
    Operators(Operators),
}

#[derive(Subcommand)]
enum Operators {
    /// Show the organization that runs the server
    Show,
    /// Transfer the server to another root organization
    Set {
        /// The organization's name or ID
        #[arg(value_name = "NAME|ID")]
        organization: String,
    },
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { command: Command::Operators(command), output } = args;
    let app = start::manage(config).await?;
    let asker = start::asker();
    match command {
        Operators::Show => {
            let Some(lineage) = server::operators(&app, &asker).await? else {
                let text = "No organization runs the server yet: the first that is made does.";
                return output.say(text, &json!({ "organization": null }));
            };
            let path = names::path(&lineage.line);
            let text = format!("Organization {path} runs the server.");
            output.say(&text, &json!({ "organization_id": lineage.id(), "organization": path }))
        }
        Operators::Set { organization } => {
            let organization = named::organization(&app, &organization).await?;
            server::set_operators(&app, &asker, organization.id).await?;
            let text = format!(
                "Organization {} runs the server. Keys of the one before no longer manage \
                 resources, signing keys, users and new trees.",
                organization.name
            );
            let json = json!({
                "organization_id": organization.id,
                "organization": organization.name,
            });
            output.say(&text, &json)
        }
    }
}
