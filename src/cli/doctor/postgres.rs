//! A database on a PostgreSQL server: whether it is set up as keyturn needs it.

use super::{DATABASE, report::Report};
use crate::{
    config::Config,
    store::{
        Store, StoreError,
        health::{self, PostgresServer, Standby},
    },
};

/// Tells whether the tables can be read.
pub(super) async fn check(
    store: &Store,
    config: &Config,
    report: &mut Report,
) -> Result<bool, StoreError> {
    let Some(server) = health::postgres_server(store).await? else { return Ok(true) };
    let PostgresServer { version, collation, max_connections, closed_tables, .. } = server;
    report.ok(DATABASE, format!("PostgreSQL {version} answers"));
    check_encryption(store, report);
    check_standbys(&health::standbys(store).await?, report);
    if !["C", "POSIX", "C.UTF-8", "C.utf8"].contains(&collation.as_str()) {
        report.warning(
            "collation",
            format!(
                "is {collation}: names are sorted as in no other installation; make a database \
                 with lc_collate 'C' from template0 and move the tables there"
            ),
        );
    }
    let ours = i64::from(config.database.connections.get());
    if ours > max_connections {
        report.warning(
            "connections",
            format!(
                "database.connections is {ours}, and the server lets {max_connections} in, for all \
                 nodes together: lower the one or raise max_connections"
            ),
        );
    } else {
        report.ok("connections", format!("{ours} of {max_connections} for each node"));
    }
    if config.database.migrate_at_start && !server.may_create_tables {
        report.warning(
            "privileges",
            "this user may not create tables: the next version cannot bring them up to date; grant \
             create on the schema, or set database.migrate_at_start to false and run `keyturn \
             migrate` as another user",
        );
    }
    if let Some(first) = closed_tables.first() {
        report.failed(
            "privileges",
            format!(
                "this user lacks select, insert, update or delete on {first} and {} others: grant \
                 them",
                closed_tables.len() - 1
            ),
        );
        return Ok(false);
    }
    Ok(true)
}

/// Whether a revoke that was acknowledged survives the loss of the primary.
fn check_standbys(standbys: &[Standby], report: &mut Report) {
    const STANDBYS: &str = "standbys";
    let names = || standbys.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ");
    if standbys.is_empty() {
        return;
    }
    if standbys.iter().any(|it| it.is_synchronous == Some(true)) {
        report.ok(STANDBYS, "a commit waits for a standby");
    } else if standbys.iter().any(|it| it.is_synchronous.is_none()) {
        report.warning(
            STANDBYS,
            "this user may not see whether a commit waits for a standby: grant it pg_read_all_stats",
        );
    } else {
        report.warning(
            STANDBYS,
            format!(
                "no commit waits for a standby ({}): when the primary is lost, so is a revoke that \
                 was acknowledged a moment before; set synchronous_standby_names",
                names()
            ),
        );
    }
}

/// Whether another machine could pose as the server, or read what goes there.
fn check_encryption(store: &Store, report: &mut Report) {
    const TLS: &str = "database TLS";
    match health::weak_tls(store) {
        None => report.ok(TLS, "the server is on this machine, or proves who it is"),
        Some(mode) => report.warning(
            TLS,
            format!(
                "the server is on another machine and sslmode is {mode}: anyone in between can \
                 read and change everything; add `?sslmode=verify-full&sslrootcert=FILE` to \
                 database.url"
            ),
        ),
    }
}
