//! `keyturn key-encryption-key`: shows which one is in use, and replaces it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use secrecy::ExposeSecret as _;

use super::{
    beside::{beside, take_place},
    output, start,
};
use crate::{
    config::{self, Config, key_file},
    manage::key_encryption::{self, Rewrapped},
    random::Random,
    signing::KeyEncryptionKey,
};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Print the fingerprint of the key-encryption key in use
    Show,
    /// Replace the key-encryption key; stop every server first
    Rotate {
        /// A file with the new key, where the setting holds the key itself
        #[arg(long, value_name = "FILE")]
        new_key_file: Option<PathBuf>,
    },
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    match args.command {
        Command::Show => {
            let store = start::existing_database(config).await?;
            let (key, _) = start::key_encryption_key(config, &store).await?;
            output::print(&format!("{}\n", key.id()))
        }
        Command::Rotate { new_key_file } => match &config.signing.key_encryption_key {
            config::KeyEncryptionKey::File(path) if new_key_file.is_none() => {
                rotate_file(config, path).await
            }
            _ => rotate_given(config, new_key_file).await,
        },
    }
}

/// The new key is on the disk before anything is wrapped by it, and takes its place afterwards. A
/// start between the two finishes that (`start::encryption`).
async fn rotate_file(config: &Config, path: &Path) -> anyhow::Result<()> {
    let app = start::manage_signing_keys(config).await?;
    let next = beside(path, "next");
    let text = key_file::load_or_create(&next, || KeyEncryptionKey::generate(&Random::System))?;
    let new = KeyEncryptionKey::from_text(text.expose_secret())
        .with_context(|| next.display().to_string())?;
    let old = app.key_encryption_key.id();
    let done = key_encryption::rotate(&app, &start::asker(), &new).await?;
    let kept = take_place(path, &next, &old)?;
    say(&done, &old, &new)?;
    output::print(&format!(
        "The former key is kept in {}: backups from before need it. Delete the file when none is \
         left.\nStart the servers again. Where they have copies of {}, replace those first.\n",
        kept.display(),
        path.display()
    ))
}

async fn rotate_given(config: &Config, new: Option<PathBuf>) -> anyhow::Result<()> {
    let Some(file) = new else {
        bail!(
            "the key-encryption key is given by the setting signing.key_encryption_key: write a new \
             one to a file, `(umask 077; openssl rand -base64 32 > new-key)`, and name it by \
             --new-key-file new-key"
        )
    };
    let text = key_file::load(&file)?;
    let text = text.with_context(|| format!("there is no file {}", file.display()))?;
    let new = KeyEncryptionKey::from_text(text.expose_secret())
        .with_context(|| file.display().to_string())?;
    let app = start::manage_signing_keys(config).await?;
    let old = app.key_encryption_key.id();
    let done = key_encryption::rotate(&app, &start::asker(), &new).await?;
    say(&done, &old, &new)?;
    output::print(&format!(
        "Set signing.key_encryption_key, or its file, to the content of {}, then start the servers \
         again. Keep the former key for backups from before.\n",
        file.display()
    ))
}

fn say(done: &Rewrapped, old: &str, new: &KeyEncryptionKey) -> anyhow::Result<()> {
    let (keys, new) = (done.signing_keys, new.id());
    output::print(&format!(
        "Replaced key-encryption key {old} by {new}: {keys} signing keys wrapped anew.\n"
    ))?;
    for left in &done.left {
        output::print(&format!(
            "Signing key {left} has ended and cannot be opened: left as it was.\n"
        ))?;
    }
    Ok(())
}
