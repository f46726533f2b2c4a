//! `keyturn auth logout`: forgets on this machine. The key itself goes on living.

use anyhow::Context as _;
use serde_json::json;

use super::{
    cache,
    holder::KEY_VARIABLE,
    note,
    output::Output,
    settings::{Folder, Settings},
};
use crate::config;

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    output: Output,
}

const STILL_LIVES: &str = "The key itself goes on living wherever it was copied to. \
    To end it, its owner runs: keyturn key revoke NAME";

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let folder = Folder::needed()?;
    let was_kept = folder.settings().exists() && forget(&folder)?;
    let tokens = folder.tokens();
    let forgot_tokens = cache::forget_all(&tokens)
        .with_context(|| format!("cannot remove {}", tokens.display()))?;

    if config::variable(KEY_VARIABLE).is_some_and(|value| !value.is_empty()) {
        note(&format!("{KEY_VARIABLE} is still set in this shell: unset it"));
    }
    let said = if was_kept { "The credential is forgotten." } else { "No credential was kept." };
    let json = json!({ "forgot_credential": was_kept, "forgot_access_tokens": forgot_tokens });
    let text = if was_kept { format!("{said} {STILL_LIVES}") } else { said.to_owned() };
    args.output.say(&text, &json)
}

/// Leaves the server's URL and whatever else is set: none of it is secret.
fn forget(folder: &Folder) -> anyhow::Result<bool> {
    let alone = folder.alone()?;
    let mut settings = alone.read()?;
    let was_kept = settings.remove(Settings::CREDENTIAL);
    let others = [Settings::NAME, Settings::ROTATED].map(|setting| settings.remove(setting));
    if was_kept || others.contains(&true) {
        settings.write(&alone)?;
    }
    Ok(was_kept)
}
