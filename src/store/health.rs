//! What a database says of itself. Changes nothing.
//!
//! Much of it is each engine's own, so unlike elsewhere there are statements for one engine alone.

use std::net::IpAddr;

use sqlx::{
    AssertSqlSafe,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::{Store, StoreError, connection::Held, counters, moment_if_any};
use crate::clock::Timestamp;

statements! {
    NEWEST_EVENT = "
        select at from audit_events where number is not null order by number desc limit 1";

    OLDEST_EVENT = "
        select at from audit_events where number is not null order by number limit 1";

    NEWEST_MINUTE = "
        select max(minute) from usage";

    ACTIVE_KEYS = "
        select count(*),
            coalesce(sum(case when expires_at <= $2 then 1 else 0 end), 0),
            coalesce(sum(case when created_at < $3 and not exists (
                select 1 from api_key_secrets s
                where s.api_key_id = api_keys.id and s.last_used_minute >= $4)
                then 1 else 0 end), 0)
        from api_keys
        where revoked_at is null and disabled_at is null
            and (expires_at > $1 or expires_at is null)";
}

/// How much a table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSize {
    pub table: String,
    pub rows: i64,
    /// False for what the engine guessed when it last looked.
    pub is_counted: bool,
    /// With its indexes.
    pub bytes: i64,
}

/// `SQLite` knows neither without reading the table. `dbstat` is a table of its pages.
const SQLITE_TABLES: &str = "
    select m.tbl_name, sum(d.pgsize) from sqlite_master m
        join dbstat d on d.name = m.name and d.aggregate = true
    where m.tbl_name not like 'sqlite%' and m.tbl_name not like '\\_%' escape '\\'
    group by m.tbl_name order by m.tbl_name";

/// PostgreSQL keeps both at hand. A table that was never analyzed has -1 rows.
const POSTGRES_TABLES: &str = "
    select c.relname::text, c.reltuples::bigint, pg_total_relation_size(c.oid)
    from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
        and c.relname not like '\\_%'
    order by c.relname";

/// From here on PostgreSQL's guess is good enough.
const TOO_MANY_TO_COUNT: i64 = 100_000;

/// Every table. With `counted` no row is guessed, however long that takes.
pub async fn tables(store: &Store, counted: bool) -> Result<Vec<TableSize>, StoreError> {
    let found: Vec<(String, Option<i64>, i64)> = match store {
        Store::Sqlite { pool, session, .. } => {
            let mut held = Held::acquire(pool, session).await?;
            let (progress, connection) = held.parts();
            let rows: Vec<(String, i64)> =
                progress.run(sqlx::query_as(SQLITE_TABLES).fetch_all(connection)).await?;
            rows.into_iter().map(|(table, bytes)| (table, None, bytes)).collect()
        }
        Store::Postgres { pool, session, .. } => {
            let mut held = Held::acquire(pool, session).await?;
            let (progress, connection) = held.parts();
            let rows: Vec<(String, i64, i64)> =
                progress.run(sqlx::query_as(POSTGRES_TABLES).fetch_all(connection)).await?;
            let guess = |rows: i64| (!counted && rows >= TOO_MANY_TO_COUNT).then_some(rows);
            rows.into_iter().map(|(table, rows, bytes)| (table, guess(rows), bytes)).collect()
        }
    };
    let mut tables = Vec::new();
    for (table, guess, bytes) in found {
        let rows = match guess {
            Some(rows) => rows,
            None => count(store, &table).await?,
        };
        tables.push(TableSize { table, rows, is_counted: guess.is_none(), bytes });
    }
    Ok(tables)
}

/// The name is one that the engine gave.
async fn count(store: &Store, table: &str) -> Result<i64, StoreError> {
    let statement = AssertSqlSafe(format!("select count(*) from \"{table}\""));
    Ok(fetch_built!(store, |it| sqlx::query_scalar(statement).fetch_one(it))?)
}

/// What is wrong with the pages of an `SQLite` file, at most ten lines; empty: nothing. PostgreSQL
/// has no such statement.
pub async fn damage(store: &Store, thoroughly: bool) -> Result<Vec<String>, StoreError> {
    let Store::Sqlite { .. } = store else { return Ok(Vec::new()) };
    let check = if thoroughly { "pragma integrity_check(10)" } else { "pragma quick_check(10)" };
    let found: Vec<String> = fetch_built!(store, |it| sqlx::query_scalar(check).fetch_all(it))?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}

/// The version of the `SQLite` that is inside, as it says itself.
pub async fn sqlite_version(store: &Store) -> Result<Option<String>, StoreError> {
    const VERSION: &str = "select sqlite_version()";
    let Store::Sqlite { .. } = store else { return Ok(None) };
    Ok(Some(fetch_built!(store, |it| sqlx::query_scalar(VERSION).fetch_one(it))?))
}

/// What a PostgreSQL server says of itself and of what we may do there.
#[derive(Clone, Debug)]
pub struct PostgresServer {
    pub version: String,
    pub collation: String,
    /// For everybody but its superusers.
    pub max_connections: i64,
    pub clock: Option<Timestamp>,
    pub may_create_tables: bool,
    /// Tables that we may not read or not write.
    pub closed_tables: Vec<String>,
}

const POSTGRES_SERVER: &str = "
    select current_setting('server_version'), d.datcollate,
        current_setting('max_connections')::bigint
            - current_setting('superuser_reserved_connections')::bigint,
        extract(epoch from clock_timestamp())::bigint,
        coalesce(has_schema_privilege(current_schema(), 'create'), false)
    from pg_database d where d.datname = current_database()";

/// Any one of several privileges would satisfy a list of them.
const POSTGRES_CLOSED: &str = "
    select c.relname::text from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
        and not (has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
            and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete'))
    order by c.relname";

const POSTGRES_STANDBYS: &str =
    "select application_name, sync_state from pg_stat_replication order by application_name";

/// `None` on `SQLite`.
pub async fn postgres_server(store: &Store) -> Result<Option<PostgresServer>, StoreError> {
    let Store::Postgres { .. } = store else { return Ok(None) };
    let server: (String, String, i64, i64, bool) =
        fetch_built!(store, |it| sqlx::query_as(POSTGRES_SERVER).fetch_one(it))?;
    let (version, collation, max_connections, clock, may_create_tables) = server;
    Ok(Some(PostgresServer {
        version,
        collation,
        max_connections,
        clock: crate::clock::timestamp(clock),
        may_create_tables,
        closed_tables: fetch_built!(store, |it| sqlx::query_scalar(POSTGRES_CLOSED).fetch_all(it))?,
    }))
}

/// A standby that follows this PostgreSQL server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standby {
    pub name: String,
    /// Whether a commit waits for it; `None`: the server does not tell this user.
    pub is_synchronous: Option<bool>,
}

/// None on `SQLite`.
pub async fn standbys(store: &Store) -> Result<Vec<Standby>, StoreError> {
    let Store::Postgres { .. } = store else { return Ok(Vec::new()) };
    let rows: Vec<(Option<String>, Option<String>)> =
        fetch_built!(store, |it| sqlx::query_as(POSTGRES_STANDBYS).fetch_all(it))?;
    let standby = |(name, state): (Option<String>, Option<String>)| Standby {
        name: name.filter(|name| !name.is_empty()).unwrap_or_else(|| "without a name".to_owned()),
        is_synchronous: state.map(|state| ["sync", "quorum"].contains(&state.as_str())),
    };
    Ok(rows.into_iter().map(standby).collect())
}

/// The moments of the oldest and of the newest audit event.
pub async fn audit_span(
    store: &Store,
) -> Result<(Option<Timestamp>, Option<Timestamp>), StoreError> {
    let oldest: Option<(i64,)> = fetch_alone!(store, OLDEST_EVENT() => fetch_optional)?;
    let newest: Option<(i64,)> = fetch_alone!(store, NEWEST_EVENT() => fetch_optional)?;
    let read = |row: Option<(i64,)>| moment_if_any("audit_events.at", row.map(|(at,)| at));
    Ok((read(oldest)?, read(newest)?))
}

/// The last minute that something was counted in.
pub async fn newest_usage(store: &Store) -> Result<Option<Timestamp>, StoreError> {
    let (minute,): (Option<i64>,) = fetch_alone!(store, NEWEST_MINUTE() => fetch_one)?;
    moment_if_any("usage.minute", minute.map(|minute| minute.saturating_mul(60)))
}

/// Of the keys that can be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveKeys {
    pub all: i64,
    pub expiring: i64,
    pub unused: i64,
}

/// `expiring`: those that end by that moment. `unused`: those neither made nor used since then, as
/// far as is known: a use is remembered up to two hours too early.
pub async fn active_keys(
    store: &Store,
    now: Timestamp,
    expiring_by: Timestamp,
    unused_since: Timestamp,
) -> Result<ActiveKeys, StoreError> {
    let (by, since) = (expiring_by.timestamp(), unused_since.timestamp());
    let (all, expiring, unused): (i64, i64, i64) =
        fetch_alone!(store, ACTIVE_KEYS(now.timestamp(), by, since, since / 60) => fetch_one)?;
    Ok(ActiveKeys { all, expiring, unused })
}

/// The `sslmode` of a PostgreSQL database on another machine, unless the server has to prove who it
/// is.
pub fn weak_tls(store: &Store) -> Option<String> {
    let Store::Postgres { pool, .. } = store else { return None };
    weak_mode(&pool.connect_options())
}

fn weak_mode(options: &PgConnectOptions) -> Option<String> {
    let is_near = options.get_socket().is_some() || is_loopback(options.get_host());
    let mode = match options.get_ssl_mode() {
        PgSslMode::VerifyFull => return None,
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
    };
    (!is_near).then(|| mode.to_owned())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.starts_with('/') || host == "localhost" || address.is_ok_and(|it| it.is_loopback())
}

impl Store {
    /// Tells whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut tx = self.read().await?;
        counters::value(&mut tx, counters::CHANGES).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fx_24b_only_a_server_elsewhere_that_proves_nothing_has_weak_tls() {
        for (url, expected) in [
            ("postgres://u@127.0.0.1/d", None),
            ("postgres://u@localhost/d?sslmode=disable", None),
            ("postgres://u@[::1]/d", None),
            ("postgres://u@localhost/d?host=/run/postgresql", None),
            ("postgres://u@db.example.com/d?sslmode=verify-full", None),
            ("postgres://u@db.example.com/d", Some("prefer")),
            ("postgres://u@10.0.0.7/d?sslmode=require", Some("require")),
            ("postgres://u@10.0.0.7/d?sslmode=verify-ca", Some("verify-ca")),
        ] {
            let weak = weak_mode(&url.parse().unwrap());
            assert_eq!(weak.as_deref(), expected, "{url}");
        }
    }
}
