//! `keyturn client register`: makes a client and shows its secret, this once.

use std::path::PathBuf;

use serde_json::json;

use super::{secret, shown::Shown, terms::Terms};
use crate::{
    app::App,
    cli::{
        named::{self, Names},
        output::Output,
        secret_file::SecretFile,
        start,
    },
    domain::{ClientTerms, KeyName},
    manage::clients::{self, NewClient, Registered},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// What the client is called
    name: KeyName,
    /// The organization that it acts in [default: the only one]
    #[arg(long, value_name = "NAME|ID")]
    org: Option<String>,
    /// Write the secret into this new file, as JSON, instead of showing it
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    terms: Terms,
}

pub(super) async fn run(app: &App, args: Args, output: Output) -> anyhow::Result<()> {
    let Args { name, org, file, terms } = args;
    let organization_id = named::organization_or_only(app, org.as_deref()).await?.id;
    let unsaid = ClientTerms::default();
    let terms = terms.edit(&unsaid, app.clock.now())?.over(unsaid);
    // Before the client: a secret that cannot be kept must not be made.
    let file = file.filter(|_| terms.authentication.has_secret());
    let file = file.as_deref().map(SecretFile::create).transpose()?;
    let new = NewClient { organization_id, name, terms };
    let Registered { client, secret } = match clients::register(app, &start::asker(), new).await {
        Ok(registered) => registered,
        Err(error) => {
            file.map(SecretFile::remove).transpose()?;
            return Err(error.into());
        }
    };
    let names = Names::read(app).await?;
    let listed = clients::with_secrets(app, client.clone()).await?;
    let secret_id = listed.secrets.first().map(|(secret, _)| secret.id);
    let shown = Shown::new(app, &names, listed);
    let text = format!("Client {} is registered.\n\n{}", client.name, shown.text());
    let (Some(secret), Some(secret_id)) = (secret, secret_id) else {
        return output.say(&text, &shown);
    };
    secret::hand_over((&client, secret_id), &secret, file, (text, json!(shown)), output)
}
