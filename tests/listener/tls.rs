//! TLS: what is negotiated, and what is said of files that do not fit.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use keyturn::listener::tls;
use rcgen::{CertificateParams, CertifiedKey, KeyPair, date_time_ymd, generate_simple_self_signed};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use tempfile::TempDir;
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::aws_lc_rs,
};

use super::{LAST_REQUEST, Limits, NEVER, PATIENT, SOON, connect, greeting, rest, start};

/// A certificate for `localhost` and its key, as files.
fn files(folder: &TempDir, name: &str) -> (PathBuf, PathBuf) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = folder.path().join(format!("{name}.pem"));
    let key = folder.path().join(format!("{name}.key"));
    fs::write(&certificate, cert.pem()).unwrap();
    fs::write(&key, signing_key.serialize_pem()).unwrap();
    (certificate, key)
}

fn client(certificate: &Path, protocol: &[u8]) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_picks_its_version_of_http() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = files(&folder, "good");
    let config = tls::load(&certificate, &key).unwrap();
    let server = start(PATIENT, Some(config.config()), greeting()).await;

    let stream = connect(server.address);
    let mut caller = StreamOwned::new(client(&certificate, b"http/1.1"), stream);
    caller.write_all(LAST_REQUEST).unwrap();
    assert!(rest(&mut caller).starts_with("HTTP/1.1 200 OK"));

    let stream = connect(server.address);
    let mut caller = StreamOwned::new(client(&certificate, b"h2"), stream);
    caller.write_all(b"").unwrap();
    while caller.conn.is_handshaking() {
        caller.conn.complete_io(&mut caller.sock).unwrap();
    }
    assert_eq!(caller.conn.alpn_protocol(), Some(&b"h2"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn inc_21_the_handshake_is_part_of_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = files(&folder, "good");
    let config = tls::load(&certificate, &key).unwrap();
    let limits = Limits { first_request_within: SOON, next_request_within: NEVER, ..PATIENT };
    let server = start(limits, Some(config.config()), greeting()).await;

    assert_eq!(rest(connect(server.address)), "");
}

#[test]
fn fx_13e_the_end_of_a_certificate_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (year, expires_at) in [(2049, 2_493_072_000), (2050, 2_524_608_000)] {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let (certificate_file, key_file) =
            (folder.path().join("c.pem"), folder.path().join("k.pem"));
        fs::write(&certificate_file, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&key_file, key.serialize_pem()).unwrap();

        let identity = tls::load(&certificate_file, &key_file).unwrap();

        assert_eq!(identity.expires_at(), Some(expires_at));
    }
}

#[test]
fn files_that_do_not_fit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = files(&folder, "good");
    let (_, other) = files(&folder, "other");
    let absent = folder.path().join("absent");
    let said = |certificate: &Path, key: &Path| {
        tls::load(certificate, key).map(drop).unwrap_err().to_string()
    };

    assert!(said(&absent, &key).starts_with("cannot read the TLS certificate"));
    assert!(said(&key, &key).starts_with("there is no certificate in"));
    assert!(said(&certificate, &certificate).starts_with("there is no private key in"));
    assert!(said(&certificate, &other).contains("do not work"));
}
