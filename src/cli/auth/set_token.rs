//! `keyturn auth set-token`: keeps a credential for the commands that follow.

use serde_json::json;

use super::{
    Server,
    credential::Credential,
    holder::{self, KEY_VARIABLE},
    note,
    output::Output,
    prompt,
    server_url::ServerUrl,
    settings::{Folder, Settings},
};
use crate::config;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The server that it is for; kept with it
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// What you call it, shown by `keyturn auth status`
    #[arg(long)]
    name: Option<String>,
    /// The client that a refresh token was given to; kept with it
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Args { url, name, client_id, output } = args;
    let folder = Folder::needed()?;
    // Whatever is wrong should be known before a secret is asked for.
    let url = url.as_deref().map(ServerUrl::parse).transpose()?;
    Settings::read(&folder)?;
    let text = prompt::secret("API key or refresh token (not shown): ").await?;
    let credential: Credential = text.parse()?;

    let alone = folder.alone()?;
    let mut settings = alone.read()?;
    settings.set(Settings::CREDENTIAL, credential.reveal());
    settings.remove(Settings::ROTATED);
    settings.remove(Settings::NAME);
    let given = [
        (Settings::URL, url.as_ref().map(ServerUrl::as_str)),
        (Settings::NAME, name.as_deref()),
        (Settings::CLIENT_ID, client_id.as_deref()),
    ];
    for (setting, value) in given {
        if let Some(value) = value {
            settings.set(setting, value);
        }
    }
    let server = holder::server_url(&Server::default(), &settings)?;
    settings.write(&alone)?;

    if config::variable(KEY_VARIABLE).is_some_and(|value| !value.is_empty()) {
        note(&format!("{KEY_VARIABLE} is set and wins over what was kept now"));
    }
    let path = settings.path().display();
    let kind = credential.kind();
    let text = format!(
        "Kept the {kind} for {server} in {path}. To see whether it works: keyturn auth status"
    );
    let json = json!({ "kind": kind, "url": server.as_str(), "file": settings.path() });
    output.say(&text, &json)
}
