//! What can go wrong in the database, and what follows from it.

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("it exists already")]
    Conflict,
    /// What it belongs to has gone meanwhile, or something has come to belong to it.
    #[error("something else was made or deleted meanwhile")]
    Dangling,
    /// The database holds what keyturn never writes.
    #[error("unexpected content in {0}")]
    Corrupt(&'static str),
    /// Away, overloaded, full, damaged or closed to us: the same request may succeed later.
    #[error("the database is not available: {0}")]
    Unavailable(sqlx::Error),
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) if cause.is_unique_violation() => Self::Conflict,
            sqlx::Error::Database(cause) if cause.is_foreign_key_violation() => Self::Dangling,
            sqlx::Error::Database(cause) if is_transient(cause.code().as_deref()) => {
                Self::Unavailable(error)
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::BeginFailed
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error),
            _ => Self::Database(error),
        }
    }
}

/// `SQLite`: out of memory, busy, locked, read-only, I/O error, damaged, full, cannot open, lock
/// protocol, not a database.
const TRANSIENT_IN_SQLITE: [u32; 10] = [5, 6, 7, 8, 10, 11, 13, 14, 15, 26];

/// PostgreSQL: connection lost, read-only, login refused, no such database, no such schema, rolled
/// back by the server, no permission, no such table, out of resources, not in the right state,
/// ended by an operator or in recovery, system error, internal error.
const TRANSIENT_IN_POSTGRES: [&str; 13] =
    ["08", "25006", "28", "3D", "3F", "40", "42501", "42P01", "53", "55", "57", "58", "XX"];

fn is_transient(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    match sqlite_code(code) {
        Some(code) => TRANSIENT_IN_SQLITE.contains(&code),
        None => TRANSIENT_IN_POSTGRES.iter().any(|class| code.starts_with(class)),
    }
}

/// The primary result code. `None`: the code is one of PostgreSQL.
fn sqlite_code(code: &str) -> Option<u32> {
    code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|number| number & 0xff)
}

impl StoreError {
    /// Too much is asked of the database at once.
    pub fn too_busy() -> Self {
        Self::Unavailable(sqlx::Error::PoolTimedOut)
    }

    /// Whether the same request may succeed later.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Tells whether the same transaction may succeed at once: another one was in its way, or has
    /// deleted what it refers to.
    pub fn is_of_the_moment(&self) -> bool {
        match self {
            Self::Dangling => true,
            Self::Unavailable(sqlx::Error::Database(cause)) => {
                is_undone_for_another(cause.code().as_deref())
            }
            _ => false,
        }
    }

    /// Tells whether the database is well and refused the very values it was given: they would be
    /// refused forever.
    pub fn is_for_the_values(&self) -> bool {
        match self {
            Self::Conflict => true,
            Self::Database(sqlx::Error::Database(cause)) => {
                is_for_the_values(cause.code().as_deref().unwrap_or_default())
            }
            _ => false,
        }
    }
}

/// PostgreSQL: serialization failure, deadlock.
fn is_undone_for_another(code: Option<&str>) -> bool {
    matches!(code, Some("40001" | "40P01"))
}

/// `SQLite`: too big, a constraint, a wrong type. PostgreSQL: data exception, a constraint.
fn is_for_the_values(code: &str) -> bool {
    match sqlite_code(code) {
        Some(code) => matches!(code, 18..=20),
        None => ["22", "23", "54"].iter().any(|class| code.starts_with(class)),
    }
}

/// Tells whether the connection is as it was before a statement that failed so: the database
/// refused the statement, and nothing else happened.
pub(super) fn spares_the_connection(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(cause) = error else {
        return matches!(error, sqlx::Error::RowNotFound);
    };
    let code = cause.code();
    let code = code.as_deref().unwrap_or_default();
    // PostgreSQL: a deadline of the statement or of its lock has passed.
    is_for_the_values(code)
        || is_undone_for_another(Some(code))
        || matches!(code, "57014" | "55P03")
}

/// Tells whether other sessions with the PostgreSQL server are as bad as the one that failed so:
/// the server is gone, ends, or no longer takes writes.
pub(super) fn condemns_all_sessions(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(cause) => {
            let code = cause.code();
            let code = code.as_deref().unwrap_or_default();
            ["08", "25006", "57P"].iter().any(|class| code.starts_with(class))
        }
        _ => false,
    }
}
