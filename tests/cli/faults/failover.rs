//! A primary and a standby behind one address: promotion, demotion, and a primary that comes back
//! read-only.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    postgres::{command, folder, programs, required_or_skipped, run, unprivileged_user},
    proxy::{Proxy, Target},
    support::{Key, Place, Server, free_port, said, wait},
};

const SETTINGS: &str = "
listen_addresses = ''
fsync = off
full_page_writes = off
wal_level = replica
max_wal_senders = 4
hot_standby = on
max_connections = 50
";

/// Exchanges succeed again so soon after the new primary takes writes.
const AGAIN_WITHIN: Duration = Duration::from_secs(5);

/// Two PostgreSQL servers of our own.
struct Cluster {
    programs: PathBuf,
    user: Option<(u32, u32)>,
    folder: PathBuf,
}

impl Cluster {
    fn start() -> Result<Self, String> {
        let programs = programs().ok_or("no PostgreSQL server is installed")?;
        let user = unprivileged_user()?;
        let cluster = Self { programs, user, folder: folder(user)? };
        cluster
            .call("initdb", &["--username=keyturn", "--auth=trust", "--locale=C", "--no-sync"])?;
        cluster.configure("one")?;
        cluster.control("one", &["start"])?;
        let socket = cluster.socket("one").display().to_string();
        let copy = cluster.path("two");
        run(cluster
            .program("pg_basebackup")
            .args(["-h", &socket, "-U", "keyturn", "-R", "-X", "stream", "-c", "fast", "-D"])
            .arg(copy))?;
        cluster.configure("two")?;
        cluster.control("two", &["start"])?;
        Ok(cluster)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn program(&self, name: &str) -> std::process::Command {
        command(&self.programs.join(name), &self.folder, self.user)
    }

    fn call(&self, name: &str, arguments: &[&str]) -> Result<(), String> {
        run(self.program(name).args(arguments).arg("-D").arg(self.path("one")))
    }

    /// Makes a server a standby at its next start. It need not find a primary that it can follow.
    fn demote(&self, name: &str) -> Result<(), String> {
        let file = self.path(name).join("standby.signal");
        run(command(Path::new("touch"), &self.folder, self.user).arg(file))
    }

    /// Not within the data: that is copied.
    fn socket(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}-socket"))
    }

    fn configure(&self, name: &str) -> Result<(), String> {
        run(command(Path::new("mkdir"), &self.folder, self.user).arg(self.socket(name)))?;
        let socket = self.socket(name).display().to_string();
        let path = self.path(name).join("postgresql.auto.conf");
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let settings = format!("{kept}\n{SETTINGS}unix_socket_directories = '{socket}'\n");
        fs::write(path, settings).map_err(|error| error.to_string())
    }

    fn control(&self, name: &str, arguments: &[&str]) -> Result<(), String> {
        let log = self.folder.join(format!("{name}.log"));
        run(self
            .program("pg_ctl")
            .args(arguments)
            .args(["--wait", "--silent", "-D"])
            .arg(self.path(name))
            .arg("-l")
            .arg(log))
    }

    fn target(&self, name: &str) -> Target {
        Target::Unix(self.socket(name).join(".s.PGSQL.5432"))
    }

    fn sql(&self, name: &str, statement: &str) -> Result<(), String> {
        let socket = self.socket(name).display().to_string();
        let psql = self.programs.join("psql");
        let psql = if psql.exists() { psql } else { Path::new("psql").to_owned() };
        run(command(&psql, &self.folder, self.user)
            .args(["-h", &socket, "-U", "keyturn", "-d", "postgres", "-qAtc", statement]))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for name in ["two", "one"] {
            let _ = self.control(name, &["stop", "--mode=immediate"]);
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Asks until a token is issued; a good key hears of nothing but 503 meanwhile.
fn until_issued(server: &Server<'_>, key: &Key, what: &str) -> Duration {
    let began = Instant::now();
    let is_issued = || {
        let answer = server.exchange(key);
        assert!([200, 503].contains(&answer.status), "{what}: {} {}", answer.status, answer.body);
        answer.status == 200
    };
    wait(is_issued, || format!("{what}: no token is issued any more:\n{}", server.printed("log")));
    began.elapsed()
}

fn until_refused(server: &Server<'_>, key: &Key, what: &str) {
    let is_refused = || {
        let answer = server.exchange(key);
        assert!([200, 503].contains(&answer.status), "{what}: {} {}", answer.status, answer.body);
        answer.status == 503
    };
    wait(is_refused, || format!("{what}: tokens are issued"));
}

#[test]
fn fx_12_a_failover_is_over_soon_after_the_new_primary_takes_writes() {
    let Some(cluster) = required_or_skipped(Cluster::start()) else { return };
    let proxy = Proxy::to(cluster.target("one"));
    let url = format!("postgres://keyturn@{}/postgres", proxy.address);
    let settings = [("DATABASE__URL", url.as_str()), ("ISSUER", "http://127.0.0.1:8080")];
    let (place, key) = Place::with_key_and(&settings);
    let spent = place.key("spent");
    let server = place.serve_on(free_port());
    until_issued(&server, &key, "before");
    until_issued(&server, &spent, "before");

    // The address leads to the standby first, and it is promoted later.
    proxy.lead_to(cluster.target("two"));
    until_refused(&server, &key, "on the standby");
    assert_eq!(server.get("/readyz").unwrap().status, 503);
    cluster.control("one", &["stop", "--mode=immediate"]).unwrap();
    cluster.control("two", &["promote"]).unwrap();
    let took = until_issued(&server, &key, "promoted");
    assert!(took < AGAIN_WITHIN, "promoted: {took:?}");

    // The old primary comes back, read-only and without what the new one has taken since.
    place.succeeds(&["key", "revoke", "spent"]);
    server.until_status(&spent, 401);
    cluster.demote("one").unwrap();
    cluster.control("one", &["start"]).unwrap();
    proxy.lead_to(cluster.target("one"));
    until_refused(&server, &key, "on the old primary");
    assert_ne!(server.exchange(&spent).status, 200);
    proxy.lead_to(cluster.target("two"));
    let took = until_issued(&server, &key, "on the new primary again");
    assert!(took < AGAIN_WITHIN, "on the new primary again: {took:?}");
    assert_eq!(server.exchange(&spent).status, 401);

    // Demoted in place: sessions go on, and take no writes.
    let read_only = "alter system set default_transaction_read_only = on";
    cluster.sql("two", read_only).unwrap();
    cluster.sql("two", "select pg_reload_conf()").unwrap();
    until_refused(&server, &key, "read-only");
    cluster.sql("two", "alter system reset default_transaction_read_only").unwrap_or_else(|_| {
        let off = "set default_transaction_read_only = off; \
                   alter system reset default_transaction_read_only";
        cluster.sql("two", off).unwrap();
    });
    cluster.sql("two", "select pg_reload_conf()").unwrap();
    let took = until_issued(&server, &key, "takes writes again");
    assert!(took < AGAIN_WITHIN, "takes writes again: {took:?}");

    // The server goes and comes back, and its sessions are cut.
    cluster.control("two", &["restart", "--mode=immediate"]).unwrap();
    let took = until_issued(&server, &key, "restarted");
    assert!(took < AGAIN_WITHIN, "restarted: {took:?}");
    wait(|| server.get("/readyz").unwrap().status == 200, || "never ready".to_owned());
    server.stop();
}

#[test]
fn fx_27_the_doctor_warns_of_a_standby_that_no_commit_waits_for() {
    let Some(cluster) = required_or_skipped(Cluster::start()) else { return };
    let proxy = Proxy::to(cluster.target("one"));
    let url = format!("postgres://keyturn@{}/postgres", proxy.address);
    let (mut place, _) = Place::with_key_and(&[("DATABASE__URL", url.as_str())]);
    let standbys = |place: &Place| -> Vec<String> {
        let report: Value =
            serde_json::from_slice(&place.run(&["doctor", "--json"]).stdout).unwrap();
        let found = report["checks"].as_array().unwrap().clone().into_iter();
        found.filter(|it| it["what"] == "standbys").map(|it| it["health"].to_string()).collect()
    };
    let healths = |place: &Place, health: &str| {
        let expected = vec![format!("\"{health}\"")];
        wait(|| standbys(place) == expected, || format!("not {health}: {:?}", standbys(place)));
    };

    healths(&place, "warning");
    cluster.sql("one", "alter system set synchronous_standby_names = '*'").unwrap();
    cluster.sql("one", "select pg_reload_conf()").unwrap();
    healths(&place, "ok");

    cluster
        .sql("one", "create role other login in role pg_read_all_data, pg_write_all_data")
        .unwrap();
    place.set("DATABASE__URL", &url.replace("keyturn@", "other@"));
    healths(&place, "warning");
    assert!(said(&place.run(&["doctor"])).contains("grant it pg_read_all_stats"));
}
