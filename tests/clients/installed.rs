//! Where the libraries of others are installed: once for all runs, by their lock files, below
//! `target`.
#![expect(
    clippy::disallowed_methods,
    reason = "only the environment says whether they may be missing"
)]

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::{java, support::Place};

/// A language whose libraries speak to the server.
#[derive(Clone, Copy)]
pub(crate) enum Language {
    Go,
    Java,
    Node,
    Python,
}

/// A program, and the folder where its scripts and their libraries are.
pub(crate) struct Installed {
    language: Language,
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
}

/// Older ones lack the cryptography that the libraries ask for.
const OLDEST_NODE: u32 = 20;

impl Installed {
    /// Runs a script, which is an executable in Go and a class in Java.
    pub(crate) fn command(&self, place: &Place, script: &str) -> Command {
        let mut command = place.program(self.program.to_str().unwrap(), &[]);
        let path = self.folder.join(script);
        // Each of these runtimes has its own way to be told of a certificate authority.
        let authority = place.path().join("authority.pem");
        match self.language {
            Language::Go => command = place.program(path.to_str().unwrap(), &[]),
            Language::Java => {
                command.args(["-cp", &self.java_classes("nimbus")]);
                command.args(java::trusting(place, &authority)).arg(script);
            }
            Language::Node | Language::Python => drop(command.arg(path)),
        }
        for name in ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"] {
            command.env(name, &authority);
        }
        command
    }

    /// The class path of a Maven module.
    pub(crate) fn java_classes(&self, module: &str) -> String {
        let target = self.folder.join(module).join("target");
        format!("{0}/classes:{0}/libraries/*", target.display())
    }

    /// Builds a program of one Go file with the modules that are installed.
    pub(crate) fn build_go(&self, file: &Path, program: &Path) {
        go(&self.folder, program.to_str().unwrap(), file.to_str().unwrap()).unwrap();
    }
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Java => "java",
            Self::Node => "node",
            Self::Python => "python",
        }
    }

    /// `None`, which is said, where something is missing that it takes. CI wants it all.
    pub(crate) fn installed(self) -> Option<&'static Installed> {
        static ALL: [OnceLock<Result<Installed, String>>; 4] = [const { OnceLock::new() }; 4];
        match ALL[self as usize].get_or_init(|| self.install()) {
            Ok(installed) => Some(installed),
            Err(reason) => {
                let required = env::var("KEYTURN_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
                assert!(!required, "the {} clients are required: {reason}", self.name());
                let name = self.name();
                let _ = writeln!(io::stderr(), "The {name} clients are skipped: {reason}");
                None
            }
        }
    }

    fn install(self) -> Result<Installed, String> {
        let folder = self.copied()?;
        let program = match self {
            // It knows by itself what it has built.
            Self::Go => go(&folder, "clients", ".").map(|()| "go".into())?,
            Self::Java => {
                java::is_new_enough()?;
                once(&folder, &java::sources(&folder), java::build)?;
                "java".into()
            }
            Self::Node => {
                let node = which_node()?;
                once(&folder, &fs::read(folder.join("package-lock.json")).unwrap(), npm)?;
                node
            }
            Self::Python => {
                once(&folder, &fs::read(folder.join("requirements.txt")).unwrap(), pip)?;
                folder.join("venv/bin/python")
            }
        };
        Ok(Installed { language: self, program, folder })
    }

    /// A folder below `target` with our scripts as they are now.
    fn copied(self) -> Result<PathBuf, String> {
        let ours = Path::new("tests/clients").join(self.name());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(self.name());
        copy(&ours, &folder).map_err(|error| error.to_string())?;
        Ok(folder)
    }
}

/// Copies what is in a folder, without deleting what else is there.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copied = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &copied)?;
        } else {
            fs::copy(entry.path(), copied)?;
        }
    }
    Ok(())
}

/// Installs anew where what says what to install is not what it was.
fn once(
    folder: &Path,
    wanted: &[u8],
    install: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<(), String> {
    let done = folder.join("done");
    if fs::read(&done).is_ok_and(|had| had == wanted) {
        return Ok(());
    }
    install(folder)?;
    fs::write(done, wanted).map_err(|error| error.to_string())
}

fn which_node() -> Result<PathBuf, String> {
    let version = run(Command::new("node").arg("--version"))?;
    let major = version.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    match major.parse::<u32>() {
        Ok(major) if major >= OLDEST_NODE => Ok("node".into()),
        _ => {
            Err(format!("node is {}, and {OLDEST_NODE} is the oldest that will do", version.trim()))
        }
    }
}

fn npm(folder: &Path) -> Result<(), String> {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
    run(&mut npm).map(drop)
}

fn pip(folder: &Path) -> Result<(), String> {
    run(Command::new("python3").args(["-m", "venv", "--clear", "venv"]).current_dir(folder))?;
    let mut pip = Command::new(folder.join("venv/bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--require-hashes"]);
    run(pip.args(["--requirement", "requirements.txt"]).current_dir(folder)).map(drop)
}

/// Builds a program of the module in this folder. The modules are kept beside it; no other version
/// of Go than the one that is there is fetched.
fn go(folder: &Path, program: &str, package: &str) -> Result<(), String> {
    let mut go = Command::new("go");
    go.env("GOFLAGS", "-mod=readonly -modcacherw").env("GOTOOLCHAIN", "local");
    go.env("GOMODCACHE", folder.with_file_name("go-modules"));
    run(go.args(["build", "-o", program, package]).current_dir(folder)).map(drop)
}

/// What it printed, or what it complained of.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{command:?}: {}{}", text(&output.stdout), text(&output.stderr)))
}
