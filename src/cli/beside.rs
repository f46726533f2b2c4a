//! Files next to others: drafts of what is to take their place, and what had it before.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// A file next to this one, with one more ending.
pub(super) fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".");
    path.push(ending);
    path.into()
}

pub(super) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Keeps a former key-encryption key beside its successor, which takes its name.
pub(super) fn take_place(path: &Path, next: &Path, old: &str) -> anyhow::Result<PathBuf> {
    let kept = beside(path, old);
    if !kept.try_exists()? {
        fs::hard_link(path, &kept)?;
    }
    fs::rename(next, path)?;
    File::open(folder_of(path))?.sync_all()?;
    Ok(kept)
}
