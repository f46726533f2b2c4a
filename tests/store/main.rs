//! The store on every engine: the same statements, the same schema, the same behaviour.
#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a test may panic")]

mod audit;
mod connections;
mod deleted;
mod families;
mod feed;
mod journal;
mod keys;
mod lists;
mod migrations;
mod once;
mod outbox;
mod people;
mod records;
mod reminders;
mod retention;
mod schema;
mod statements;
mod trail;
mod versions;
mod webhooks;

#[path = "../support/postgres.rs"]
mod postgres;

use keyturn::{
    clock::{self, Timestamp},
    domain::{Organization, OrganizationId, Version},
    random::Random,
    store::{self, Options, Store},
};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;

/// A store, and the engine's name for the message of an assertion.
struct Engine {
    store: Store,
    name: &'static str,
    url: String,
    /// Goes away with the store.
    _folder: Option<TempDir>,
}

/// A new database on each engine, without any table.
async fn empty_engines() -> Vec<Engine> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", folder.path().join("keyturn.db").display());
    let mut engines = vec![Engine::open("sqlite", sqlite, Some(folder)).await];
    if let Some(server) = postgres::server() {
        engines.push(Engine::open("postgres", server.database().await, None).await);
    }
    engines
}

/// A new database on each engine.
async fn engines() -> Vec<Engine> {
    let engines = empty_engines().await;
    for engine in &engines {
        engine.store.migrate().await.unwrap();
    }
    engines
}

impl Engine {
    async fn open(name: &'static str, url: String, folder: Option<TempDir>) -> Self {
        let store = Store::open(&url, Options::default()).await.unwrap();
        Self { store, name, url, _folder: folder }
    }

    /// What another process would have open.
    async fn other_store(&self) -> Store {
        Store::open(&self.url, Options::default()).await.unwrap()
    }

    async fn sql(&self, statement: &str) {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        match &self.store {
            Store::Sqlite { pool, .. } => drop(statement.execute(pool).await.unwrap()),
            Store::Postgres { pool, .. } => drop(statement.execute(pool).await.unwrap()),
        }
    }

    /// The first column of each row, which is text.
    async fn texts(&self, query: &str) -> Vec<String> {
        let query = AssertSqlSafe(query.to_owned());
        match &self.store {
            Store::Sqlite { pool, .. } => sqlx::query_scalar(query).fetch_all(pool).await.unwrap(),
            Store::Postgres { pool, .. } => {
                sqlx::query_scalar(query).fetch_all(pool).await.unwrap()
            }
        }
    }

    /// An organization to hang other rows on.
    async fn organization(&self) -> Organization {
        let organization = organization("acme", None);
        let mut tx = self.store.write().await.unwrap();
        store::organizations::insert(&mut tx, &organization).await.unwrap();
        tx.commit(now()).await.unwrap();
        organization
    }
}

fn now() -> Timestamp {
    clock::timestamp(1_800_000_000).unwrap()
}

fn id() -> uuid::Uuid {
    Random::System.id(now())
}

fn organization(name: &str, parent_id: Option<OrganizationId>) -> Organization {
    Organization {
        id: OrganizationId(id()),
        parent_id,
        name: name.parse().unwrap(),
        created_at: now(),
        disabled_at: None,
        version: Version::FIRST,
    }
}
