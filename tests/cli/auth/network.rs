//! The way to the server: proxies, certificates of one's own, redirects.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    thread,
};

use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::{
    super::support::{Place, free_port, wait},
    fake::{Behaviour, Fake, any_key},
    home::Home,
};
use crate::documents::is_missing;

#[test]
fn a_credential_follows_no_redirect() {
    let other = Fake::start();
    let redirects_to = Some(format!("{}/auth/v1/token", other.url));
    let fake = Fake::with(Behaviour { redirects_to, ..Behaviour::default() });

    let refused = Home::of(&fake.url, &any_key()).auth(&["token", "--bearer"]);

    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!((fake.asked(), other.asked()), (1, 0));
}

#[test]
fn a_proxy_is_asked_for_the_server() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut home = Home::of("https://id.example.com", &any_key());
    home.set("HTTPS_PROXY", format!("http://{}", proxy.local_addr().unwrap()));
    let asked = thread::spawn(move || {
        let (stream, _) = proxy.accept().unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line
    });

    let failed = home.auth(&["token", "--bearer"]);

    assert_eq!(failed.code, 4, "{failed:?}");
    assert_eq!(asked.join().unwrap(), "CONNECT id.example.com:443 HTTP/1.1\r\n");
}

#[test]
fn what_is_for_this_machine_is_shown_to_no_proxy() {
    let fake = Fake::start();
    let mut home = Home::of(&fake.url, &any_key());
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        home.set(variable, format!("http://127.0.0.1:{}", free_port()));
    }

    assert_eq!(home.succeeds(&["token", "--bearer"]), "token-1");
}

#[test]
fn a_certificate_of_ones_own_is_trusted_where_it_is_named() {
    let (mut place, key) = Place::with_key();
    let port = serve_tls(&mut place);
    let server = place.spawn("serve", port);
    let listens = || std::net::TcpStream::connect(server.address).is_ok();
    wait(listens, || server.printed("log"));
    let mut home = Home::of(&format!("https://localhost:{port}"), &key.secret);

    let refused = home.auth(&["token", "--bearer"]);
    home.set("SSL_CERT_FILE", place.path().join("certificate.pem").to_str().unwrap());
    let token = home.succeeds(&["token", "--bearer"]);

    assert_eq!(refused.code, 4, "{refused:?}");
    assert_eq!(token.split('.').count(), 3);
    place.keep_out_of_logs(&token);
}

/// `kubectl` sends credentials over TLS only. What it asks here is a keyturn server: it gives
/// anybody the page, and nothing to whoever cannot read our answer.
#[test]
fn kubectl_runs_the_plugin() {
    if is_missing("kubectl") {
        return;
    }
    let (mut place, key) = Place::with_key();
    let port = serve_tls(&mut place);
    let server = place.spawn("serve", port);
    let listens = || std::net::TcpStream::connect(server.address).is_ok();
    wait(listens, || server.printed("log"));
    let mut home = Home::of(&format!("https://localhost:{port}"), &key.secret);
    let certificate = place.path().join("certificate.pem");
    home.set("SSL_CERT_FILE", certificate.to_str().unwrap());
    let configuration = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{name: c, cluster: {{server: 'https://localhost:{port}', \
         certificate-authority: '{}'}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, \
         command: keyturn, args: [auth, exec-credential], interactiveMode: Never}}}}}}]\n",
        certificate.display()
    );
    fs::write(home.path().join("kubeconfig"), configuration).unwrap();

    let mut kubectl =
        home.program("kubectl", &["--kubeconfig=kubeconfig", "get", "--raw", "/readyz"]);
    let output = kubectl.output().unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(home.tokens().len(), 1, "the plugin was not run");
}

/// Gives the place a certificate; a port for its server.
fn serve_tls(place: &mut Place) -> u16 {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(place.path().join("certificate.pem"), cert.pem()).unwrap();
    fs::write(place.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
    place.set("TLS__CERTIFICATE", "certificate.pem");
    place.set("TLS__KEY", "key.pem");
    free_port()
}
