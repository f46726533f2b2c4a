//! The files that the secrets of new keys and clients go to: new ones, for their owner only, and
//! gone again unless these are there to stay.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};

use crate::{domain::Secret, manage::declared::MadeSecret};

/// By what people call the things that have the secrets.
pub(super) struct SecretFiles(BTreeMap<String, PathBuf>);

/// Files that were written. Removed when this is dropped.
pub(super) struct Written(Vec<PathBuf>);

impl SecretFiles {
    /// A path that is not absolute begins at the folder of the file that names it.
    pub(super) fn new(named: BTreeMap<String, PathBuf>, by: &Path) -> Self {
        let folder = by.parent().unwrap_or(Path::new(""));
        Self(named.into_iter().map(|(thing, path)| (thing, folder.join(path))).collect())
    }

    pub(super) fn of(&self, thing: &str) -> Option<&Path> {
        self.0.get(thing).map(PathBuf::as_path)
    }

    /// That no file is there: it could hold another secret.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (thing, path) in &self.0 {
            if path.symlink_metadata().is_ok() {
                return Err(io::Error::from(io::ErrorKind::AlreadyExists))
                    .with_context(|| cannot_make(thing, path));
            }
        }
        Ok(())
    }

    /// All or none. Whatever is written is on the disk when this returns.
    pub(super) fn write(&self, secrets: &[MadeSecret]) -> anyhow::Result<Written> {
        let mut written = Written(Vec::new());
        for MadeSecret { thing, secret, .. } in secrets {
            let path = self.of(thing).ok_or_else(|| anyhow!("{thing}: no `write_secret_to`"))?;
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            let file = file.with_context(|| cannot_make(thing, path))?;
            written.0.push(path.to_owned());
            fill(file, path, secret).with_context(|| {
                format!("{thing}: cannot write its secret to {}", path.display())
            })?;
        }
        Ok(written)
    }
}

fn cannot_make(thing: &str, path: &Path) -> String {
    format!("{thing}: cannot make the new file {} for its secret", path.display())
}

fn fill(mut file: File, path: &Path, secret: &Secret) -> io::Result<()> {
    writeln!(file, "{}", secret.reveal())?;
    file.sync_all()?;
    // The name of a new file is in its folder.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

impl Written {
    /// Gives the paths, for a message.
    pub(super) fn keep(mut self) -> String {
        let paths = std::mem::take(&mut self.0);
        paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        for path in &self.0 {
            if let Err(error) = fs::remove_file(path) {
                eprintln!(
                    "keyturn: cannot remove {}, which holds no key's secret: {error}",
                    path.display()
                );
            }
        }
    }
}
