//! `settings.yaml` in the user's configuration folder: whom to ask, and by what credential.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow, bail};
use yaml_serde::{Mapping, Value};

use super::private;
use crate::config;

/// Where the files of this user are.
#[derive(Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// `$XDG_CONFIG_HOME/keyturn`, else `~/.config/keyturn`; `None` for a user without a home.
    pub(super) fn find() -> Option<Self> {
        let absolute =
            |name| config::variable(name).map(PathBuf::from).filter(|it| it.is_absolute());
        let folder = absolute("XDG_CONFIG_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
        Some(Self(folder.join("keyturn")))
    }

    pub(super) fn needed() -> anyhow::Result<Self> {
        Self::find().context("there is no folder for settings: set HOME or XDG_CONFIG_HOME")
    }

    pub(super) fn settings(&self) -> PathBuf {
        self.0.join("settings.yaml")
    }

    pub(super) fn tokens(&self) -> PathBuf {
        self.0.join("tokens")
    }

    pub(super) fn proof_key(&self) -> PathBuf {
        self.0.join("proof-key.pem")
    }

    pub(super) fn make(&self) -> anyhow::Result<()> {
        private::make_folder(&self.0)
            .with_context(|| format!("cannot make the folder {}", self.0.display()))
    }

    /// No other process changes the settings until the guard is dropped.
    pub(super) fn alone(&self) -> anyhow::Result<Alone> {
        self.make()?;
        let path = self.0.join("settings.lock");
        let lock = private::open_alone(&path)
            .with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(Alone { folder: self.clone(), _lock: lock })
    }
}

/// The right to change the settings.
pub(super) struct Alone {
    folder: Folder,
    _lock: File,
}

impl Alone {
    pub(super) fn read(&self) -> anyhow::Result<Settings> {
        Settings::read(&self.folder)
    }
}

/// Whatever the file says, also what only another version knows.
pub(super) struct Settings {
    path: PathBuf,
    values: Mapping,
}

impl Settings {
    pub(super) const URL: &str = "url";
    pub(super) const CREDENTIAL: &str = "credential";
    pub(super) const NAME: &str = "name";
    pub(super) const CLIENT_ID: &str = "client_id";
    /// Of a refresh token that the server replaced: see `holder`.
    pub(super) const ROTATED: &str = "rotated";

    /// Empty where there is no file.
    pub(super) fn read(folder: &Folder) -> anyhow::Result<Self> {
        let path = folder.settings();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let values = parse(&path, &text)?;
        Ok(Self { path, values })
    }

    pub(super) fn empty() -> Self {
        Self { path: PathBuf::new(), values: Mapping::new() }
    }

    /// No other process may be writing them.
    pub(super) fn write(&self, _: &Alone) -> anyhow::Result<()> {
        let text = yaml_serde::to_string(&self.values)?;
        private::replace(&self.path, &text)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Fails where others could have read the credential.
    pub(super) fn check_private(&self) -> anyhow::Result<()> {
        let path = self.path.display();
        let then =
            format!("run `chmod 600 {path}`, and have the key rotated if others use this machine");
        private::check(&self.path, &then)
    }

    pub(super) fn text(&self, name: &str) -> anyhow::Result<Option<&str>> {
        match self.values.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(anyhow!("{}: `{name}` must be a text", self.path.display())),
        }
    }

    /// A text below `ROTATED`; what is not one was not written by us.
    pub(super) fn rotated(&self, name: &str) -> Option<&str> {
        self.values.get(Self::ROTATED)?.get(name)?.as_str()
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.into(), value.into());
    }

    /// Tells whether it was there.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        self.values.shift_remove(name).is_some()
    }
}

/// Names the place and never quotes the line: the credential could stand there.
fn parse(path: &Path, text: &str) -> anyhow::Result<Mapping> {
    let path = path.display();
    match yaml_serde::from_str(text) {
        Ok(Value::Null) => Ok(Mapping::new()),
        Ok(Value::Mapping(values)) => Ok(values),
        Ok(_) => bail!("{path}: settings are lines such as `url: https://id.example.com`"),
        Err(error) => {
            let place = error.location();
            let (line, column) = place.map_or((1, 1), |place| (place.line(), place.column()));
            bail!(
                "{path}, line {line}, column {column}: this is not YAML, or says something twice; \
                 mend or remove the file"
            )
        }
    }
}
