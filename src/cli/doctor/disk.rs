//! The disks that the database and the key-encryption key are on.

use std::path::{Path, PathBuf};

use rustix::fs::statvfs;
use secrecy::ExposeSecret as _;

use super::{
    report::{Health, Report, size},
    start,
};
use crate::config::{Config, KeyEncryptionKey};

const MIB: u64 = 1 << 20;
/// A server needs room for what is used and refused from one fold to the next.
const TOO_LITTLE: u64 = 100 * MIB;
const LITTLE: u64 = 1024 * MIB;

pub(super) fn check(config: &Config, report: &mut Report) {
    if let Some(file) = start::database_file(config.database.url.expose_secret()) {
        check_one("disk of the database", file, report);
    }
    if let KeyEncryptionKey::File(file) = &config.signing.key_encryption_key {
        check_one("disk of the keys", file, report);
    }
}

fn check_one(what: &str, file: &Path, report: &mut Report) {
    let folder = existing_folder(file);
    let disk = match statvfs(&folder) {
        Ok(disk) => disk,
        Err(error) => {
            report.warning(what, format!("{} cannot be looked at: {error}", folder.display()));
            return;
        }
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let whole = disk.f_blocks.saturating_mul(disk.f_frsize);
    let health = if free < TOO_LITTLE {
        Health::Failed
    } else if free < LITTLE || free < whole / 10 {
        Health::Warning
    } else {
        Health::Ok
    };
    let advice = if health == Health::Ok { "" } else { ": make room there" };
    let (free, whole) = (size(free), size(whole));
    report.add(health, what, format!("{}: {free} of {whole} are free{advice}", folder.display()));
}

/// The folder that the file is in, or is going to be made in.
pub(super) fn existing_folder(file: &Path) -> PathBuf {
    let folders = file.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    let mut existing = folders.filter(|folder| folder.is_dir());
    existing.next().unwrap_or(Path::new(".")).to_owned()
}
