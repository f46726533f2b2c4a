//! Clients that register themselves (RFC 7591) and manage themselves (RFC 7592).

mod admission;
mod described;
mod itself;
mod limits;
mod made;
mod rotated;

use std::num::NonZeroU32;

use axum::{
    body::Body,
    http::{Method, Request},
};
use chrono::TimeDelta;
use keyturn::{
    domain::{
        Admission, Client, GrantType, Organization, OrganizationId, RegistrationPolicy, Version,
    },
    store,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, OAUTH, Options, TestServer};

pub(crate) const REGISTER: &str = "/oauth2/register";
/// Known before there is a server: the settings name it.
const PARTNERS: OrganizationId = OrganizationId(Uuid::from_u128(0x0190_7000_8000_0001));

pub(crate) fn policy() -> RegistrationPolicy {
    RegistrationPolicy {
        admission: Admission::Anybody,
        organization_id: PARTNERS,
        grants: vec![GrantType::ClientCredentials, GrantType::RefreshToken, GrantType::JwtBearer],
        scopes: "read write".parse().unwrap(),
        resources: Some(vec!["api".parse().unwrap()]),
        most: 1000,
        most_per_hour: NonZeroU32::new(10_000).unwrap(),
        unused_after: TimeDelta::days(30),
    }
}

pub(crate) fn options(policy: RegistrationPolicy) -> Options {
    let mut options = Options::default();
    options.settings.registration = Some(policy);
    options
}

/// A server where clients register themselves, with `api` and the organization they belong to.
pub(crate) async fn server_with(policy: RegistrationPolicy) -> TestServer {
    furnished(TestServer::with(options(policy)).await).await
}

pub(crate) async fn servers() -> Vec<TestServer> {
    let mut all = Vec::new();
    for server in TestServer::on_each_engine_with(|| options(policy())).await {
        all.push(furnished(server).await);
    }
    all
}

async fn furnished(server: TestServer) -> TestServer {
    furnish(&server).await;
    server
}

pub(crate) async fn furnish(server: &TestServer) {
    server.resource("api", "read write admin").await;
    let partners = Organization {
        id: PARTNERS,
        parent_id: None,
        name: "partners".parse().unwrap(),
        created_at: server.app.clock.now(),
        disabled_at: None,
        version: Version::FIRST,
    };
    let mut tx = server.app.store.write().await.unwrap();
    store::organizations::insert(&mut tx, &partners).await.unwrap();
    server.app.commit(tx).await.unwrap();
}

/// What a client that gets tokens for itself says.
fn shop() -> Value {
    json!({
        "client_name": "Shop",
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_post",
        "scope": "read",
    })
}

/// The same with other members.
fn shop_with(members: Value) -> Value {
    let Value::Object(members) = members else { panic!("members are an object") };
    let mut shop = shop();
    shop.as_object_mut().unwrap().extend(members);
    shop
}

async fn send(
    server: &TestServer,
    target: (Method, &str),
    token: Option<&str>,
    body: Option<&Value>,
) -> Answer {
    server.send(request(target, token, body)).await
}

fn request(
    (method, path): (Method, &str),
    token: Option<&str>,
    body: Option<&Value>,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map(ToString::to_string).unwrap_or_default();
    request.body(Body::from(body)).unwrap()
}

pub(crate) async fn register(server: &TestServer, said: &Value) -> Answer {
    send(server, (Method::POST, REGISTER), None, Some(said)).await
}

/// A client as it knows itself after it has registered.
#[derive(Clone)]
pub(crate) struct Itself {
    pub(crate) id: String,
    pub(crate) secret: String,
    token: String,
}

impl From<&Answer> for Itself {
    fn from(answer: &Answer) -> Self {
        let text = |name: &str| answer.body[name].as_str().unwrap_or_default().to_owned();
        let (id, secret) = (text("client_id"), text("client_secret"));
        assert!(!id.is_empty(), "no client: {}", answer.text);
        Self { id, secret, token: text("registration_access_token") }
    }
}

impl Itself {
    pub(crate) async fn registered(server: &TestServer, said: &Value) -> Self {
        Self::from(&register(server, said).await)
    }

    fn path(&self) -> String {
        format!("{REGISTER}/{}", self.id)
    }

    async fn get(&self, server: &TestServer) -> Answer {
        send(server, (Method::GET, &self.path()), Some(&self.token), None).await
    }

    pub(crate) async fn put(&self, server: &TestServer, said: &Value) -> Answer {
        server.send(self.change(said)).await
    }

    fn change(&self, said: &Value) -> Request<Body> {
        let mut said = said.clone();
        said["client_id"] = self.id.as_str().into();
        request((Method::PUT, &self.path()), Some(&self.token), Some(&said))
    }

    async fn delete(&self, server: &TestServer) -> Answer {
        send(server, (Method::DELETE, &self.path()), Some(&self.token), None).await
    }

    /// As it would be with another token.
    fn by(&self, answer: &Answer) -> Self {
        let token = answer.body["registration_access_token"].as_str();
        let token = token.unwrap_or_else(|| panic!("no token: {}", answer.text)).to_owned();
        Self { token, ..self.clone() }
    }

    /// A token that it gets for itself.
    async fn ask(&self, server: &TestServer, more: &[(&str, &str)]) -> Answer {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &self.id),
            ("client_secret", &self.secret),
        ];
        form.extend(more);
        server.post(OAUTH, &form).await
    }

    async fn kept(&self, server: &TestServer) -> Option<Client> {
        let mut tx = server.app.store.read().await.unwrap();
        store::clients::find(&mut tx, self.id.parse().unwrap()).await.unwrap()
    }
}
