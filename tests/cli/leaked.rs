//! A real server ends keys whose secrets are given up or found.

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;

use super::{
    http::{Answer, Connection},
    peers::{Reaction, Receiver},
    support::{Place, Server, wait},
};

fn post(server: &Server<'_>, path: &str, headers: &str, body: &str) -> Answer {
    Connection::open(server.address).unwrap().post(path, headers, body).unwrap()
}

#[test]
fn rv_11_curl_and_the_secret_are_enough_to_end_a_key() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    assert_eq!(server.exchange(&key).status, 200);

    let form = format!("secret={}", key.secret);
    let form_type = "Content-Type: application/x-www-form-urlencoded\r\n";
    let ended = post(&server, "/auth/v1/api-key/revoke", form_type, &form);

    assert_eq!((ended.status, ended.json()), (200, json!({ "status": "revoked" })));
    assert_eq!(server.exchange(&key).status, 401);
    assert_eq!(place.json(&["key", "show", "ci"])["status"], "revoked");
}

#[test]
fn ks_03_githubs_keys_are_fetched_and_its_reports_believed() {
    let github = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let der: PublicKeyX509Der<'_> = github.public_key().as_der().unwrap();
    let pem = BASE64_STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n");
    let keys = json!({ "public_keys": [{ "key_identifier": "k1", "key": pem }] }).to_string();
    let publishes = Receiver::start(Reaction::Send(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n\
         content-length: {}\r\n\r\n{keys}",
        keys.len()
    )));
    let url = format!("http://{}/meta/public_keys/secret_scanning", publishes.address);
    let (place, key) =
        Place::with_key_and(&[("OUTBOUND__ALLOW", "127.0.0.0/8"), ("LEAKS__GITHUB_KEYS", &url)]);
    let server = place.serve();
    let body = json!([{ "token": key.secret, "type": "keyturn_api_key", "url": null }]).to_string();
    let signature = github.sign(&SystemRandom::new(), body.as_bytes()).unwrap();
    let headers = format!(
        "Github-Public-Key-Identifier: k1\r\nGithub-Public-Key-Signature: {}\r\n",
        BASE64_STANDARD.encode(signature.as_ref())
    );

    let report = || post(&server, "/auth/v1/api-key/leaks/github", &headers, &body);
    wait(|| report().status == 200, || format!("{:?}", report()));

    assert_eq!(server.exchange(&key).status, 401);
    let shown = place.json(&["key", "show", "ci"]);
    assert_eq!(shown["status"], "revoked");
}
