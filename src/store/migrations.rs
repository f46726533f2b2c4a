//! Brings a database to the schema this version needs. Migrations are only ever added, and each is
//! safe while the previous version still serves.

use sqlx::{
    Connection as _, SqlSafeStr as _, SqliteConnection,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{Store, StoreError};

/// The texts of one migration for both engines, from files of the same name.
macro_rules! migrations {
    ($($version:literal $name:literal),* $(,)?) => {
        const SQLITE: &[(i64, &str, &str)] =
            &[$(($version, $name, include_str!(concat!("../../migrations/sqlite/", $name, ".sql")))),*];
        const POSTGRES: &[(i64, &str, &str)] =
            &[$(($version, $name, include_str!(concat!("../../migrations/postgres/", $name, ".sql")))),*];
    };
}

migrations! {
    1 "0001_initial",
    2 "0002_owning_keys",
    3 "0003_outbox",
    4 "0004_token_service",
    6 "0006_tenancy",
    8 "0008_feed_epoch",
    9 "0009_usage_quarantine",
    10 "0010_resource_spellings",
    12 "0012_former_key_encryption_keys",
    14 "0014_jwt_type",
    16 "0016_secret_dies_by",
    18 "0018_refresh_holder",
}

/// How many migrations the database had, and has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    pub before: usize,
    pub after: usize,
}

const APPLIED: &str = "select version from _sqlx_migrations where success = true";

#[derive(Debug, thiserror::Error)]
pub enum MigrationFailed {
    #[error("the database was made by a newer keyturn: it has migration {0}, which this one lacks")]
    Newer(i64),
    #[error(
        "the database lacks migrations: run `keyturn migrate`, or set database.migrate_at_start"
    )]
    Pending,
    #[error("cannot read which migrations the database has: {0}")]
    Unreadable(StoreError),
    #[error(transparent)]
    Other(MigrateError),
}

impl From<MigrateError> for MigrationFailed {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Newer(version),
            other => Self::Other(other),
        }
    }
}

impl MigrationFailed {
    /// Whether the same may succeed later.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unreadable(error) if error.may_pass())
    }
}

fn migrator(texts: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migration = |&(version, name, text): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    Migrator::with_migrations(texts.iter().map(migration).collect())
}

impl Store {
    /// Applies what is missing: each migration in a transaction of its own, on `SQLite` all in one.
    /// The connection is closed afterwards: it is one without deadlines.
    pub async fn migrate(&self) -> Result<Migrated, MigrationFailed> {
        match self {
            Self::Sqlite { pool, writer, session } => {
                let _turn = writer.lock().await;
                let mut connection = pool.acquire().await.map_err(MigrateError::Execute)?;
                if !session.in_memory {
                    connection.close_on_drop();
                }
                migrate_sqlite(&mut connection).await
            }
            Self::Postgres { pool, .. } => {
                let mut connection = pool.acquire().await.map_err(MigrateError::Execute)?;
                connection.close_on_drop();
                let limitless = sqlx::raw_sql("set statement_timeout = 0; set lock_timeout = 0");
                limitless.execute(&mut *connection).await.map_err(MigrateError::Execute)?;
                let before = sqlx::query(APPLIED).fetch_all(&mut *connection).await;
                migrator(POSTGRES).run(&mut *connection).await?;
                Ok(Migrated { before: number(before)?, after: POSTGRES.len() })
            }
        }
    }

    /// Fails unless the database has exactly the migrations this version knows.
    pub async fn check_migrated(&self) -> Result<(), MigrationFailed> {
        const NEWEST: &str = "select max(version) from _sqlx_migrations where success = true";
        let applied: Result<(Option<i64>,), _> = fetch_alone!(self, NEWEST() => fetch_one);
        let newest = SQLITE.iter().map(|(version, ..)| *version).max();
        match applied {
            Ok((applied,)) if applied == newest => Ok(()),
            Ok((Some(applied),)) if Some(applied) > newest => Err(MigrationFailed::Newer(applied)),
            Ok(_) => Err(MigrationFailed::Pending),
            Err(error) if has_no_such_table(&error) => Err(MigrationFailed::Pending),
            Err(error) => Err(MigrationFailed::Unreadable(error.into())),
        }
    }
}

async fn migrate_sqlite(connection: &mut SqliteConnection) -> Result<Migrated, MigrationFailed> {
    // Another process may be migrating, for as long as that takes.
    let wait = sqlx::raw_sql("pragma busy_timeout = 60000").execute(&mut *connection).await;
    wait.map_err(MigrateError::Execute)?;
    // The migrator locks nothing there: another process that migrates has to wait before it looks
    // what is missing.
    let begun = connection.begin_with("begin immediate").await;
    let mut tx = begun.map_err(MigrateError::Execute)?;
    let before = number(sqlx::query(APPLIED).fetch_all(&mut *tx).await)?;
    migrator(SQLITE).run(&mut *tx).await?;
    tx.commit().await.map_err(MigrateError::Execute)?;
    Ok(Migrated { before, after: SQLITE.len() })
}

/// None where the table of migrations is not there yet.
fn number<T>(applied: sqlx::Result<Vec<T>>) -> Result<usize, MigrateError> {
    match applied {
        Ok(applied) => Ok(applied.len()),
        Err(error) if has_no_such_table(&error) => Ok(0),
        Err(error) => Err(MigrateError::Execute(error)),
    }
}

/// PostgreSQL has a code for it; `SQLite` has the general one for errors in a statement.
fn has_no_such_table(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(cause) = error else { return false };
    match cause.code().as_deref() {
        Some("42P01") => true,
        Some("1") => cause.message().starts_with("no such table"),
        _ => false,
    }
}
