//! `keyturn backup`: one file that holds the whole database, compared with it row by row.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use super::{
    beside::{beside, folder_of},
    output, start,
};
use crate::{
    clock::Clock,
    config::Config,
    store::transfer::{self, Contents, Manifest, Purpose},
};

#[derive(clap::Args)]
pub(super) struct Args {
    /// The new file, readable by you alone. It holds no secret in clear, but all hashes
    file: PathBuf,
    /// Include the key-encryption key: anyone with the file can then sign tokens
    #[arg(long)]
    with_key_encryption_key: bool,
}

pub(super) async fn run(args: Args, config: &Config) -> anyhow::Result<()> {
    let Args { file, with_key_encryption_key } = args;
    if file.try_exists()? {
        bail!("{} exists: name a new file", file.display());
    }
    let store = start::existing_database(config).await?;
    let (key, text) = start::key_encryption_key(config, &store).await?;
    let draft = beside(&file, "partial");
    let manifest = Manifest {
        made_at: Clock::system().now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        key_encryption_key_id: key.id(),
        key_encryption_key: with_key_encryption_key.then_some(text),
        contents: Contents::new(),
    };
    let written = write(&store, &draft, manifest).await;
    if written.is_err() {
        // What is incomplete must not be taken for a backup.
        let _ = fs::remove_file(&draft);
    }
    let contents = written?;
    fs::hard_link(&draft, &file).with_context(|| format!("cannot make {}", file.display()))?;
    fs::remove_file(&draft)?;
    File::open(folder_of(&file))?.sync_all()?;

    let rows: u64 = contents.values().map(|table| table.rows).sum();
    let key = if with_key_encryption_key {
        "It holds the key-encryption key: keep it as safe as that.".to_owned()
    } else {
        format!("To restore it you need key-encryption key {}, which is not in it.", key.id())
    };
    let (tables, file) = (contents.len(), file.display());
    output::print(&format!(
        "Backed up {rows} rows of {tables} tables to {file}, and compared them.\n{key}\n"
    ))
}

async fn write(
    store: &crate::store::Store,
    draft: &Path,
    manifest: Manifest,
) -> anyhow::Result<Contents> {
    let cannot = || format!("cannot write {}", draft.display());
    let target = transfer::create_file(draft).await.with_context(cannot)?;
    let contents = transfer::copy(store, &target, Purpose::Backup, manifest.made_at).await?;
    let manifest = Manifest { contents, ..manifest };
    transfer::write_manifest(&target, &manifest).await.with_context(cannot)?;
    target.close().await;
    // From the disk, as a restore will read it.
    let written = transfer::open_file(draft).await?;
    let read = transfer::read_manifest(&written).await.context("the new backup is damaged")?;
    written.close().await;
    Ok(read.contents)
}
