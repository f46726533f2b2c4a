//! Watches that the database is still the one that was opened, and takes writes.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::PgConnection;

use super::error::condemns_all_sessions;

#[derive(Debug)]
pub(super) struct Watch {
    began: Instant,
    /// Sessions that were opened earlier are not used again: milliseconds since `began`.
    condemned_before: AtomicU64,
    /// The file of an `SQLite` database.
    file: Option<File>,
    /// Whether that file was deleted or replaced.
    is_replaced: AtomicBool,
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    /// What it was when it was opened.
    opened: OnceLock<Identity>,
    /// `-wal` and `-shm`, which SQLite makes and deletes beside it: what they were at the last look.
    beside: [Beside; 2],
}

#[derive(Debug)]
struct Beside {
    path: PathBuf,
    seen: Mutex<Option<Identity>>,
}

/// Device and inode.
type Identity = (u64, u64);

impl File {
    fn new(path: PathBuf) -> Self {
        let beside = ["-wal", "-shm"].map(|end| {
            let mut name = path.clone().into_os_string();
            name.push(end);
            Beside { path: name.into(), seen: Mutex::default() }
        });
        Self { path, opened: OnceLock::new(), beside }
    }

    fn is_same(&self) -> bool {
        let found = identity(&self.path);
        let is_opened = match (self.opened.get(), found) {
            (None, Some(found)) => *self.opened.get_or_init(|| found) == found,
            (None, None) => true,
            (Some(opened), found) => found == Some(*opened),
        };
        is_opened && self.beside.iter().all(Beside::is_same)
    }
}

impl Beside {
    /// False where this process has a file open that is no longer there: what is written to it would
    /// be lost.
    fn is_same(&self) -> bool {
        let found = identity(&self.path);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match *seen {
            Some(before) if found != Some(before) && is_open(before) => false,
            _ => {
                *seen = found;
                true
            }
        }
    }
}

fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Whether this process has a file open, wherever that is now.
fn is_open(file: Identity) -> bool {
    let open = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    open.into_iter().any(|open| identity(&open.path()) == Some(file))
}

/// A write-ahead log above this size is emptied: one long reader makes it large.
const LONG_LOG: u64 = 16 << 20;

/// Whether this session can only read: its server is a standby, or was told so. And whether it has
/// the settings that we asked for.
const SESSION: &str =
    "select pg_is_in_recovery() or current_setting('transaction_read_only')::bool,
    current_setting('statement_timeout') <> '0'";

impl Watch {
    /// Of a file where the database is one.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self {
            began: Instant::now(),
            condemned_before: AtomicU64::new(0),
            file: path.map(File::new),
            is_replaced: AtomicBool::new(false),
        }
    }

    /// Fails where the file of the database is no longer the one that was opened.
    pub(super) fn check_file(&self) -> sqlx::Result<()> {
        if self.is_replaced.load(Ordering::Acquire) {
            let why = "its file was deleted or replaced while the server ran: restart the server";
            return Err(sqlx::Error::Io(io::Error::other(why)));
        }
        Ok(())
    }

    /// Compares the file with the one that was opened; the first time it is noted.
    pub(super) fn look_at_file(&self) -> sqlx::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let same = file.is_same();
        let was_replaced = self.is_replaced.swap(!same, Ordering::AcqRel);
        let path = file.path.display();
        if !same && !was_replaced {
            tracing::error!(%path, "the database file, or its -wal or -shm, was deleted or replaced: serving stops");
        } else if same && was_replaced {
            tracing::info!(%path, "the database file is the one that was opened again");
        }
        self.check_file()
    }

    /// What a statement that failed says about the other sessions.
    pub(super) fn saw(&self, error: &sqlx::Error) {
        if condemns_all_sessions(error) {
            self.condemn_sessions();
        }
    }

    fn condemn_sessions(&self) {
        let now = self.uptime();
        self.condemned_before.fetch_max(now, Ordering::AcqRel);
    }

    /// Tells whether a session of this age may be used.
    pub(super) fn trusts(&self, age: Duration) -> bool {
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        self.uptime().saturating_sub(age) >= self.condemned_before.load(Ordering::Acquire)
    }

    fn uptime(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Fails for a session that can only read: what it reads may be old, and what it is told is lost.
/// Fails as well for one without deadlines, which a pooler gives to us and others in turn.
pub(super) async fn check_session(connection: &mut PgConnection) -> sqlx::Result<()> {
    let (is_read_only, is_ours): (bool, bool) =
        sqlx::query_as(SESSION).persistent(false).fetch_one(connection).await?;
    let why = match (is_read_only, is_ours) {
        (true, _) => "the server is read-only: a standby, or a primary that was replaced",
        (_, false) => {
            "the settings of the session were dropped on the way, as by a pooler such as \
             PgBouncer: let database.url lead to PostgreSQL itself"
        }
        (false, true) => return Ok(()),
    };
    Err(sqlx::Error::Io(io::Error::other(why)))
}

impl Watch {
    pub(super) fn log_is_long(&self) -> bool {
        let Some(file) = &self.file else { return false };
        let [log, _] = &file.beside;
        fs::metadata(&log.path).is_ok_and(|log| log.len() > LONG_LOG)
    }
}
