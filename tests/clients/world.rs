//! What the clients of others meet: a server with a certificate, an API key, and a client for each
//! way to prove oneself.

use std::{fs, net::TcpStream};

use aws_lc_rs::{
    encoding::AsBigEndian as _,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde_json::{Value, json};

use super::{
    foreign::Foreigner,
    support::{Key, Place, Server, free_port, wait},
};

pub(crate) const RESOURCE: &str = "https://api.example.com";

pub(crate) struct World {
    pub(crate) place: Place,
    port: u16,
    /// All that a client may know, as the scripts read it.
    pub(crate) told: Value,
}

impl World {
    pub(crate) fn new() -> Self {
        let (port, mut place) = (free_port(), Place::new());
        let issuer = format!("https://localhost:{port}");
        certify(&mut place);
        place.set("ISSUER", &issuer);
        place.set("REFRESH_TOKENS__FOR_API_KEYS", "true");
        place.succeeds(&["migrate"]);
        let acme = place.json(&["organization", "create", "acme"]);
        place.set("REGISTRATION__MODE", "token");
        place.set("REGISTRATION__ORGANIZATION", acme["id"].as_str().unwrap());
        place.set("REGISTRATION__SCOPES", "read,write");
        place.succeeds(&["resource", "register", RESOURCE, "--scope", "read", "--scope", "write"]);
        let made = place.json(&["key", "create", "ci", "--role", "manager"]);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let key = Key { name: text("name"), secret: text("secret"), id: text("id") };
        place.keep_out_of_logs(&key.secret);
        let registrar = place.json(&["key", "create", "registrar", "--role", "owner"]);
        place.keep_out_of_logs(registrar["secret"].as_str().unwrap());
        let clients = register(&place, &issuer);
        let robots = trust_robots(&place);
        let told = json!({
            "issuer": issuer,
            "resource": RESOURCE,
            "public_client": "keyturn-cli",
            "key": { "id": key.id, "name": key.name, "secret": key.secret },
            "registrar": { "name": registrar["name"], "secret": registrar["secret"] },
            "clients": clients,
            "robots": robots,
        });
        Self { place, port, told }
    }

    pub(crate) fn issuer(&self) -> &str {
        self.told["issuer"].as_str().unwrap()
    }

    pub(crate) fn serve(&self) -> Server<'_> {
        let server = self.place.spawn("serve", self.port);
        wait(|| TcpStream::connect(server.address).is_ok(), || server.printed("log"));
        server
    }
}

/// Gives the server a certificate for `localhost`, by an authority of its own.
fn certify(place: &mut Place) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Of another name than the certificate, which would otherwise look as if it had signed itself.
    authority.distinguished_name.push(DnType::CommonName, "keyturn tests");
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let shown = authority.self_signed(&authority_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    certificate.use_authority_key_identifier_extension = true;
    let certificate = certificate.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    let files = [
        ("authority.pem", shown.pem()),
        ("certificate.pem", certificate.pem()),
        ("key.pem", key.serialize_pem()),
    ];
    for (name, text) in files {
        fs::write(place.path().join(name), text).unwrap();
    }
    place.set("TLS__CERTIFICATE", "certificate.pem");
    place.set("TLS__KEY", "key.pem");
}

/// Trusts tokens of an issuer that says no `jti`, and shows its key.
fn trust_robots(place: &Place) -> Value {
    let (issuer, robots) = ("https://robots.example.com", Foreigner::with_rsa("robots"));
    fs::write(place.path().join("robots.json"), robots.jwks()).unwrap();
    let terms = ["--if", "sub=robot", "--jwks", "robots.json", "--reusable", "--role", "viewer"];
    place.succeeds(&[&["trust", "create", "robots", "--issuer", issuer], &terms[..]].concat());
    json!({ "issuer": issuer, "kid": robots.key_id, "pem": robots.pem() })
}

/// A key pair as JWKs: with its private half, and without.
fn jwks() -> (Value, Value) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let encoded = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    // An uncompressed point: a byte that says so, then both coordinates.
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let public = json!({ "kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y) });
    let mut private = public.clone();
    private["d"] = encoded(pair.private_key().as_be_bytes().unwrap().as_ref()).into();
    (private, public)
}

/// Registers them as an operator does.
fn register(place: &Place, issuer: &str) -> Value {
    let (private, public) = jwks();
    fs::write(place.path().join("jwks.json"), json!({ "keys": [public] }).to_string()).unwrap();
    let by_key = ["--auth", "private_key_jwt", "--jwks", "jwks.json"];
    let for_itself = ["--grant", "client_credentials", "--scope", "read", "--scope", "write"];
    let also = ["--grant", "refresh_token", "--grant", "token-exchange"];
    let delegated = ["--exchange", issuer, RESOURCE];
    let refreshed = ["--grant", "refresh_token", "--grant", "token-exchange", "--scope", "read"];
    let impersonated = ["--impersonate", issuer, RESOURCE];
    let all: [(&str, &[&[&str]]); 6] = [
        ("basic", &[&["--auth", "client_secret_basic"], &for_itself, &also, &delegated]),
        ("post", &[&["--auth", "client_secret_post"], &for_itself]),
        ("refreshing", &[&["--auth", "client_secret_basic"], &refreshed, &impersonated]),
        ("assertion", &[&by_key, &for_itself]),
        ("older_assertion", &[&by_key, &["--compat-aud"], &for_itself]),
        ("api", &[&["--auth", "client_secret_basic", "--resource", RESOURCE]]),
    ];
    let made = all.map(|(name, options)| {
        let made = place.json(&[&["client", "register", name], &*options.concat()].concat());
        let id = &made["id"];
        let told = match made["secret"].as_str() {
            Some(secret) => {
                place.keep_out_of_logs(secret);
                json!({ "id": id, "secret": secret })
            }
            None => json!({ "id": id, "key": private }),
        };
        (name.to_owned(), told)
    });
    made.into_iter().collect()
}
