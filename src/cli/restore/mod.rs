//! `keyturn restore`: fills an empty database from a backup, and ends again what had ended since.

mod ended;

use std::{
    env, fs, io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process,
};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};

use super::{output, start};
use crate::{
    clock::Clock,
    config::{self, Config, key_file},
    signing::KeyEncryptionKey,
    store::{
        MigrationFailed, Options, Store,
        transfer::{self, Contents, Manifest, Purpose},
    },
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// A file that `keyturn backup` made
    file: PathBuf,
    /// A newer `keyturn audit export`: what it says was revoked since is revoked again
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let events = args.audit.as_deref().map(ended::read).transpose()?;
    let cannot = || format!("cannot read {}", args.file.display());
    let backup = transfer::open_file(&args.file).await.with_context(cannot)?;
    let manifest = transfer::read_manifest(&backup).await.with_context(cannot)?;
    bring_key(config, &manifest)?;

    let target = start::new_database(config).await?;
    let contents = match backup.check_migrated().await {
        Ok(()) => fill(&backup, &target).await?,
        Err(MigrationFailed::Pending) => from_older(&args.file, &target).await?,
        Err(error) => return Err(error).with_context(cannot),
    };
    target.close().await;

    let rows: u64 = contents.values().map(|table| table.rows).sum();
    let made_at = manifest.made_at.to_rfc3339();
    output::print(&format!(
        "Restored {rows} rows of {} tables from the backup of {made_at}, and compared them.\n",
        contents.len()
    ))?;
    ended::end_again_or_warn(config, events, &made_at).await
}

async fn fill(backup: &Store, target: &Store) -> anyhow::Result<Contents> {
    Ok(transfer::copy(backup, target, Purpose::Successor, Clock::system().now()).await?)
}

/// A backup of an earlier version is brought up to date in a copy of its own.
async fn from_older(file: &Path, target: &Store) -> anyhow::Result<Contents> {
    let scratch = env::temp_dir().join(format!("keyturn-restore-{}", process::id()));
    let mut copy =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&scratch)?;
    let filled = async {
        io::copy(&mut fs::File::open(file)?, &mut copy)?;
        let url = format!("sqlite:{}", scratch.display());
        let store = Store::open(&url, Options::default()).await?;
        store.migrate().await.context("cannot bring the backup up to date")?;
        let filled = fill(&store, target).await;
        store.close().await;
        filled
    }
    .await;
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{ending}", scratch.display()));
    }
    filled
}

/// Makes sure that what the backup wraps can be opened here, before anything is written.
fn bring_key(config: &Config, manifest: &Manifest) -> anyhow::Result<()> {
    let needed = &manifest.key_encryption_key_id;
    let configured = match &config.signing.key_encryption_key {
        config::KeyEncryptionKey::Given(text) => Some(text.clone()),
        config::KeyEncryptionKey::File(path) => {
            let found = key_file::load(path)?;
            match (found, &manifest.key_encryption_key) {
                (None, Some(text)) => Some(write_key(path, text)?),
                (found, _) => found,
            }
        }
    };
    let Some(configured) = configured else {
        bail!(
            "the backup needs key-encryption key {needed}, which is neither in it nor here \
             (settings signing.key_encryption_key and signing.key_encryption_key_file): bring it \
             back first"
        )
    };
    let found = KeyEncryptionKey::from_text(configured.expose_secret())?.id();
    if found != *needed {
        bail!(
            "the backup needs key-encryption key {needed}, and the one configured here is {found}: \
             move that away, or configure the right one"
        );
    }
    Ok(())
}

fn write_key(path: &Path, text: &SecretString) -> anyhow::Result<SecretString> {
    let written = key_file::load_or_create(path, || text.clone())?;
    output::print(&format!("Wrote the key-encryption key to {}.\n", path.display()))?;
    Ok(written)
}
