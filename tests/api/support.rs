//! A whole server in memory: the real router, a clock that stands still, repeatable randomness; on
//! `SQLite`, and on PostgreSQL where there is one.

use std::{net::SocketAddr, num::NonZeroU32, sync::OnceLock, time::Duration};

use aws_lc_rs::{encoding::AsDer as _, rsa};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use keyturn::{
    app::{App, Foundations, Settings},
    clock::{self, Clock},
    directory::{self, Directory},
    domain::{Algorithm, ApiKey, KeyPolicy, OrganizationId, Owner, Reach, Rotation, Secret},
    http,
    ledger::{self, Recording},
    manage::{
        Asker,
        api_keys::{self, Created, NewApiKey},
        organizations, resources, signing_keys,
    },
    random::Random,
    signing::KeyEncryptionKey,
    store::{self, Store},
};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tower::ServiceExt as _;

#[path = "../support/postgres.rs"]
mod postgres;

pub(crate) const ISSUER: &str = "https://keyturn.test";
pub(crate) const API_KEY: &str = "/auth/v1/api-key/token";
pub(crate) const OAUTH: &str = "/oauth2/token";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) struct TestServer {
    pub(crate) app: App,
    pub(crate) router: Router,
    /// Which database: for the message of an assertion.
    pub(crate) engine: &'static str,
    /// Where a second process would find the database.
    url: String,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Null where the text is no JSON.
    pub(crate) body: Value,
}

/// What a test may want otherwise.
pub(crate) struct Options {
    pub(crate) settings: Settings,
    pub(crate) edge: http::Settings,
    pub(crate) recording: Recording,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: Settings {
                issuer: ISSUER.to_owned(),
                token_lifetime: TimeDelta::minutes(6),
                email_claim: false,
                keys: KeyPolicy {
                    prefix: "ktk".parse().unwrap(),
                    default_lifetime: TimeDelta::days(183),
                    longest_lifetime: TimeDelta::days(365),
                    may_never_expire: true,
                    expiry_may_change: false,
                    most_per_tree: None,
                    audit_email_domain: "keyturn.test".to_owned(),
                },
                rotation: Rotation {
                    every: TimeDelta::days(90),
                    jwks_max_age: TimeDelta::minutes(15),
                    longest_token: TimeDelta::minutes(6),
                },
                failures_per_minute: NonZeroU32::new(100_000).unwrap(),
            },
            edge: http::Settings {
                trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
                cors_origins: Vec::new(),
                metrics_for: vec!["127.0.0.0/8".parse().unwrap()],
                jwks_max_age: TimeDelta::minutes(15),
            },
            recording: Recording::BeforeReply,
        }
    }
}

impl TestServer {
    /// One on `SQLite`: for what does not depend on the database.
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::on("sqlite", "sqlite::memory:".to_owned(), options).await
    }

    /// One on each engine: for whatever keeps or changes state.
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        Self::on_each_engine_with(Options::default).await
    }

    pub(crate) async fn on_each_engine_with(options: impl Fn() -> Options) -> Vec<Self> {
        let mut servers = vec![Self::with(options()).await];
        if let Some(server) = postgres::server() {
            let url = server.database().await;
            servers.push(Self::on("postgres", url, options()).await);
        }
        servers
    }

    /// A second node on the same database, with a memory of its own. `None` where the database
    /// exists only in this process.
    pub(crate) async fn second_node(&self) -> Option<Self> {
        if self.engine == "sqlite" {
            return None;
        }
        Some(Self::on(self.engine, self.url.clone(), Options::default()).await)
    }

    async fn on(engine: &'static str, url: String, options: Options) -> Self {
        let clock = Clock::fixed(clock::timestamp(1_800_000_000).unwrap());
        let random = Random::System;
        let options_of_store = store::Options { connections: 5, ..store::Options::default() };
        let store = Store::open(&url, options_of_store).await.unwrap();
        store.migrate().await.unwrap();
        let (ledger, writer) =
            ledger::open(store.clone(), clock.clone(), random.clone(), options.recording);
        tokio::spawn(writer.run());
        let limits = directory::Limits { api_keys: 1000, stale_after: Duration::from_secs(10) };
        let directory = Directory::new(store.clone(), clock.clone(), limits);
        let key_encryption_key = test_key_encryption_key();
        let on = Foundations { clock, random, store, directory, ledger, key_encryption_key };
        let app = App::new(options.settings, on);
        if signing_keys::list(&app).await.unwrap().is_empty() {
            signing_keys::ensure(&app, &Asker::keyturn(), Algorithm::Es256).await.unwrap();
            signing_keys::import(&app, &Asker::keyturn(), rsa_pem()).await.unwrap();
        }
        app.catch_up().await.unwrap();
        let router = http::router(app.clone(), options.edge);
        Self { app, router, engine, url }
    }

    /// An organization `acme` with a resource `api` whose scopes are `read` and `write`.
    pub(crate) async fn acme(&self) -> OrganizationId {
        let asker = Asker::keyturn();
        let name = "acme".parse().unwrap();
        let acme = organizations::create(&self.app, &asker, name, None).await.unwrap();
        self.resource("api", "read write").await;
        acme.id
    }

    pub(crate) async fn resource(&self, identifier: &str, scopes: &str) {
        let new = resources::NewResource {
            identifier: identifier.parse().unwrap(),
            scopes: scopes.parse().unwrap(),
            algorithm: Algorithm::Es256,
            token_lifetime: None,
            is_default: false,
        };
        resources::register(&self.app, &Asker::keyturn(), new).await.unwrap();
    }

    pub(crate) async fn suborganization(
        &self,
        parent: OrganizationId,
        name: &str,
    ) -> OrganizationId {
        let name = name.parse().unwrap();
        let made = organizations::create(&self.app, &Asker::keyturn(), name, Some(parent)).await;
        made.unwrap().id
    }

    /// A key of this owner that may do what a manager may.
    pub(crate) async fn key(&self, owner: Owner, name: &str) -> (ApiKey, Secret) {
        self.make_key(NewApiKey { ..new_key(owner, name) }).await
    }

    pub(crate) async fn make_key(&self, new: NewApiKey) -> (ApiKey, Secret) {
        let Created { key, secret } =
            api_keys::create(&self.app, &Asker::keyturn(), new).await.unwrap();
        (key, secret)
    }

    /// A server with `acme` and its key `ci`.
    pub(crate) async fn with_key() -> (Self, Secret) {
        let server = Self::start().await;
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        (server, secret)
    }

    pub(crate) async fn exchange(&self, name: &str, secret: &Secret) -> Answer {
        self.post(API_KEY, &[("name", name), ("secret", secret.reveal())]).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(post(path, &encoded(form))).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = Request::builder().method(Method::GET).uri(path);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
        if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Answer { status: parts.status, headers: parts.headers, text, body }
    }

    /// The claims of a token, verified as a resource server does it: with the published JWKS.
    pub(crate) async fn claims(&self, answer: &Answer) -> Value {
        let token = answer.body["access_token"].as_str().unwrap();
        let jwks = self.get("/.well-known/jwks.json").await;
        verified(token, &jwks.text).unwrap_or_else(|problem| panic!("{problem}: {token}"))
    }
}

impl Answer {
    /// Status and the `error` member: what a client branches on.
    pub(crate) fn error(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["error"].as_str().unwrap_or("none"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) fn new_key(owner: Owner, name: &str) -> NewApiKey {
    NewApiKey {
        owner,
        name: name.parse().unwrap(),
        description: String::new(),
        roles: Some("manager".parse().unwrap()),
        reach: Reach::Own,
        allowed_networks: "".parse().unwrap(),
        lifetime: keyturn::domain::Lifetime::Default,
    }
}

pub(crate) fn post(path: &str, body: &str) -> Request<Body> {
    let request = Request::post(path).header("content-type", FORM);
    request.body(Body::from(body.to_owned())).unwrap()
}

/// A form as a client encodes it: everything but letters and digits.
pub(crate) fn encoded(form: &[(&str, &str)]) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let text = |text: &str| text.bytes().map(byte).collect::<String>();
    let pairs = form.iter().map(|(name, value)| format!("{}={}", text(name), text(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// The claims, if the signature and the header are right.
pub(crate) fn verified(token: &str, jwks: &str) -> Result<Value, String> {
    use jsonwebtoken::{DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
    let header = decode_header(token).map_err(|error| error.to_string())?;
    if header.typ.as_deref() != Some("at+jwt") {
        return Err(format!("typ is {:?}", header.typ));
    }
    let set: JwkSet = serde_json::from_str(jwks).map_err(|error| error.to_string())?;
    let key = set.find(&header.kid.unwrap_or_default()).ok_or("the key is not published")?;
    let mut validation = Validation::new(header.alg);
    // The clock of a test stands still.
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let key = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
    let token = decode::<Value>(token, &key, &validation).map_err(|error| error.to_string())?;
    Ok(token.claims)
}

fn test_key_encryption_key() -> KeyEncryptionKey {
    static TEXT: OnceLock<String> = OnceLock::new();
    let make = || KeyEncryptionKey::generate(&Random::System).expose_secret().to_owned();
    KeyEncryptionKey::from_text(TEXT.get_or_init(make)).unwrap()
}

/// Looking for primes takes long: once for all tests.
fn rsa_pem() -> &'static str {
    static PEM: OnceLock<String> = OnceLock::new();
    PEM.get_or_init(|| {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let der = pair.as_der().unwrap();
        let text = BASE64_STANDARD.encode(der.as_ref());
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    })
}
