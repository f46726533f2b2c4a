//! Files that the configuration names are read again, and what is wrong with them stops nothing.

use std::{
    fs::{self, Permissions},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    sync::Arc,
};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustix::process::Signal;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::aws_lc_rs,
};

use super::{
    http::Connection,
    postgres,
    support::{Place, Server, free_port, wait},
};

/// A certificate for `localhost` and its key, both PEM.
fn pair(year: i32) -> (String, String) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = date_time_ymd(year, 1, 1);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn write(place: &Place, (certificate, key): (&str, &str)) {
    // Each appears whole, under its name, as tools that renew certificates see to.
    for (name, text) in [("certificate.pem", certificate), ("key.pem", key)] {
        let new = place.path().join("new.pem");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, Permissions::from_mode(0o600)).unwrap();
        fs::rename(new, place.path().join(name)).unwrap();
    }
}

fn with_tls((certificate, key): (&str, &str)) -> Place {
    let (mut place, _) = Place::with_key();
    write(&place, (certificate, key));
    place.set("TLS__CERTIFICATE", "certificate.pem");
    place.set("TLS__KEY", "key.pem");
    place
}

/// The answer of a server whose certificate is this one.
fn get(server: &Server<'_>, certificate: &str, path: &str) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let stream = TcpStream::connect(server.address).ok()?;
    Connection::over(StreamOwned::new(client, stream)).get(path).ok().map(|answer| answer.body)
}

fn serves(server: &Server<'_>, certificate: &str) -> bool {
    get(server, certificate, "/healthz").is_some()
}

fn has_logged(server: &Server<'_>, text: &str) {
    let told = || server.printed("log").contains(text);
    wait(told, || format!("no `{text}`: {}", server.printed("log")));
}

#[test]
fn fx_13a_a_renewed_certificate_is_served_without_a_restart() {
    let ((first, first_key), (second, second_key)) = (pair(2090), pair(2091));
    let place = with_tls((&first, &first_key));
    let server = place.spawn("serve", free_port());
    wait(|| serves(&server, &first), || server.printed("log"));

    write(&place, (&second, &second_key));

    wait(|| serves(&server, &second), || server.printed("log"));
    assert!(!serves(&server, &first));
    let metrics = get(&server, &second, "/metrics").unwrap();
    assert!(metrics.contains("keyturn_certificate_expires_at 3818448000"), "{metrics}");
    server.stop();
}

#[test]
fn fx_13b_a_pair_that_does_not_fit_is_logged_and_the_old_one_is_served_on() {
    let ((first, first_key), (second, _)) = (pair(2090), pair(2091));
    let place = with_tls((&first, &first_key));
    let server = place.spawn("serve", free_port());
    wait(|| serves(&server, &first), || server.printed("log"));

    write(&place, (&second, &first_key));

    has_logged(&server, "the TLS certificate stays as it was");
    assert!(serves(&server, &first));
    server.stop();
}

#[test]
fn fx_13c_a_hangup_reads_files_again_and_ends_nothing() {
    let (place, key) = Place::with_key();
    let server = place.serve();

    server.signal(Signal::HUP);

    has_logged(&server, "reads files again");
    assert_eq!(server.exchange(&key).status, 200);
    server.stop();
}

#[test]
fn fx_13d_bad_keys_of_github_are_logged_and_the_old_ones_go_on() {
    let (mut place, _) = Place::with_key();
    let key = KeyPair::generate().unwrap().public_key_pem();
    let keys = serde_json::json!({ "public_keys": [{ "key_identifier": "1", "key": key }] });
    let path = place.path().join("github.json");
    fs::write(&path, keys.to_string()).unwrap();
    place.set("LEAKS__GITHUB_KEYS", "github.json");
    let server = place.serve();

    fs::write(&path, "{").unwrap();

    has_logged(&server, "GitHub's public keys stay as they were");
    let report = server.get("/auth/v1/api-key/leaks/github").unwrap();
    assert_eq!(report.status, 405, "it is there for those who post");
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn fx_13f_new_connections_use_the_login_that_its_file_has_now() {
    let Some(postgres) = postgres::server() else { return };
    let url = postgres.database().await;
    let mut admin = PgConnection::connect(&url).await.unwrap();
    let name: String =
        sqlx::query_scalar("select current_database()").fetch_one(&mut admin).await.unwrap();
    let role = format!("{name}_other");
    let make = format!("create role {role} login superuser password 'pass-word'");
    sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut admin).await.unwrap();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (_, host) = rest.rsplit_once('@').unwrap();
    let mut place = Place::new();
    let path = place.path().join("url");
    fs::write(&path, &url).unwrap();
    place.set("DATABASE__URL_FILE", "url");
    place.succeeds(&["migrate"]);
    let server = place.serve();

    fs::write(&path, format!("{scheme}://{role}:pass-word@{host}")).unwrap();
    has_logged(&server, "reads files again");
    let end = "select pg_terminate_backend(pid) from pg_stat_activity \
               where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::raw_sql(end).execute(&mut admin).await.unwrap();

    server.wait_until_ready();
    let users = "select distinct usename::text from pg_stat_activity \
                 where datname = current_database() and pid <> pg_backend_pid()";
    let users: Vec<String> = sqlx::query_scalar(users).fetch_all(&mut admin).await.unwrap();
    assert_eq!(users, std::slice::from_ref(&role));
    assert!(!server.printed("log").contains("pass-word"));
    server.stop();
    let done = format!("reassign owned by {role} to current_user; drop role {role}");
    sqlx::raw_sql(AssertSqlSafe(done)).execute(&mut admin).await.unwrap();
}

#[test]
fn fx_13g_the_doctor_looks_at_the_end_of_the_certificate_and_at_who_may_read_its_key() {
    let (certificate, key) = pair(2090);
    let place = with_tls((&certificate, &key));
    let checked = |place: &Place| {
        let report = place.run(&["doctor", "--json"]).stdout;
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        let checks = report["checks"].as_array().unwrap().clone();
        let of_certificate = checks.into_iter().filter(|it| it["what"] == "TLS certificate");
        of_certificate.map(|it| it["health"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(checked(&place), ["ok"]);

    fs::set_permissions(place.path().join("key.pem"), Permissions::from_mode(0o644)).unwrap();
    assert_eq!(checked(&place), ["ok", "warning"]);

    let (expired, key) = pair(2020);
    write(&place, (&expired, &key));
    assert_eq!(checked(&place), ["failed"]);
}
