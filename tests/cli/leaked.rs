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

/// Signs reports as GitHub does, with a key that is published here.
pub(super) struct GitHub {
    key: EcdsaKeyPair,
    publishes: Receiver,
}

impl GitHub {
    pub(super) fn start() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let der: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        let pem = BASE64_STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n");
        let keys = json!({ "public_keys": [{ "key_identifier": "k1", "key": pem }] }).to_string();
        let publishes = Receiver::start(Reaction::Send(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n\
             content-length: {}\r\n\r\n{keys}",
            keys.len()
        )));
        Self { key, publishes }
    }

    /// With these settings a server believes it.
    pub(super) fn settings(&self) -> [(&'static str, String); 2] {
        let url = format!("http://{}/meta/public_keys/secret_scanning", self.publishes.address);
        [("OUTBOUND__ALLOW", "127.0.0.0/8".to_owned()), ("LEAKS__GITHUB_KEYS", url)]
    }

    /// Reports a secret until it is believed: the keys are fetched meanwhile.
    pub(super) fn report(&self, server: &Server<'_>, secret: &str) {
        let body = json!([{ "token": secret, "type": "keyturn_api_key", "url": null }]);
        let body = body.to_string();
        let signature = self.key.sign(&SystemRandom::new(), body.as_bytes()).unwrap();
        let headers = format!(
            "Github-Public-Key-Identifier: k1\r\nGithub-Public-Key-Signature: {}\r\n",
            BASE64_STANDARD.encode(signature.as_ref())
        );
        let report = || post(server, "/auth/v1/api-key/leaks/github", &headers, &body);
        wait(|| report().status == 200, || format!("{:?}", report()));
    }
}

#[test]
fn ks_03_githubs_keys_are_fetched_and_its_reports_believed() {
    let github = GitHub::start();
    let settings = github.settings();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (place, key) = Place::with_key_and(&settings);
    let server = place.serve();

    github.report(&server, &key.secret);

    assert_eq!(server.exchange(&key).status, 401);
    let shown = place.json(&["key", "show", "ci"]);
    assert_eq!(shown["status"], "revoked");
}
