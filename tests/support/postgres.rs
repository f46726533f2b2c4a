//! A PostgreSQL server for tests: the one `TEST_POSTGRES_URL` names, else a private one.
//!
//! Include it with `#[path = "../support/postgres.rs"] mod postgres;`.
#![expect(clippy::disallowed_methods, reason = "a test suite has no settings but these variables")]

use std::{
    env, fs,
    io::Write as _,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use keyturn::random::Random;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// Nothing here needs to survive a crash, and every test opens a pool of its own.
const SETTINGS: &str = "
listen_addresses = ''
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
max_connections = 300
";

/// Waits until the test process has gone, however it went, then tidies up after it.
/// Arguments: `pg_ctl`, the folder that holds everything.
const WATCHDOG: &str = r#"read -r _; "$1" stop --mode=immediate -D "$2/data"; rm -rf "$2""#;

/// The server all tests of this process share, or `None` after saying why there is none.
///
/// Panics instead of answering `None` where `KEYTURN_REQUIRE_POSTGRES=1`.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        let found = match env::var("TEST_POSTGRES_URL") {
            Ok(url) if !url.is_empty() => Ok(Server { url, _watchdog: None }),
            _ => Server::start(),
        };
        required_or_skipped(found)
    });
    server.as_ref()
}

/// What is there, or `None` after saying why not. Panics where it is required.
pub(crate) fn required_or_skipped<T>(found: Result<T, String>) -> Option<T> {
    let reason = match found {
        Ok(found) => return Some(found),
        Err(reason) => reason,
    };
    let required = env::var("KEYTURN_REQUIRE_POSTGRES").is_ok_and(|value| value == "1");
    assert!(!required, "PostgreSQL is required: {reason}");
    // Written to the stream itself: what `eprintln!` prints, a passing test keeps to itself.
    let _ = writeln!(std::io::stderr(), "PostgreSQL tests are skipped: {reason}");
    None
}

pub(crate) struct Server {
    /// Of a database that every cluster has.
    url: String,
    /// Its standard input closes when this process ends: statics are not dropped, files are closed.
    _watchdog: Option<Child>,
}

impl Server {
    /// The URL of a new, empty database with the collation that production uses.
    ///
    /// It goes away with a private server; on a server you named it stays.
    pub(crate) async fn database(&self) -> String {
        let name = format!("keyturn_test_{}", Random::System.base62(16).to_lowercase());
        let statement = format!(
            "create database {name} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'"
        );
        let mut connection =
            PgConnection::connect(&self.url).await.expect("the PostgreSQL server answers");
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .expect("the PostgreSQL user of the tests may create databases");
        connection.close().await.expect("the PostgreSQL server lets go");
        with_database(&self.url, &name)
    }

    /// Starts a cluster in a temporary folder that only its own user can reach, so it needs
    /// neither a port nor a password.
    fn start() -> Result<Self, String> {
        let programs = programs().ok_or("no PostgreSQL server is installed")?;
        let user = unprivileged_user()?;
        let folder = folder(user)?;
        let data = folder.join("data");
        let pg_ctl = programs.join("pg_ctl");

        // From here on everything goes away with us, also what a later step leaves half done.
        let watchdog = command(Path::new("sh"), &folder, user)
            .args(["-c", WATCHDOG, "sh"])
            .args([&pg_ctl, &folder])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A Ctrl-C at the terminal is for the tests, not for who sweeps up after them.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("sh: {error}"))?;

        run(command(&programs.join("initdb"), &folder, user)
            .args(["--username=keyturn", "--auth=trust", "--locale=C", "--encoding=UTF8"])
            .args(["--no-sync", "--no-instructions", "-D"])
            .arg(&data))?;
        let settings = format!("{SETTINGS}unix_socket_directories = '{}'\n", folder.display());
        // This file is read last, so it overrides what `initdb` chose.
        fs::write(data.join("postgresql.auto.conf"), settings)
            .map_err(|error| error.to_string())?;
        run(command(&pg_ctl, &folder, user)
            .args(["start", "--wait", "--silent", "-D"])
            .arg(&data)
            .arg("-l")
            .arg(folder.join("log")))?;

        let url = format!("postgres://keyturn@localhost/postgres?host={}", folder.display());
        Ok(Self { url, _watchdog: Some(watchdog) })
    }
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, options) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = address.split_once("://").expect("TEST_POSTGRES_URL has a scheme");
    let authority = rest.split('/').next().unwrap_or_default();
    let separator = if options.is_empty() { "" } else { "?" };
    format!("{scheme}://{authority}/{name}{separator}{options}")
}

/// The folder of the server's programs. Debian keeps them off the path, one folder a version.
pub(crate) fn programs() -> Option<PathBuf> {
    let on_path = env::var("PATH").unwrap_or_default();
    let asked = Command::new("pg_config").arg("--bindir").output().ok();
    let asked = asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let mut packaged: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    packaged.sort();
    env::split_paths(&on_path)
        .chain(packaged.into_iter().rev())
        .chain(asked.map(PathBuf::from))
        // A link to `initdb` does not find its neighbours: ask where the program really is.
        .filter_map(|folder| fs::canonicalize(folder.join("initdb")).ok())
        .filter_map(|initdb| Some(initdb.parent()?.to_owned()))
        .find(|folder| ["pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file()))
}

/// PostgreSQL refuses to run as root, so root (in a container) lends it another user.
/// `None` where we are not root.
pub(crate) fn unprivileged_user() -> Result<Option<(u32, u32)>, String> {
    if id(&["-u"]) != Some(0) {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)))
        .map(Some)
        .ok_or_else(|| "root has no user `postgres` or `nobody` to run it as".to_owned())
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// A new private folder that belongs to the user the server runs as.
pub(crate) fn folder(user: Option<(u32, u32)>) -> Result<PathBuf, String> {
    let folder = tempfile::Builder::new().prefix("keyturn-pg-").tempdir();
    let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?.keep();
    user.map_or(Ok(()), |(uid, gid)| chown(&folder, Some(uid), Some(gid)))
        .map_err(|error| format!("{} cannot be handed over: {error}", folder.display()))?;
    Ok(folder)
}

/// A command run as `user`, in a folder that user can read.
pub(crate) fn command(program: &Path, folder: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name} failed ({}):\n{said}", output.status))
}
