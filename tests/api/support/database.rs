//! The database of a test server: where it is, and what an operator does to it.

use std::{str::FromStr as _, sync::Arc};

use keyturn::{
    domain::RefusalRecord,
    ledger::Fold,
    random::Random,
    store::{self, Store},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, postgres::PgConnectOptions};
use tempfile::TempDir;

use super::{Answer, TestServer, postgres};

/// Where a second process would find the database.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) engine: &'static str,
    pub(super) url: String,
    /// Goes away with the last node on it.
    _folder: Option<Arc<TempDir>>,
}

impl Place {
    pub(super) fn memory() -> Self {
        Self { engine: "sqlite", url: "sqlite::memory:".to_owned(), _folder: None }
    }

    pub(super) fn file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("keyturn.db").display());
        Self { engine: "sqlite", url, _folder: Some(Arc::new(folder)) }
    }

    /// The same by another way.
    pub(super) fn at(self, url: String) -> Self {
        Self { url, ..self }
    }

    /// A new database, where there is a server for it.
    pub(super) async fn postgres() -> Option<Self> {
        let url = postgres::server()?.database().await;
        Some(Self { engine: "postgres", url, _folder: None })
    }
}

/// A copy of a database: its file, or its name.
pub(crate) struct Copy(String);

impl TestServer {
    /// Runs statements in the database, as somebody with a shell beside it could.
    pub(crate) async fn sql(&self, statements: &str) {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        match &self.app.store {
            Store::Sqlite { pool, .. } => drop(statements.execute(pool).await.unwrap()),
            Store::Postgres { pool, .. } => drop(statements.execute(pool).await.unwrap()),
        }
    }

    /// How many rows a table has.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        let query = AssertSqlSafe(format!("select count(*) from {table}"));
        match &self.app.store {
            Store::Sqlite { pool, .. } => sqlx::query_scalar(query).fetch_one(pool).await.unwrap(),
            Store::Postgres { pool, .. } => {
                sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
            }
        }
    }

    /// A copy of the database as it is now, for [`Self::restore`].
    pub(crate) async fn copy(&self) -> Copy {
        let name = Random::System.base62(16).to_lowercase();
        match &self.app.store {
            Store::Sqlite { .. } => {
                let file = format!("{}.{name}", self.place.url.trim_start_matches("sqlite:"));
                self.sql(&format!("vacuum into '{file}'")).await;
                Copy(file)
            }
            Store::Postgres { .. } => {
                let copy = format!("keyturn_copy_{name}");
                self.without_sessions(|it| format!("create database {copy} template {it}")).await;
                Copy(copy)
            }
        }
    }

    /// Puts the copy in the place of the database, under whatever runs on it.
    pub(crate) async fn restore(&self, Copy(copy): Copy) {
        let Store::Sqlite { .. } = &self.app.store else {
            self.without_sessions(|it| format!("alter database {it} rename to {it}_lost")).await;
            self.without_sessions(|it| format!("alter database {copy} rename to {it}")).await;
            return;
        };
        let tables = tables(&self.app.store).await;
        let each = |statement: fn(&String) -> String| {
            tables.iter().map(statement).collect::<Vec<_>>().join(";")
        };
        let (gone, back) = (
            each(|table| format!("delete from {table}")),
            each(|table| format!("insert into {table} select * from copy.{table}")),
        );
        self.sql(&format!(
            "attach '{copy}' as copy; begin immediate; pragma defer_foreign_keys = on; {gone}; \
             {back}; commit; detach copy"
        ))
        .await;
    }

    /// Ends every session, and runs a statement about the database by its name.
    async fn without_sessions(&self, statement: impl Fn(&str) -> String) {
        let here = PgConnectOptions::from_str(&self.place.url).unwrap();
        let name = here.get_database().unwrap().to_owned();
        let mut beside = PgConnection::connect_with(&here.database("postgres")).await.unwrap();
        let end = format!(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '{name}'"
        );
        for statement in [end, statement(&name)] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut beside).await.unwrap();
        }
    }

    /// A transaction of another program that lets nobody read the table until it is dropped.
    pub(crate) async fn lock_the_table(&self, table: &str) -> PgConnection {
        let mut holder = PgConnection::connect(&self.place.url).await.unwrap();
        let lock = format!("begin; lock table {table} in access exclusive mode");
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut holder).await.unwrap();
        holder
    }

    /// From here on this node finds no database.
    pub(crate) async fn lose_the_database(&self) {
        match &self.app.store {
            Store::Sqlite { pool, .. } => pool.close().await,
            Store::Postgres { pool, .. } => pool.close().await,
        }
    }

    /// Ends the ledger, and waits until all that was used and refused can be looked up.
    pub(crate) async fn settle(&self) {
        self.app.ledger.close().await;
        let mut fold = Fold::new(self.app.store.clone(), self.app.clock.clone());
        fold.fold_all().await.unwrap();
    }

    /// Why a request was refused, as an operator looks it up by the id its caller was given.
    pub(crate) async fn refusal(&self, answer: &Answer) -> Option<RefusalRecord> {
        let id = answer.header("x-request-id").parse().unwrap();
        let mut tx = self.app.store.read().await.unwrap();
        store::refusals::find(&mut tx, id).await.unwrap()
    }

    /// All that the database holds, as text in lower case; bytes as hexadecimal digits.
    pub(crate) async fn dump(&self) -> String {
        let mut all = String::new();
        for table in tables(&self.app.store).await {
            let rows: Vec<String> = match &self.app.store {
                Store::Sqlite { pool, .. } => {
                    let columns = "select group_concat('quote(' || name || ')', '|| '' '' ||')";
                    let columns = format!("{columns} from pragma_table_info('{table}')");
                    let columns: String =
                        sqlx::query_scalar(AssertSqlSafe(columns)).fetch_one(pool).await.unwrap();
                    let rows = format!("select {columns} from {table}");
                    sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(pool).await.unwrap()
                }
                Store::Postgres { pool, .. } => {
                    let rows = format!("select {table}::text from {table}");
                    sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(pool).await.unwrap()
                }
            };
            all += &rows.join("\n").to_lowercase();
        }
        all
    }
}

async fn tables(store: &Store) -> Vec<String> {
    match store {
        Store::Sqlite { pool, .. } => {
            let tables = "select name from sqlite_master where type = 'table'";
            sqlx::query_scalar(tables).fetch_all(pool).await.unwrap()
        }
        Store::Postgres { pool, .. } => {
            let tables = "select tablename::text from pg_tables where schemaname = 'public'";
            sqlx::query_scalar(tables).fetch_all(pool).await.unwrap()
        }
    }
}
