//! What `keyturn doctor` says beside a running server, without one, and where things are broken.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

use super::{
    postgres,
    support::{Key, Place, Server, below, free_port},
};

/// What it said.
#[derive(Debug)]
struct Said {
    succeeded: bool,
    checks: Vec<Value>,
    tables: Vec<Value>,
}

impl Said {
    /// Panics unless it answers as it should, however broken things are.
    fn of(place: &Place, arguments: &[&str]) -> Self {
        let output = place.run(&[&["doctor", "--json"], arguments].concat());
        let complaint = String::from_utf8(output.stderr).unwrap();
        let code = output.status.code();
        assert!(code == Some(0) || code == Some(1), "{code:?}: {complaint}");
        assert!(!complaint.contains("panicked"), "{complaint}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let list = |name: &str| report[name].as_array().unwrap().clone();
        let said =
            Self { succeeded: code == Some(0), checks: list("checks"), tables: list("tables") };
        assert_eq!(said.succeeded, said.with("failed").is_empty(), "{said:?}");
        said
    }

    /// `what: detail` of every check that ended like this. How full the disks of this machine are
    /// is not ours to say.
    fn with(&self, health: &str) -> Vec<String> {
        let is_disk = |check: &&Value| check["what"].as_str().unwrap().starts_with("disk");
        let checks = self.checks.iter().filter(|check| check["health"] == health);
        let text = |check: &Value| {
            let part = |name: &str| check[name].as_str().unwrap().to_owned();
            format!("{}: {}", part("what"), part("detail"))
        };
        checks.filter(|check| !is_disk(check)).map(text).collect()
    }

    /// The only check that failed.
    fn failure(&self) -> &str {
        let failed: Vec<_> = self.checks.iter().filter(|it| it["health"] == "failed").collect();
        let [failure] = &failed[..] else { panic!("not one failure: {self:?}") };
        failure["detail"].as_str().unwrap()
    }

    fn table(&self, name: &str) -> &Value {
        self.tables.iter().find(|table| table["table"] == name).unwrap()
    }
}

/// A place with a key whose server answers where its issuer says.
fn set_up(settings: &[(&str, &str)]) -> (Place, Key, u16) {
    let port = free_port();
    let issuer = format!("http://127.0.0.1:{port}");
    let (place, key) = Place::with_key_and(&[&[("ISSUER", issuer.as_str())], settings].concat());
    (place, key, port)
}

/// A place that a server has run in.
fn used() -> Place {
    let (place, _, port) = set_up(&[]);
    place.serve_on(port).stop();
    place
}

fn database(place: &Place) -> PathBuf {
    place.path().join("keyturn.db")
}

/// Does what somebody could do who is not keyturn.
async fn sql(place: &Place, statement: &str) {
    let url = format!("sqlite:{}", database(place).display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The database file with all that was written.
async fn whole_file(place: &Place) -> Vec<u8> {
    sql(place, "pragma wal_checkpoint(truncate)").await;
    fs::read(database(place)).unwrap()
}

fn check_healthy(place: &Place, server: &Server<'_>, key: &Key) {
    server.exchange(key);

    for arguments in [&[][..], &["--deep"]] {
        let said = Said::of(place, arguments);

        assert!(said.succeeded, "{said:?}");
        assert_eq!(said.with("warning"), [] as [&str; 0]);
        assert!(said.with("ok").iter().any(|it| it.contains("says that it is ready")), "{said:?}");
        let keys = said.table("api_keys");
        assert_eq!((&keys["rows"], &keys["is_counted"]), (&1.into(), &true.into()));
        assert!(said.table("usage")["bound"].as_str().unwrap().contains("90 days"), "{said:?}");
        assert!(said.tables.iter().all(|table| table["bound"] != "no table of keyturn"));
    }
}

#[test]
fn a_healthy_server_on_sqlite_has_nothing_to_hear() {
    let (place, key, port) = set_up(&[]);
    let server = place.serve_on(port);
    check_healthy(&place, &server, &key);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_server_on_postgresql_has_nothing_to_hear() {
    let Some(postgres) = postgres::server() else { return };
    let (place, key, port) = set_up(&[("DATABASE__URL", &postgres.database().await)]);
    let server = place.serve_on(port);
    check_healthy(&place, &server, &key);
}

#[tokio::test]
async fn it_looks_while_no_server_runs_and_changes_nothing() {
    let place = used();
    let content = whole_file(&place).await;

    let said = Said::of(&place, &["--deep"]);

    let [warning] = &said.with("warning")[..] else { panic!("{said:?}") };
    assert!(said.succeeded && warning.contains("is `keyturn serve` running"), "{said:?}");
    assert_eq!(fs::read(database(&place)).unwrap(), content);
    place.serve().stop();
}

#[test]
fn people_are_told_one_line_a_check_and_the_end() {
    let place = used();

    let told = place.succeeds(&["doctor"]);
    fs::remove_file(database(&place)).unwrap();
    let complaint = place.fails(&["doctor"]);

    for line in told.lines() {
        assert!(["ok  ", "warning  "].iter().any(|it| line.starts_with(it)), "{told}");
    }
    assert!(told.lines().any(|line| line.starts_with("ok       table usage ")), "{told}");
    assert!(complaint.contains("\nfailed   database"), "{complaint}");
    assert!(complaint.ends_with("keyturn: one check failed\n"), "{complaint}");
}

#[test]
fn jw_10_the_wrong_key_encryption_key_is_named() {
    let (place, other) = (used(), used());
    let file = "keys/key-encryption-key";
    fs::copy(other.path().join(file), place.path().join(file)).unwrap();

    let said = Said::of(&place, &[]);

    let told = said.failure();
    assert!(told.contains("none can be opened") && told.contains("and ours is"), "{told}");
}

#[test]
fn jw_10_a_missing_key_encryption_key_is_not_made() {
    let place = used();
    let file = place.path().join("keys/key-encryption-key");
    fs::remove_file(&file).unwrap();

    let said = Said::of(&place, &[]);

    let told = said.failure();
    assert!(told.contains("is missing") && told.contains("from a backup"), "{told}");
    assert!(!file.exists());
}

#[test]
fn jw_06_files_that_others_can_read_are_reported() {
    let place = used();
    let key = place.path().join("keys/key-encryption-key");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(database(&place), Permissions::from_mode(0o640)).unwrap();

    let said = Said::of(&place, &[]);

    let failed = said.with("failed").join("\n");
    assert!(failed.contains("run `chmod 600 keys/key-encryption-key`"), "{failed}");
    let warned = said.with("warning").join("\n");
    assert!(warned.contains("run `chmod 600 keyturn.db*`"), "{warned}");
}

#[tokio::test]
async fn fi_13_an_older_and_a_newer_schema_are_told_apart() {
    let place = used();
    let newest = "(select max(version) from _sqlx_migrations)";

    sql(&place, &format!("update _sqlx_migrations set version = 9999 where version = {newest}"))
        .await;
    let newer = Said::of(&place, &[]);
    sql(&place, &format!("delete from _sqlx_migrations where version = {newest}")).await;
    let older = Said::of(&place, &[]);

    assert!(newer.failure().contains("run the newer version"), "{newer:?}");
    assert!(older.failure().contains("`keyturn migrate`"), "{older:?}");
}

#[test]
fn a_missing_database_is_not_made() {
    let place = Place::new();

    let said = Said::of(&place, &[]);

    assert!(said.failure().contains("keyturn migrate"), "{said:?}");
    assert!(!database(&place).exists());
}

#[test]
fn a_wrong_configuration_is_a_finding() {
    let place = Place::new();
    fs::write(place.path().join("keyturn.toml"), "[retention]\nusage_rows = 1\n").unwrap();

    let said = Said::of(&place, &[]);

    assert!(said.failure().contains("retention.usage_rows"), "{said:?}");
}

#[test]
fn clients_that_cannot_register_and_those_that_anybody_may_are_reported() {
    let mut place = used();
    let listed = place.json(&["organization", "list"]);
    place.set("REGISTRATION__MODE", "open");
    place.set("REGISTRATION__ORGANIZATION", "0190f000-0000-7000-8000-000000000001");

    let missing = Said::of(&place, &[]);
    place.set("REGISTRATION__ORGANIZATION", listed[0]["id"].as_str().unwrap());
    let open = Said::of(&place, &[]);
    place.set("REGISTRATION__MODE", "token");
    let by_token = Said::of(&place, &[]);

    assert!(missing.failure().contains("no client can register"), "{missing:?}");
    let of = |said: &Said, health| said.with(health).concat().contains("registration: 0 clients");
    assert!(of(&open, "warning") && of(&by_token, "ok"), "{open:?} {by_token:?}");
}

#[tokio::test]
async fn an_altered_audit_event_is_found() {
    let place = used();
    sql(&place, "update audit_events set actor = 'operator:mallory' where number = 2").await;

    for arguments in [&[][..], &["--deep"]] {
        let said = Said::of(&place, arguments);

        assert!(said.failure().starts_with("event 2 "), "{said:?}");
    }
}

#[tokio::test]
async fn a_clock_that_went_back_is_noticed() {
    let place = used();
    sql(&place, "update audit_events set at = at + 30 where number = 2").await;
    let before = Said::of(&place, &[]);

    sql(&place, "insert into usage values (40000000, x'00', '192.0.2.1', '', 'issued', 1)").await;
    let said = Said::of(&place, &[]);

    let says = |said: &Said| said.with("failed").iter().any(|it| it.starts_with("clock: "));
    assert!(!says(&before), "{before:?}");
    assert!(says(&said), "{said:?}");
}

#[tokio::test]
async fn what_a_server_would_have_deleted_or_counted_is_reported() {
    let place = used();
    sql(
        &place,
        "insert into usage values (1, x'00', '192.0.2.1', '', 'issued', 1);
        insert into usage_journal values (x'00000000000170008000000000000000', '{}')",
    )
    .await;

    let said = Said::of(&place, &[]);

    let warned = said.with("warning").join("\n");
    assert!(said.succeeded, "{said:?}");
    for expected in ["table usage: 1 rows since 1970", "usage journal: what was used since 1970"] {
        assert!(warned.contains(expected), "{warned}");
    }
}

#[tokio::test]
async fn fi_23_a_damaged_page_is_reported_whichever_it_is() {
    let place = used();
    let whole = whole_file(&place).await;
    let pages = whole.len() / 4096;
    let mut found = 0;
    for page in 0..pages {
        let mut damaged = whole.clone();
        for byte in &mut damaged[page * 4096..][..1024] {
            *byte ^= u8::try_from(below(255)).unwrap() + 1;
        }
        fs::write(database(&place), damaged).unwrap();

        let said = Said::of(&place, &[]);

        let failed = said.with("failed").join("\n");
        assert!(failed.contains("docs/OPERATING.md") || said.succeeded, "page {page}: {failed}");
        found += usize::from(!said.succeeded);
    }
    // A page that nothing uses yet may hold anything.
    assert!(found > pages * 9 / 10, "{found} of {pages}");
}

#[tokio::test]
async fn fi_23_a_file_that_is_no_database_or_half_of_one_is_reported() {
    let place = used();
    let whole = whole_file(&place).await;
    for content in [&b"this is no database, however long one looks at it"[..], &whole[..50_000]] {
        fs::write(database(&place), content).unwrap();

        let said = Said::of(&place, &[]);

        assert!(said.failure().contains("restore a backup"), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_it_knows_what_this_user_may_not_do() {
    let Some(postgres) = postgres::server() else { return };
    let url = postgres.database().await;
    let (mut place, _, port) = set_up(&[("DATABASE__URL", &url)]);
    place.serve_on(port).stop();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let (scheme, rest) = url.split_once("://").unwrap();
    let host = rest.split_once('@').unwrap().1;
    let name = host.split_once('/').unwrap().1.split('?').next().unwrap();
    let role = format!("{name}_reader");
    let grants = format!(
        "create role {role} login password '{role}'; grant usage on schema public to {role};
        grant select on all tables in schema public to {role}"
    );
    sqlx::raw_sql(AssertSqlSafe(grants)).execute(&mut connection).await.unwrap();
    place.set("DATABASE__URL", &format!("{scheme}://{role}:{role}@{host}"));

    let said = Said::of(&place, &[]);

    assert!(said.failure().contains("lacks select, insert, update or delete on"), "{said:?}");
    let warned = said.with("warning").join("\n");
    assert!(warned.contains("may not create tables"), "{warned}");
}

#[test]
fn a_database_server_that_is_not_there_is_reported() {
    let mut place = Place::new();
    let url = format!("postgres://keyturn:hidden@127.0.0.1:{}/keyturn", free_port());
    place.set("DATABASE__URL", &url);
    place.keep_out_of_logs("hidden");

    let said = Said::of(&place, &[]);

    assert!(said.failure().contains("see database.url"), "{said:?}");
    assert!(!format!("{said:?}").contains("hidden"), "{said:?}");
}

/// The shell's lines below a heading of `docs/OPERATING.md`.
fn examples(heading: &str) -> Vec<String> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/OPERATING.md"));
    let text = text.unwrap();
    let (_, section) = text.split_once(&format!("# {heading}\n")).unwrap();
    let section = section.split("\n##").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// Runs lines of a shell in the place. `keyturn` there is the program under test.
fn shell(place: &Place, lines: &str) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_keyturn")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let mut command = Command::new("sh");
    command.args(["-euc", lines]).current_dir(place.path()).env_clear().env("PATH", path);
    let output = command.output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{lines}\n{said}");
    said
}

#[test]
fn a_backup_that_was_made_as_documented_brings_everything_back() {
    let blocks = examples("Backup and restore");
    let [back_up, restore] = &blocks[..] else { panic!("{blocks:?}") };
    let (place, key) = Place::with_key();
    let server = place.serve();
    shell(&place, back_up);
    place.succeeds(&["organization", "create", "made-after-the-backup"]);
    server.stop();
    let at = |name: &str| place.path().join(name);
    fs::write(at("audit.jsonl"), place.succeeds(&["audit", "export"])).unwrap();
    fs::create_dir(at("lost")).unwrap();
    for name in ["keyturn.db", "keyturn.db-wal", "keyturn.db-shm"] {
        let _ = fs::rename(at(name), at("lost").join(name));
    }
    fs::rename(at("key-encryption-key-backup"), at("keys/key-encryption-key")).unwrap();

    let said = shell(&place, restore);

    assert!(said.contains("1 x organization.created"), "{said}");
    assert!(said.contains("ok       audit trail"), "{said}");
    assert_eq!(place.json(&["organization", "list"]).as_array().unwrap().len(), 1);
    assert_eq!(place.serve().exchange(&key).status, 200);
}

#[test]
fn the_doctor_is_called_as_documented() {
    let place = used();
    for block in examples("Asking the doctor") {
        assert!(shell(&place, &block).contains("audit trail"), "{block}");
    }
}
