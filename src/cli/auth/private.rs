//! Files that no one but their owner may read, whole whenever a process is killed.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use anyhow::{Context as _, bail};

const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// Also closes one that is there already: it is ours alone.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(FOLDER))
}

/// Waits until no other process holds the file. A process that is killed no longer holds it.
pub(super) fn open_alone(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(FILE))?;
    file.lock()?;
    Ok(file)
}

/// Either all of the text is there afterwards or what was there before. The caller is alone.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    // Of a link, which some keep their settings behind, the file it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let new = path.with_extension("new");
    // One of a process that was killed may be there, with whatever permissions.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => (),
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Fails where others than its owner may read or write the file. `then`: what to do about it.
pub(super) fn check(path: &Path, then: &str) -> anyhow::Result<()> {
    let shown = path.display();
    let found = fs::metadata(path).with_context(|| format!("cannot look at {shown}"))?;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        bail!("{shown} is open to others (mode {mode:o}): {then}");
    }
    Ok(())
}
