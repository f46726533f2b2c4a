//! Gateways in front of an API, configured as `docs/gateways` has it: the real programs, from
//! Debian's packages.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use aws_lc_rs::digest::{SHA256, digest};
use keyturn::{clock::Clock, random::Random};
use serde_json::json;

use super::{
    foreign::{Foreigner, base64},
    http::{Answer, Connection},
    peers::{Reaction, Received, Receiver},
    proxies::{self, Gateway, free_address, is_missing, program},
    support::{Key, Place, Server, wait},
};

/// A file of `docs/gateways` with the addresses of this test.
fn configured(file: &str, gateway: SocketAddr, keyturn: SocketAddr, api: SocketAddr) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gateways").join(file);
    let text = fs::read_to_string(path).unwrap();
    let text = text.replace("127.0.0.1:8000", &gateway.to_string());
    let text = text.replace("127.0.0.1:8080", &keyturn.to_string());
    text.replace("127.0.0.1:9000", &api.to_string())
}

fn nginx(place: &Place, keyturn: SocketAddr, api: SocketAddr) -> Gateway {
    let address = free_address();
    proxies::nginx(place, address, &configured("nginx.conf", address, keyturn, api))
}

fn haproxy(place: &Place, keyturn: SocketAddr, api: SocketAddr) -> Gateway {
    let (address, folder) = (free_address(), place.path());
    for file in ["haproxy.cfg", "keyturn.lua"] {
        fs::write(folder.join(file), configured(file, address, keyturn, api)).unwrap();
    }
    let mut command = Command::new(program("haproxy"));
    Gateway::start(address, command.args(["-q", "-db", "-f", "haproxy.cfg"]).current_dir(folder))
}

impl Gateway {
    /// Headers each with their line end.
    fn get(&self, headers: &str) -> Answer {
        let mut connection = Connection::open(self.address).unwrap();
        connection.get_with("/orders?resource=other&scope=admin", headers).unwrap()
    }
}

/// A place with a resource `api`, a key, and proxies on this machine that are trusted.
fn place() -> (Place, Key) {
    let trusted = ("HTTP__TRUSTED_PROXIES", "127.0.0.0/8");
    let (place, key) = Place::with_key_and(&[trusted, ("DPOP__NONCE", "required")]);
    for resource in ["api", "other"] {
        place.succeeds(&["resource", "register", resource, "--scope", "read", "--scope", "admin"]);
    }
    (place, key)
}

fn api() -> Receiver {
    Receiver::start(Reaction::status(200))
}

fn the_only(api: &Receiver) -> Received {
    let received = api.received();
    assert_eq!(received.len(), 1, "{received:?}");
    received[0].clone()
}

/// What every gateway has to hold.
fn holds(place: &Place, server: &Server<'_>, key: &Key, gateway: &Gateway, api: &Receiver) {
    let bearer = |credential: &str| format!("Authorization: Bearer {credential}\r\n");
    let made_up =
        "X-Keyturn-Subject: key:root\r\nX-Keyturn-User: root\r\nX-Keyturn-Roles: owner\r\n";

    let empty_handed = gateway.get(made_up);
    let mistyped = gateway.get(&bearer("ktk_nonsense"));
    let elsewhere = gateway.get(&bearer(&server.token(&key.secret, "other")));
    for refused in [&empty_handed, &mistyped, &elsewhere] {
        assert_eq!(refused.status, 401, "{}", refused.body);
    }
    assert!(empty_handed.challenge.starts_with("bearer realm=\"keyturn\"\n"), "{empty_handed:?}");
    assert!(!empty_handed.challenge.contains("error="), "{empty_handed:?}");
    assert!(mistyped.challenge.contains("error=\"invalid_token\""), "{}", mistyped.challenge);
    assert_eq!(api.received().len(), 0, "the API hears of nobody who does not pass");

    let by_key = gateway.get(&(bearer(&key.secret) + made_up));
    assert_eq!(by_key.status, 200, "{}", by_key.body);
    let received = the_only(api);
    assert_eq!(received.header("x-keyturn-subject"), format!("key:{}", key.id));
    assert_eq!(received.header("x-keyturn-scope"), "read");
    assert_eq!(received.header("x-keyturn-user"), "", "nothing that was made up arrives");
    assert_ne!(received.header("x-keyturn-roles"), "owner");
    assert!(!received.head.contains(&key.secret), "the key does not arrive");
    let passed_on = received.header("authorization");
    let token = passed_on.strip_prefix("Bearer ").unwrap();
    place.keep_out_of_logs(token);

    assert_eq!(gateway.get(&bearer(token)).status, 200, "a token passes as well");
    assert_eq!(gateway.get(&format!("X-Api-Key: {}\r\n", key.secret)).status, 200);
    let received = api.received();
    assert_eq!(received[2].header("x-api-key"), "", "the key does not arrive");
    assert!(received[2].header("authorization").starts_with("Bearer ey"));

    place.succeeds(&["key", "update", &key.name, "--cidr", "192.0.2.0/24"]);
    let from_elsewhere = || gateway.get(&(bearer(&key.secret) + "X-Forwarded-For: 192.0.2.1\r\n"));
    let is_refused = || from_elsewhere().status == 403;
    wait(is_refused, || "the address that a client writes itself is believed".to_owned());

    place.succeeds(&["key", "revoke", &key.name]);
    let is_refused = || gateway.get(&bearer(token)).status == 401;
    wait(is_refused, || "the token of a revoked key passes".to_owned());
}

/// Somebody who proves a key when they show what they have.
struct Prover {
    key: Foreigner,
    nonce: String,
}

impl Prover {
    /// A proof for `GET` of this URL, beside this credential.
    fn proof(&self, url: &str, credential: &str) -> String {
        let mut jwk = self.key.jwk();
        jwk.as_object_mut().unwrap().remove("kid");
        let header = json!({ "typ": "dpop+jwt", "alg": self.key.algorithm(), "jwk": jwk });
        let id = base64(Random::System.bytes::<16>());
        let claims = json!({
            "jti": id, "iat": Clock::system().now().timestamp(), "htm": "GET", "htu": url,
            "ath": base64(digest(&SHA256, credential.as_bytes())), "nonce": self.nonce,
        });
        self.key.signed(&header, &claims)
    }
}

/// What every gateway has to hold, too: proofs of possession (RFC 9449) are for the request that it
/// receives itself.
fn takes_proofs(place: &Place, gateway: &Gateway, api: &Receiver) {
    let key = place.key("proved");
    place.succeeds(&["key", "update", &key.name, "--proof", "any"]);
    let mut prover = Prover { key: Foreigner::new("any"), nonce: String::new() };
    let url = format!("http://{}/orders", gateway.address);
    let shown = |credential: &str, proof: &str| {
        format!("Authorization: DPoP {credential}\r\nDPoP: {proof}\r\n")
    };

    let asked = gateway.get(&shown(&key.secret, &prover.proof(&url, &key.secret)));
    assert_eq!(asked.status, 401, "{}", asked.body);
    assert!(asked.challenge.contains("error=\"use_dpop_nonce\""), "{}", asked.challenge);
    prover.nonce = asked.nonce;

    let proof = prover.proof(&url, &key.secret);
    let by_key = gateway.get(&shown(&key.secret, &proof));
    assert_eq!(by_key.status, 200, "{}", by_key.challenge);
    assert_eq!(by_key.nonce, prover.nonce, "the next nonce comes with what the API answers");
    let received = the_only(api);
    assert_eq!(received.header("x-keyturn-subject"), format!("key:{}", key.id));
    let passed_on = received.header("authorization");
    let token = passed_on.strip_prefix("DPoP ").unwrap();
    place.keep_out_of_logs(token);

    let proof = prover.proof(&url, token);
    assert_eq!(gateway.get(&shown(token, &proof)).status, 200, "a bound token passes as well");
    let elsewhere = "http://127.0.0.1:1/other";
    let made_up = "X-Forwarded-Uri: /other\r\nX-Forwarded-Method: GET\r\n\
                   X-Original-URL: http://127.0.0.1:1/other\r\n";
    for refused in [
        gateway.get(&shown(token, &proof)),
        gateway.get(&format!("Authorization: Bearer {token}\r\n")),
        gateway.get(&format!("Authorization: Bearer {}\r\n", key.secret)),
        gateway.get(&(shown(token, &prover.proof(elsewhere, token)) + made_up)),
    ] {
        assert_eq!(refused.status, 401, "{}", refused.body);
    }
    assert_eq!(api.received().len(), 2, "nobody else passes");
}

#[test]
fn nginx_lets_pass_who_has_a_key_or_a_token() {
    if is_missing("nginx") {
        return;
    }
    let (place, key) = place();
    let (server, api) = (place.serve(), api());
    let gateway = nginx(&place, server.address, api.address);

    holds(&place, &server, &key, &gateway, &api);
}

#[test]
fn nginx_lets_pass_who_proves_the_key_of_a_token() {
    if is_missing("nginx") {
        return;
    }
    let (place, _) = place();
    let (server, api) = (place.serve(), api());
    let gateway = nginx(&place, server.address, api.address);

    takes_proofs(&place, &gateway, &api);
}

#[test]
fn haproxy_lets_pass_who_has_a_key_or_a_token() {
    if is_missing("haproxy") {
        return;
    }
    let (place, key) = place();
    let (server, api) = (place.serve(), api());
    let gateway = haproxy(&place, server.address, api.address);

    holds(&place, &server, &key, &gateway, &api);
}

#[test]
fn haproxy_lets_pass_who_proves_the_key_of_a_token() {
    if is_missing("haproxy") {
        return;
    }
    let (place, _) = place();
    let (server, api) = (place.serve(), api());
    let gateway = haproxy(&place, server.address, api.address);

    takes_proofs(&place, &gateway, &api);
}

#[test]
fn a_gateway_without_keyturn_lets_nobody_pass() {
    if is_missing("nginx") || is_missing("haproxy") {
        return;
    }
    let (place, key) = place();
    let (nowhere, api) = (free_address(), api());
    let gateways = [nginx(&place, nowhere, api.address), haproxy(&place, nowhere, api.address)];

    for gateway in gateways {
        let answer = gateway.get(&format!("Authorization: Bearer {}\r\n", key.secret));
        assert!(answer.status >= 500, "{} {}", answer.status, answer.body);
    }
    assert_eq!(api.received().len(), 0);
}
