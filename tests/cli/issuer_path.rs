//! An issuer with a path, behind nginx as `docs/OPERATING.md` configures it.

use std::{fs, net::SocketAddr};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{
    http::{Answer, Connection},
    proxies::{Gateway, free_address, is_missing, nginx},
    support::{Key, Place},
};

/// The documented configuration with the addresses of this test.
fn configured(gateway: SocketAddr, keyturn: SocketAddr) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/OPERATING.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, text) = text.split_once("```nginx\n").unwrap();
    let server = text.split("```").next().unwrap();
    let server = server.replace("127.0.0.1:8000", &gateway.to_string());
    let server = server.replace("127.0.0.1:8080", &keyturn.to_string());
    format!("events {{}}\nhttp {{\n{server}}}\n")
}

/// A place whose issuer is there, with a key that manages the server.
fn place(gateway: SocketAddr) -> (Place, Key) {
    let mut place = Place::new();
    place.set("ISSUER", &format!("http://{gateway}/keys"));
    place.set("HTTP__TRUSTED_PROXIES", "127.0.0.0/8");
    place.succeeds(&["migrate"]);
    place.succeeds(&["organization", "create", "acme"]);
    let key = place.key("ci");
    (place, key)
}

impl Gateway {
    fn ask(&self, path: &str, headers: &str) -> Answer {
        let mut connection = Connection::open(self.address).unwrap();
        connection.get_with(path, &format!("{headers}Connection: close\r\n")).unwrap()
    }

    /// Exchanges the key for a token of the server itself.
    fn exchange(&self, key: &Key) -> Answer {
        let form = format!(
            "name={}&secret={}&resource=http://{}/keys",
            key.name, key.secret, self.address
        );
        let headers = "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n";
        let mut connection = Connection::open(self.address).unwrap();
        connection.post("/keys/auth/v1/api-key/token", headers, &form).unwrap()
    }
}

/// What the doctor says of the server.
fn server_check(place: &Place) -> Value {
    let report = place.run(&["doctor", "--json"]).stdout;
    let report: Value = serde_json::from_slice(&report).unwrap();
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["what"] == "server").unwrap().clone()
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn fx_40_an_issuer_with_a_path_is_found_and_used_behind_the_documented_nginx() {
    if is_missing("nginx") {
        return;
    }
    let address = free_address();
    let (place, key) = place(address);
    let server = place.serve();
    let gateway = nginx(&place, address, &configured(address, server.address));
    let issuer = format!("http://{address}/keys");

    for url in [
        "/.well-known/oauth-authorization-server/keys",
        "/.well-known/openid-configuration/keys",
        "/keys/.well-known/openid-configuration",
        "/keys/.well-known/oauth-authorization-server",
    ] {
        let answer = gateway.ask(url, "");
        assert_eq!(answer.status, 200, "{url}: {}", answer.body);
        assert_eq!(answer.json()["issuer"], issuer, "{url}");
        assert_eq!(answer.json()["jwks_uri"], format!("{issuer}/.well-known/jwks.json"), "{url}");
    }
    let protected = gateway.ask("/.well-known/oauth-protected-resource/keys", "");
    assert_eq!(protected.json()["resource"], issuer);
    assert_eq!(gateway.ask("/keys/.well-known/jwks.json", "").status, 200);
    let token = gateway.exchange(&key).token();
    place.keep_out_of_logs(&token);
    assert_eq!(claims(&token)["iss"], issuer);
    let asked = gateway.ask("/keys/api/v1/whoami", &format!("Authorization: Bearer {token}\r\n"));
    assert_eq!(asked.status, 200, "{}", asked.body);
    assert_eq!(server_check(&place)["health"], "ok", "{}", server_check(&place));
}

#[test]
fn fx_40_the_doctor_says_that_a_proxy_must_not_remove_the_path_of_the_issuer() {
    if is_missing("nginx") {
        return;
    }
    let address = free_address();
    let (place, key) = place(address);
    let server = place.serve();
    let whole = format!("proxy_pass http://{};", server.address);
    let stripped = format!("proxy_pass http://{}/;", server.address);
    let text = configured(address, server.address).replacen(&whole, &stripped, 1);
    let gateway = nginx(&place, address, &text);

    assert_eq!(gateway.exchange(&key).status, 404);
    let check = server_check(&place);
    assert_eq!(check["health"], "warning");
    let detail = check["detail"].as_str().unwrap();
    assert!(detail.contains("must pass the path of the issuer on"), "{detail}");
}
