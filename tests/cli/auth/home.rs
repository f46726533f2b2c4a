//! A user who holds a key: a home, and a folder with a server's configuration that is wrong.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

pub(super) struct Home {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Home {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Whoever holds a key does not care for what a server makes of this.
        fs::write(folder.path().join("keyturn.toml"), "listen = [").unwrap();
        Self { folder, variables: Vec::new() }
    }

    /// One whose commands ask this server, by this credential.
    pub(super) fn of(url: &str, credential: &str) -> Self {
        let home = Self::new();
        let kept = home.type_in(&["set-token", "--url", url], credential);
        assert_eq!(kept.code, 0, "{kept:?}");
        home
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.variables.retain(|(variable, _)| variable != name);
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn settings(&self) -> PathBuf {
        self.path().join(".config/keyturn/settings.yaml")
    }

    pub(super) fn read_settings(&self) -> String {
        fs::read_to_string(self.settings()).unwrap()
    }

    /// Where access tokens are kept.
    pub(super) fn tokens(&self) -> Vec<PathBuf> {
        let folder = fs::read_dir(self.path().join(".config/keyturn/tokens"));
        folder.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }

    /// Any program, in this home; it finds `keyturn` and what else is installed.
    pub(super) fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let ours = Path::new(env!("CARGO_BIN_EXE_keyturn")).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all = std::iter::once(ours.to_owned()).chain(std::env::split_paths(&path));
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::join_paths(all).unwrap()).env("HOME", self.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// `keyturn auth …`
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        self.program(env!("CARGO_BIN_EXE_keyturn"), &[&["auth"], arguments].concat())
    }

    pub(super) fn auth(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// With text on its standard input.
    pub(super) fn type_in(&self, arguments: &[&str], text: &str) -> Ended {
        feed(self.command(arguments), text)
    }

    /// What it printed. Panics unless it succeeds.
    pub(super) fn succeeds(&self, arguments: &[&str]) -> String {
        let ended = self.auth(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        ended.out.trim_end().to_owned()
    }

    pub(super) fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.succeeds(arguments)).unwrap()
    }
}

impl Ended {
    pub(super) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(super) fn feed(mut command: Command, text: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that ended without reading is no reason to fail here.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    Ended::of(child.wait_with_output().unwrap())
}

pub(super) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
