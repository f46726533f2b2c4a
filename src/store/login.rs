//! Another password for the same database: connections that are made from now on use it.

use sqlx::postgres::PgConnectOptions;

use super::{Store, StoreError, open::postgres_options};

/// Says nothing of the URL, which holds a password.
#[derive(Debug, thiserror::Error)]
pub enum NotAdopted {
    #[error("database.url names another database now, which counts from the next start")]
    OtherDatabase,
    #[error("database.url cannot be read")]
    Malformed(#[source] StoreError),
}

impl Store {
    /// Goes by the user and the password of this URL, where it names the database that is open.
    /// On `SQLite` there is nothing to log in to.
    pub fn log_in_by(&self, url: &str) -> Result<(), NotAdopted> {
        let Self::Postgres { pool, .. } = self else { return Ok(()) };
        let malformed = |error: sqlx::Error| NotAdopted::Malformed(error.into());
        let now = pool.connect_options();
        let new = postgres_options(url).map_err(malformed)?;
        let place = |of: &PgConnectOptions| {
            (of.get_host().to_owned(), of.get_port(), of.get_socket().cloned())
        };
        // A URL without a database means the one that is called like its user.
        let database = |of: &PgConnectOptions| {
            of.get_database().unwrap_or_else(|| of.get_username()).to_owned()
        };
        if place(&now) != place(&new) || database(&now) != database(&new) {
            return Err(NotAdopted::OtherDatabase);
        }
        let name = now.get_application_name().unwrap_or("keyturn").to_owned();
        let mut new = new.application_name(&name);
        let said = new.get_options().unwrap_or_default().to_owned();
        // What we ask of each session, written `-c name=value`.
        for asked in now.get_options().unwrap_or_default().split("-c ").map(str::trim) {
            if let Some(option) = asked.split_once('=').filter(|_| !said.contains(asked)) {
                new = new.options([option]);
            }
        }
        pool.set_connect_options(new);
        Ok(())
    }
}
