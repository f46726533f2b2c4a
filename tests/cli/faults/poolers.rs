//! A pooler between the server and PostgreSQL.

use std::{
    fs,
    net::TcpStream,
    os::unix::fs::chown,
    path::Path,
    process::{Child, Stdio},
};

use url::Url;

use crate::{
    postgres::{self, command, unprivileged_user},
    proxy::{Proxy, Target},
    support::{Place, free_port, said, wait},
};

/// Ends with the test.
struct Pooler(Child);

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `PgBouncer` in transaction mode, which lets all settings of a session through and drops them.
/// `None` where it is not installed.
fn start(folder: &Path, port: u16, to: u16, password: Option<&str>) -> Option<Pooler> {
    let user = unprivileged_user().unwrap();
    let password = password.map_or_else(String::new, |password| format!(" password='{password}'"));
    let settings = format!(
        "[databases]\n* = host=127.0.0.1 port={to} user=keyturn{password}\n[pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
         pool_mode = transaction\nignore_startup_parameters = extra_float_digits, options\n"
    );
    fs::write(folder.join("pgbouncer.ini"), settings).unwrap();
    user.map_or(Ok(()), |(uid, gid)| chown(folder, Some(uid), Some(gid))).unwrap();
    let mut pooler = command(Path::new("pgbouncer"), folder, user);
    pooler.arg("pgbouncer.ini").stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(pooler) = pooler.spawn() else {
        eprintln!("PgBouncer is not tested: it is not installed");
        return None;
    };
    let pooler = Pooler(pooler);
    wait(|| TcpStream::connect(("127.0.0.1", port)).is_ok(), || "no PgBouncer".to_owned());
    Some(pooler)
}

#[tokio::test(flavor = "multi_thread")]
async fn fx_23c_a_pooler_that_drops_the_settings_of_a_session_is_refused_at_the_start() {
    let Some(server) = postgres::server() else { return };
    let database = server.database().await;
    let (target, url) = Target::of(&database);
    let database = Url::parse(&database).unwrap();
    // PgBouncer reaches the server by TCP, wherever that listens.
    let proxy = Proxy::to(target);
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let Some(_pooler) = start(folder.path(), port, proxy.address.port(), database.password())
    else {
        return;
    };
    let mut place = Place::new();
    place.set("DATABASE__URL", &url(([127, 0, 0, 1], port).into()));

    let output = place.run(&["key", "list"]);

    let told = said(&output);
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("a pooler such as PgBouncer"), "{told}");
    assert!(!told.contains("lacks migrations"), "{told}");
}

#[test]
fn fx_24d_a_database_that_cannot_be_reached_is_exit_code_4() {
    let mut place = Place::new();
    place.set("DATABASE__URL", "postgres://keyturn@127.0.0.1:1/keyturn");

    for arguments in [["key", "list"].as_slice(), &["migrate"], &["serve"]] {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {}", said(&output));
    }
}
