//! `keyturn export`: writes what there is as a file that `keyturn apply` takes.

use anyhow::bail;

use super::{output, start};
use crate::{
    config::Config,
    declare::{self, OrganizationPath},
    manage::declared,
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// Only this organization and those below it, by its path: acme/team
    #[arg(long, value_name = "PATH")]
    org: Option<OrganizationPath>,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let app = start::manage(config).await?;
    let state = declared::read(&app, &start::asker()).await?.state;
    let state = match args.org {
        Some(path) if !state.organizations.contains_key(&path) => {
            bail!("there is no organization {path}: `keyturn org list` shows them all")
        }
        Some(path) => state.within(&path),
        None => state,
    };
    output::print(&declare::write(&state))
}
