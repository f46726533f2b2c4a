//! `keyturn client secret`: a further secret, and the end of one; hands new ones over, this once.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::{Value, json};

use crate::{
    app::App,
    cli::{expires::Expires, named, output::Output, secret_file::SecretFile, start, words},
    domain::{Client, Lifetime, Secret, SecretId},
    manage::clients::{self, NewSecret},
};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a further secret and show it, this once; those there are go on
    Add {
        /// The client's name, or its id
        #[arg(value_name = "NAME|ID")]
        client: String,
        /// When it stops working: a span (90d), a date, an RFC 3339 moment, or `never`
        #[arg(long, value_name = "WHEN|never", default_value = "never")]
        expires: Expires,
        /// Write the secret into this new file, as JSON, instead of showing it
        #[arg(short, long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// End a secret at once; the others go on
    Remove {
        /// The client's name, or its id
        #[arg(value_name = "NAME|ID")]
        client: String,
        /// As `keyturn client show` says it
        #[arg(value_name = "SECRET-ID")]
        secret: SecretId,
    },
}

pub(super) async fn run(app: &App, command: Command, output: Output) -> anyhow::Result<()> {
    match command {
        Command::Add { client, expires, file } => add(app, &client, expires, file, output).await,
        Command::Remove { client, secret } => {
            let client = named::client(app, &client).await?;
            let removed = clients::remove_secret(app, &start::asker(), client.id, secret).await;
            removed.with_context(|| format!("client {}, secret {secret}", client.name))?;
            let text = format!("Secret {secret} of client {} no longer works.", client.name);
            output.say(&text, &json!({ "client_id": client.id, "id": secret }))
        }
    }
}

async fn add(
    app: &App,
    client: &str,
    expires: Expires,
    file: Option<PathBuf>,
    output: Output,
) -> anyhow::Result<()> {
    let client = named::client(app, client).await?;
    let end = match expires.lifetime(app.clock.now()) {
        Lifetime::Until(end) => Some(end),
        Lifetime::Default | Lifetime::Never => None,
    };
    // Before the secret: one that cannot be kept must not be made.
    let file = file.as_deref().map(SecretFile::create).transpose()?;
    let made = clients::add_secret(app, &start::asker(), client.id, end).await;
    let NewSecret { client, id, secret } = match made {
        Ok(made) => made,
        Err(error) => {
            file.map(SecretFile::remove).transpose()?;
            return Err(error.into());
        }
    };
    let ends = words::end(end, app.clock.now());
    let text = format!("Client {} has a further secret, {id}, which {ends}.", client.name);
    let json = json!({ "id": id, "client_id": client.id, "expires_at": end });
    hand_over((&client, id), &secret, file, (text, json), output)
}

/// Into the file, if there is one; else with the answer, which so far says this.
pub(super) fn hand_over(
    (client, id): (&Client, SecretId),
    secret: &Secret,
    file: Option<SecretFile>,
    (text, mut json): (String, Value),
    output: Output,
) -> anyhow::Result<()> {
    let secret = secret.reveal();
    let Some(file) = file else {
        json["secret"] = secret.into();
        let text = format!(
            "{text}\n\nIts secret, shown this once:\n\n{secret}\n\nKeep it where secrets are kept, \
             not in code. It is not shown again."
        );
        return output.say(&text, &json);
    };
    let path = file.path().display().to_string();
    let content = json!({
        "client_id": client.id,
        "name": client.name,
        "secret_id": id,
        "client_secret": secret,
    });
    file.write(&serde_json::to_string_pretty(&content)?)?;
    json["file"] = path.clone().into();
    output.say(&format!("{text}\n\nIts secret is in {path}, which only you can read."), &json)
}
