//! Brings a database to the schema this version needs. Migrations are only ever added, and each is
//! safe while the previous version still serves.

use sqlx::{
    SqlSafeStr as _,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::Store;

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
    10 "0010_resource_spellings",
    14 "0014_jwt_type",
}

#[derive(Debug, thiserror::Error)]
pub enum MigrationFailed {
    #[error("the database was made by a newer keyturn: it has migration {0}, which this one lacks")]
    Newer(i64),
    #[error(
        "the database lacks migrations: run `keyturn migrate`, or set database.migrate_at_start"
    )]
    Pending,
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

fn migrator(texts: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migration = |&(version, name, text): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    Migrator::with_migrations(texts.iter().map(migration).collect())
}

impl Store {
    /// Applies what is missing: each migration in a transaction of its own, on `SQLite` all in one.
    pub async fn migrate(&self) -> Result<(), MigrationFailed> {
        match self {
            Self::Sqlite { pool, writer } => {
                let _turn = writer.lock().await;
                // The migrator locks nothing there: another process that migrates has to wait
                // before it looks what is missing.
                let begun = pool.begin_with("begin immediate").await;
                let mut tx = begun.map_err(MigrateError::Execute)?;
                migrator(SQLITE).run(&mut *tx).await?;
                Ok(tx.commit().await.map_err(MigrateError::Execute)?)
            }
            Self::Postgres(pool) => Ok(migrator(POSTGRES).run(pool).await?),
        }
    }

    /// Fails unless the database has exactly the migrations this version knows.
    pub async fn check_migrated(&self) -> Result<(), MigrationFailed> {
        const APPLIED: &str = "select max(version) from _sqlx_migrations where success = true";
        let applied: Result<(Option<i64>,), _> = fetch_alone!(self, APPLIED() => fetch_one);
        let newest = SQLITE.iter().map(|(version, ..)| *version).max();
        match applied {
            Ok((applied,)) if applied == newest => Ok(()),
            Ok((Some(applied),)) if Some(applied) > newest => Err(MigrationFailed::Newer(applied)),
            Ok(_) | Err(sqlx::Error::Database(_)) => Err(MigrationFailed::Pending),
            Err(error) => Err(MigrationFailed::Other(error.into())),
        }
    }
}
