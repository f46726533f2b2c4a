//! A database in a file: who can read it, whether it can be written, whether it is damaged.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use super::{
    DATABASE,
    disk::existing_folder,
    report::{Report, size},
};
use crate::store::{Store, StoreError, health};

/// What is written goes into this file first, and from there into the database some megabytes at
/// a time.
const MUCH_IN_WAL: u64 = 256 << 20;

/// `None` where there is no file.
pub(super) fn check_file(file: &Path, report: &mut Report) -> Option<()> {
    let name = file.display();
    let about = match fs::metadata(file) {
        Ok(about) => about,
        Err(error) => {
            report.failed(
                DATABASE,
                format!(
                    "{name}: {error}; `keyturn quickstart`, `keyturn serve` and `keyturn migrate` \
                     make a database; if there was one, see database.url and the folder you are in"
                ),
            );
            return None;
        }
    };
    let mode = about.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        report.warning(
            "database file",
            format!("others can read {name} (mode {mode:04o}): run `chmod 600 {name}*`"),
        );
    }
    let folder = existing_folder(file);
    for path in [file, &folder] {
        if let Err(error) = access(path, Access::WRITE_OK) {
            report.failed(
                "database file",
                format!(
                    "{} cannot be written: {error}; run this as the user of the server, and see \
                     how its disk is mounted",
                    path.display()
                ),
            );
        }
    }
    let wal = wal_of(file);
    match fs::metadata(&wal).map_or(0, |about| about.len()) {
        long if long > MUCH_IN_WAL => report.warning(
            "database file",
            format!(
                "{} has {}: some program keeps reading {name} and never ends; find it with `fuser`",
                wal.display(),
                size(long)
            ),
        ),
        _ => report.ok("database file", format!("{name} has {}", size(about.len()))),
    }
    Some(())
}

fn wal_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Tells whether the file can be relied on. Reads all of it.
pub(super) async fn check_content(
    store: &Store,
    deep: bool,
    report: &mut Report,
) -> Result<bool, StoreError> {
    let damage = health::damage(store, deep).await?;
    if let Some(first) = damage.first() {
        report.failed(
            DATABASE,
            format!(
                "is damaged in {} places or more, first: {first}; stop the server and restore a \
                 backup (docs/OPERATING.md)",
                damage.len()
            ),
        );
        return Ok(false);
    }
    let version = health::sqlite_version(store).await?.unwrap_or_default();
    let how = if deep { "integrity_check" } else { "quick_check" };
    report.ok(DATABASE, format!("SQLite {version} finds nothing wrong ({how})"));
    Ok(true)
}
