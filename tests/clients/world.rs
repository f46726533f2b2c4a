//! What the clients of others meet: a server with a certificate, an API key, and a client for each
//! way to prove oneself.

use std::{fs, io::Write as _, net::TcpStream};

use aws_lc_rs::{
    encoding::AsBigEndian as _,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use keyturn::{
    clock::Clock,
    domain::{
        Authentication, Client, ClientId, ClientSecret, ClientTerms, ExchangeRule, GrantType,
        KeySource, OrganizationId, RefreshTerms, ResourceIdentifier, Secret, SecretId, Version,
    },
    random::Random,
    store::{self, Store, client_secrets, clients},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde_json::{Value, json};

use super::support::{Key, Place, Server, free_port, wait};

/// What the server does not do yet, though the scripts can.
pub(crate) const WAITING: &[&str] = &[
    "private_key_jwt",
    "none",
    "refresh",
    "dpop",
    "introspection",
    "revocation",
    "token_exchange",
];

/// Tells whether the server does not know this yet, and says so.
pub(crate) fn waits(flow: &str) -> bool {
    let waits = WAITING.contains(&flow);
    if waits {
        let _ = writeln!(std::io::stderr(), "a crate waits for {flow}");
    }
    waits
}

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
        place.succeeds(&["migrate"]);
        let acme = place.json(&["organization", "create", "acme"])["id"].clone();
        let acme: OrganizationId = acme.as_str().unwrap().parse().unwrap();
        place.succeeds(&["resource", "register", RESOURCE, "--scope", "read", "--scope", "write"]);
        let made = place.json(&["key", "create", "ci", "--role", "manager"]);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let key = Key { name: text("name"), secret: text("secret"), id: text("id") };
        place.keep_out_of_logs(&key.secret);
        let clients =
            std::thread::scope(|on| on.spawn(|| register(&place, acme, &issuer)).join().unwrap());
        let told = json!({
            "issuer": issuer,
            "resource": RESOURCE,
            "public_client": "keyturn-cli",
            "key": { "id": key.id, "name": key.name, "secret": key.secret },
            "clients": clients,
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

fn terms(authentication: Authentication) -> ClientTerms {
    ClientTerms {
        authentication,
        grants: vec![GrantType::ClientCredentials],
        scopes: "read write".parse().unwrap(),
        ..ClientTerms::default()
    }
}

fn register(place: &Place, acme: OrganizationId, issuer: &str) -> Value {
    let resource = ResourceIdentifier::from_uri(RESOURCE).unwrap();
    let (private, public) = jwks();
    let keys = KeySource::Pinned(json!({ "keys": [public] }).to_string());
    let by_key = |compat_aud| Authentication::PrivateKeyJwt { keys: keys.clone(), compat_aud };
    let all = [
        (
            "basic",
            ClientTerms {
                grants: vec![
                    GrantType::ClientCredentials,
                    GrantType::RefreshToken,
                    GrantType::TokenExchange,
                ],
                refresh: Some(RefreshTerms { rotates: true, lifetime: 86_400, idle: 3_600 }),
                exchanges: vec![ExchangeRule {
                    issuer: issuer.to_owned(),
                    resource: resource.clone(),
                    impersonation: false,
                }],
                ..terms(Authentication::ClientSecretBasic)
            },
        ),
        ("post", terms(Authentication::ClientSecretPost)),
        ("assertion", terms(by_key(false))),
        ("older_assertion", terms(by_key(true))),
        (
            "api",
            ClientTerms {
                grants: Vec::new(),
                resources: Some(vec![resource]),
                ..terms(Authentication::ClientSecretBasic)
            },
        ),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(open(place));
    let made = all.map(|(name, terms)| {
        let has_secret = terms.authentication.has_secret();
        let (id, secret) = runtime.block_on(insert(&store, acme, name, terms));
        place.keep_out_of_logs(&secret);
        let proof = if has_secret { ("secret", secret.into()) } else { ("key", private.clone()) };
        (name.to_owned(), json!({ "id": id, proof.0: proof.1 }))
    });
    made.into_iter().collect()
}

async fn open(place: &Place) -> Store {
    let url = format!("sqlite:{}", place.path().join("keyturn.db").display());
    Store::open(&url, store::Options::default()).await.unwrap()
}

async fn insert(
    store: &Store,
    organization_id: OrganizationId,
    name: &str,
    terms: ClientTerms,
) -> (String, String) {
    let (now, random) = (Clock::system().now(), Random::System);
    let client = Client {
        id: ClientId(random.id(now)),
        organization_id,
        name: name.parse().unwrap(),
        terms,
        created_at: now,
        disabled_at: None,
        status_index: 0,
        registration: None,
        version: Version::FIRST,
    };
    let mut tx = store.write().await.unwrap();
    let client = clients::insert(&mut tx, client).await.unwrap();
    let secret = Secret::for_client(&random);
    if client.terms.authentication.has_secret() {
        let kept = ClientSecret {
            id: SecretId(random.id(now)),
            client_id: client.id,
            hash: secret.hash(),
            created_at: now,
            expires_at: None,
        };
        client_secrets::insert(&mut tx, &kept).await.unwrap();
    }
    tx.commit(now).await.unwrap();
    (client.id.to_string(), secret.reveal().to_owned())
}
