//! A file for a secret: new, and readable by its owner only.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

pub(super) struct SecretFile {
    path: PathBuf,
    file: File,
}

impl SecretFile {
    /// Fails where there is such a file: it could hold another secret.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("cannot make the file {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write(mut self, text: &str) -> anyhow::Result<()> {
        let written = writeln!(self.file, "{text}").and_then(|()| self.file.sync_all());
        written.with_context(|| {
            format!("cannot write {}: its secret is lost: make another", self.path.display())
        })
    }

    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_file(self.path)
    }
}
