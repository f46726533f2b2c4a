//! The server with a certificate.

use std::{fs, net::TcpStream, sync::Arc};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::aws_lc_rs,
};

use super::{
    http::Connection,
    support::{Place, free_port, wait},
};

/// A certificate and its key, as PEM.
pub(crate) fn pair() -> [String; 2] {
    let made = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let CertifiedKey { cert, signing_key } = made;
    [cert.pem(), signing_key.serialize_pem()]
}

#[test]
fn a_token_is_given_over_tls() {
    let (mut place, key) = Place::with_key();
    let [certificate, key_pem] = pair();
    fs::write(place.path().join("certificate.pem"), &certificate).unwrap();
    fs::write(place.path().join("key.pem"), key_pem).unwrap();
    place.set("TLS__CERTIFICATE", "certificate.pem");
    place.set("TLS__KEY", "key.pem");
    let server = place.spawn("serve", free_port());

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = None;
    let connects = || {
        stream = TcpStream::connect(server.address).ok();
        stream.is_some()
    };
    wait(connects, || server.printed("log"));
    let mut connection = Connection::over(StreamOwned::new(client, stream.unwrap()));

    let token = connection.exchange(&key.name, &key.secret).unwrap().token();

    assert_eq!(token.split('.').count(), 3);
    place.keep_out_of_logs(&token);
    let mut check = place.command(&["healthcheck"]);
    let checked = check.env("KEYTURN_LISTEN", server.address.to_string()).status().unwrap();
    assert!(checked.success());
}
