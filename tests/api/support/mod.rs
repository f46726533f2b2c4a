//! A whole server in memory: the real router, a clock that stands still, repeatable randomness; on
//! `SQLite`, and on PostgreSQL where there is one.

use std::{net::SocketAddr, sync::OnceLock, time::Duration};

use aws_lc_rs::{encoding::AsDer as _, rsa};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use keyturn::{
    app::{App, Foundations},
    clock::{self, Clock},
    directory::{self, Directory},
    domain::{
        Algorithm, ApiKey, ApiKeyId, AuditEvent, ClientTerms, Expected, JwtType, Lifetime,
        OrganizationId, Owner, Reach, Secret, Text, UserId, WhenLeaked,
    },
    http, ledger,
    manage::{
        Asker,
        api_keys::{self, Created, NewApiKey, OldSecret, Rotation},
        audit_trail,
        clients::{self, NewClient, Registered},
        members, organizations, resources, signing_keys, users,
    },
    outbound::{Names, Outbound},
    random::Random,
    store::{self, Page, Store, audit_events},
};
use serde_json::Value;
use tower::ServiceExt as _;

mod answer;
mod app;
mod ci;
mod client;
mod database;
mod form;
mod manage;
mod options;
#[path = "../../support/postgres.rs"]
mod postgres;
mod proof;

use self::database::Place;
pub(crate) use self::{
    answer::{Answer, verified},
    ci::Ci,
    client::{Client, INTROSPECT, REVOKE},
    form::{FORM, basic, encoded, mistyped, post},
    manage::{Caller, problem},
    options::{Options, key_encryption_key},
    proof::{ProofKey, base64},
};
use crate::proxy::{Proxy, Target};

pub(crate) const ISSUER: &str = "https://keyturn.test";
pub(crate) const API_KEY: &str = "/auth/v1/api-key/token";
pub(crate) const OAUTH: &str = "/oauth2/token";

pub(crate) struct TestServer {
    pub(crate) app: App,
    pub(crate) router: Router,
    /// Which database: for the message of an assertion.
    pub(crate) engine: &'static str,
    place: Place,
}

impl TestServer {
    /// One on `SQLite`: for what does not depend on the database.
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::on(Place::memory(), options).await
    }

    /// One whose issuer has a path, so that its documents are found in other places.
    pub(crate) async fn tenant() -> Self {
        let mut options = Options::default();
        options.settings.issuer = format!("{ISSUER}/tenant/one");
        Self::with(options).await
    }

    /// One on each engine: for whatever keeps or changes state.
    pub(crate) async fn on_each_engine() -> Vec<Self> {
        Self::on_each_engine_with(Options::default).await
    }

    pub(crate) async fn on_each_engine_with(options: impl Fn() -> Options) -> Vec<Self> {
        let mut servers = vec![Self::with(options()).await];
        if let Some(place) = Place::postgres().await {
            servers.push(Self::on(place, options()).await);
        }
        servers
    }

    /// Two nodes on one database, each with a memory and a clock of its own.
    pub(crate) async fn pairs_on_each_engine() -> Vec<(Self, Self)> {
        Self::pairs_on_each_engine_with(Options::default).await
    }

    pub(crate) async fn pairs_on_each_engine_with(
        options: impl Fn() -> Options,
    ) -> Vec<(Self, Self)> {
        let mut pairs = Vec::new();
        for place in [Some(Place::file()), Place::postgres().await].into_iter().flatten() {
            let server = Self::on(place, options()).await;
            let other = server.second_node_with(options()).await;
            pairs.push((server, other));
        }
        pairs
    }

    /// A second node on the same database. `None` where that exists only in this process.
    pub(crate) async fn second_node(&self) -> Option<Self> {
        if self.place.url.contains(":memory:") {
            return None;
        }
        Some(self.second_node_with(Options::default()).await)
    }

    pub(crate) async fn second_node_with(&self, options: Options) -> Self {
        Self::on(self.place.clone(), options).await
    }

    /// One on PostgreSQL, with a proxy that cuts its connections.
    pub(crate) async fn behind_a_proxy() -> Option<(Self, Proxy)> {
        let place = Place::postgres().await?;
        let (target, url) = Target::of(&place.url);
        let proxy = Proxy::to(target);
        let url = url(proxy.address);
        Some((Self::on(place.at(url), Options::default()).await, proxy))
    }

    async fn on(place: Place, options: Options) -> Self {
        let clock = Clock::fixed(clock::timestamp(1_800_000_000).unwrap());
        let random = Random::System;
        let options_of_store = store::Options { connections: 5, ..store::Options::default() };
        let store = Store::open(&place.url, options_of_store).await.unwrap();
        store.migrate().await.unwrap();
        let (ledger, writer) =
            ledger::open(store.clone(), clock.clone(), random.clone(), options.recording);
        tokio::spawn(writer.run());
        let limits = directory::Limits { api_keys: 1000, stale_after: Duration::from_secs(10) };
        let directory = Directory::new(store.clone(), clock.clone(), limits);
        let outbound = Outbound::new(options.outbound_allow, Names::System, clock.clone());
        let key_encryption_key = options.key_encryption_key;
        let on =
            Foundations { clock, random, store, directory, ledger, outbound, key_encryption_key };
        let app = App::new(options.settings, on);
        if signing_keys::list(&app, &Asker::keyturn()).await.unwrap().is_empty() {
            signing_keys::ensure(&app, &Asker::keyturn(), Algorithm::Es256).await.unwrap();
            signing_keys::import(&app, &Asker::keyturn(), rsa_pem()).await.unwrap();
        }
        app.catch_up().await.unwrap();
        let router = http::router(app.clone(), options.edge);
        Self { app, router, engine: place.engine, place }
    }

    /// An organization `acme` with a resource `api` whose scopes are `read` and `write`.
    pub(crate) async fn acme(&self) -> OrganizationId {
        self.resource("api", "read write").await;
        self.root("acme").await
    }

    /// An organization on top of a tree of its own.
    pub(crate) async fn root(&self, name: &str) -> OrganizationId {
        let name = name.parse().unwrap();
        organizations::create(&self.app, &Asker::keyturn(), name, None).await.unwrap().id
    }

    pub(crate) async fn resource(&self, identifier: &str, scopes: &str) {
        self.resource_with(identifier, scopes, Algorithm::Es256).await;
    }

    pub(crate) async fn resource_with(&self, identifier: &str, scopes: &str, by: Algorithm) {
        let new = resources::NewResource {
            identifier: identifier.parse().unwrap(),
            scopes: scopes.parse().unwrap(),
            algorithm: by,
            jwt_type: JwtType::AccessToken,
            token_lifetime: None,
            is_default: false,
        };
        resources::register(&self.app, &Asker::keyturn(), &Expected::Any, new).await.unwrap();
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

    /// A user with these roles in these organizations.
    pub(crate) async fn user(&self, email: &str, roles: &[(OrganizationId, &str)]) -> UserId {
        let email = email.parse().unwrap();
        let new = users::NewUser { email, name: Text::default(), password: None, membership: None };
        let id = users::create(&self.app, &Asker::keyturn(), new).await.unwrap().id;
        for (organization, role) in roles {
            self.set_role(id, *organization, role).await;
        }
        id
    }

    pub(crate) async fn set_role(&self, user: UserId, organization: OrganizationId, role: &str) {
        let role = role.parse().unwrap();
        members::set_role(&self.app, &Asker::keyturn(), user, organization, role).await.unwrap();
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

    /// A client of this organization, with its secret where it proves itself by one.
    pub(crate) async fn client(
        &self,
        organization_id: OrganizationId,
        name: &str,
        terms: ClientTerms,
    ) -> Registered {
        let new = NewClient { organization_id, name: name.parse().unwrap(), terms };
        clients::register(&self.app, &Asker::keyturn(), new).await.unwrap()
    }

    pub(crate) async fn revoke(&self, id: ApiKeyId) {
        let asker = Asker::keyturn();
        api_keys::revoke(&self.app, &asker, id, &Expected::Any).await.unwrap();
    }

    pub(crate) async fn disable(&self, id: ApiKeyId) {
        let asker = Asker::keyturn();
        api_keys::set_enabled(&self.app, &asker, id, &Expected::Any, false).await.unwrap();
    }

    /// Gives the key a new secret; the old one goes on for so long.
    pub(crate) async fn rotate(&self, id: ApiKeyId, grace: TimeDelta) -> Secret {
        let rotation =
            Rotation { old_secret: OldSecret::DiesAfter(grace), lifetime: None, force: true };
        let asker = Asker::keyturn();
        let rotated = api_keys::rotate(&self.app, &asker, id, &Expected::Any, rotation).await;
        rotated.unwrap().secret
    }

    /// Stops the keys of an organization and of all below it, or lets them again.
    pub(crate) async fn enable_organization(&self, id: OrganizationId, enabled: bool) {
        let mut tx = self.app.store.write().await.unwrap();
        if !enabled && store::organizations::operators(&mut tx).await.unwrap() == Some(id) {
            // Nobody can do it but an older version, or somebody in the database.
            let found = store::organizations::find(&mut tx, id).await.unwrap().unwrap();
            let now = Some(self.app.clock.now());
            let stopped = keyturn::domain::Organization { disabled_at: now, ..found };
            assert!(store::organizations::update(&mut tx, &stopped).await.unwrap());
            self.app.commit(tx).await.unwrap();
            return;
        }
        drop(tx);
        let edit = organizations::Edit { enabled: Some(enabled), ..Default::default() };
        let asker = Asker::keyturn();
        organizations::update(&self.app, &asker, id, &Expected::Any, edit).await.unwrap();
    }

    pub(crate) async fn enable_user(&self, id: UserId, enabled: bool) {
        let edit = users::Edit { enabled: Some(enabled), ..Default::default() };
        let asker = Asker::keyturn();
        users::update(&self.app, &asker, id, &Expected::Any, edit).await.unwrap();
    }

    /// What was done to one thing, oldest first.
    pub(crate) async fn audit_trail(&self, subject: &str) -> Vec<AuditEvent> {
        let filter =
            audit_events::Filter { subject: Some(subject.to_owned()), ..Default::default() };
        let all = audit_trail::list(&self.app, &Asker::keyturn(), &filter, Page::ALL).await;
        all.unwrap().into_iter().rev().map(|recorded| recorded.event).collect()
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

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.router, request).await
    }

    /// The claims of a token, verified as a resource server does it: with the published JWKS.
    pub(crate) async fn claims(&self, answer: &Answer) -> Value {
        let token = answer.body["access_token"].as_str().unwrap();
        let jwks = self.get("/.well-known/jwks.json").await;
        verified(token, &jwks.text).unwrap_or_else(|problem| panic!("{problem}: {token}"))
    }
}

pub(crate) async fn send(router: &Router, mut request: Request<Body>) -> Answer {
    let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
    if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or_default();
    Answer { status: parts.status, headers: parts.headers, text, body }
}

pub(crate) fn new_key(owner: Owner, name: &str) -> NewApiKey {
    NewApiKey {
        owner,
        name: name.parse().unwrap(),
        description: Text::default(),
        roles: Some("manager".parse().unwrap()),
        reach: Reach::Own,
        allowed_networks: "".parse().unwrap(),
        lifetime: Lifetime::Default,
        when_leaked: WhenLeaked::Revoke,
        proof: None,
    }
}

/// Looking for primes takes long: once for all tests.
pub(crate) fn rsa_pem() -> &'static str {
    static PEM: OnceLock<String> = OnceLock::new();
    PEM.get_or_init(|| {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        let der = pair.as_der().unwrap();
        let text = BASE64_STANDARD.encode(der.as_ref());
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    })
}
