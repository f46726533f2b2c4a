//! FX-01 for every route of the management API that changes something, as its description lists
//! them: each is paused before it writes, and its token's key is revoked meanwhile.

use axum::http::Method;
use chrono::{SecondsFormat, TimeDelta};
use keyturn::{
    domain::{Algorithm, ApiKeyId, Expected, OrganizationId, Owner, Reach},
    manage::{Asker, api_keys, audit_trail, signing_keys},
    store::{Page, audit_events::Filter},
};
use serde_json::{Value, json};

use crate::support::{Answer, Caller, TestServer, new_key, problem};

const API: &str = "/api/v1";

/// A server with somebody who makes what the routes need.
struct World {
    server: TestServer,
    acme: OrganizationId,
    maker: Caller,
    made: std::cell::Cell<u32>,
}

impl World {
    async fn on(server: TestServer) -> Self {
        let acme = server.acme().await;
        let maker = owner(&server, acme, "maker").await.1;
        Self { server, acme, maker, made: std::cell::Cell::default() }
    }

    fn name(&self) -> String {
        self.made.set(self.made.get() + 1);
        format!("thing-{}", self.made.get())
    }

    fn in_hours(&self, hours: i64) -> String {
        let at = self.server.app.clock.now() + TimeDelta::hours(hours);
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// Makes a thing, and gives its path.
    async fn make(&self, path: &str, body: Value) -> String {
        let made = self.maker.post(path, &body).await;
        assert_eq!(made.status, 201, "{path}: {}", made.text);
        format!("{path}/{}", made.id())
    }

    async fn put(&self, path: String, body: Value) -> String {
        let made = self.maker.put_new(&path, &body).await;
        assert_eq!(made.status, 201, "{path}: {}", made.text);
        path
    }

    async fn act(&self, path: &str) {
        let done = self.maker.act(path, "*").await;
        assert_eq!(done.status, 200, "{path}: {}", done.text);
    }

    async fn key(&self) -> String {
        self.make("/api/v1/api-keys", json!({ "name": self.name(), "roles": ["viewer"] })).await
    }

    async fn client(&self) -> String {
        self.make("/api/v1/clients", self.new_client()).await
    }

    fn new_client(&self) -> Value {
        json!({
            "name": self.name(),
            "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["client_credentials"],
            "scopes": ["read"],
        })
    }

    fn new_trust(&self) -> Value {
        json!({
            "name": self.name(),
            "issuer": "https://token.actions.githubusercontent.com",
            "conditions": { "repository_id": ["1296269"], "ref": ["refs/heads/main"] },
            "roles": ["viewer"],
        })
    }

    fn new_webhook(&self) -> Value {
        json!({
            "organization_id": self.acme,
            "url": "https://hooks.example.com/keyturn",
            "events": ["api_key.leaked"],
        })
    }

    fn new_organization(&self) -> Value {
        json!({ "name": self.name(), "parent_id": self.acme })
    }

    fn of_acme(&self, rest: &str) -> String {
        format!("{API}/organizations/{}{rest}", self.acme)
    }

    async fn member(&self) -> String {
        let email = format!("{}@example.com", self.name());
        let members = self.of_acme("/members");
        let made = self.maker.post(&members, &json!({ "email": email, "role": "viewer" })).await;
        assert_eq!(made.status, 201, "{}", made.text);
        format!("{members}/{}", made.body["user_id"].as_str().unwrap())
    }

    async fn role(&self) -> String {
        let path = self.of_acme(&format!("/roles/{}", self.name()));
        self.put(path, json!({ "scopes": ["read"] })).await
    }

    async fn resource(&self) -> String {
        let path = format!("{API}/resources/{}", self.name());
        self.put(path, json!({ "scopes": ["read"], "algorithm": "ES256" })).await
    }

    /// A request to the route that succeeds; `None` where nobody has written one.
    async fn example(&self, method: &str, route: &str) -> Option<(String, Option<Value>)> {
        let rest = route.strip_prefix(API)?;
        Some(match (method, rest) {
            ("post", "/api-keys") => {
                (route.to_owned(), Some(json!({ "name": self.name(), "roles": ["viewer"] })))
            }
            ("delete", "/api-keys/{id}") => (self.key().await, None),
            ("patch", "/api-keys/{id}") => {
                (self.key().await, Some(json!({ "description": "changed" })))
            }
            ("post", "/api-keys/{id}/enable") => {
                let key = self.key().await;
                self.act(&format!("{key}/disable")).await;
                (format!("{key}/enable"), None)
            }
            ("post", "/api-keys/{id}/unlock") => {
                let key = self.key().await;
                self.act(&format!("{key}/lock")).await;
                (format!("{key}/unlock"), None)
            }
            ("post", "/api-keys/{id}/rotate") => {
                (format!("{}/rotate", self.key().await), Some(json!({})))
            }
            ("put", "/api-keys/{id}/rotation") => {
                let key = self.key().await;
                let body = json!({ "old_secret_dies_at": self.in_hours(2) });
                let rotated = self.maker.act_with(&format!("{key}/rotate"), "*", &body).await;
                assert_eq!(rotated.status, 200, "{}", rotated.text);
                let body = json!({ "old_secret_dies_at": self.in_hours(1) });
                (format!("{key}/rotation"), Some(body))
            }
            (
                "post",
                "/api-keys/{id}/disable" | "/api-keys/{id}/lock" | "/api-keys/{id}/revoke",
            ) => {
                let action = rest.rsplit_once('/')?.1;
                (format!("{}/{action}", self.key().await), None)
            }
            (_, rest) if rest.starts_with("/organizations") || rest.starts_with("/users") => {
                self.of_people(method, rest).await?
            }
            _ => self.of_the_rest(method, rest).await?,
        })
    }

    async fn of_people(&self, method: &str, rest: &str) -> Option<(String, Option<Value>)> {
        let organizations = "/api/v1/organizations";
        let new_user = || json!({ "email": format!("{}@example.com", self.name()) });
        Some(match (method, rest) {
            ("post", "/organizations") => (organizations.to_owned(), Some(self.new_organization())),
            ("delete", "/organizations/{id}") => {
                (self.make(organizations, self.new_organization()).await, None)
            }
            ("patch", "/organizations/{id}") => {
                let path = self.make(organizations, self.new_organization()).await;
                (path, Some(json!({ "name": self.name() })))
            }
            ("post", "/organizations/{id}/members") => {
                let email = format!("{}@example.com", self.name());
                (self.of_acme("/members"), Some(json!({ "email": email, "role": "viewer" })))
            }
            ("delete", "/organizations/{id}/members/{user_id}") => (self.member().await, None),
            ("patch", "/organizations/{id}/members/{user_id}") => {
                (self.member().await, Some(json!({ "role": "manager" })))
            }
            ("put", "/organizations/{id}/roles/{name}") => {
                (self.role().await, Some(json!({ "scopes": ["write"] })))
            }
            ("delete", "/organizations/{id}/roles/{name}") => (self.role().await, None),
            ("post", "/users") => ("/api/v1/users".to_owned(), Some(new_user())),
            ("patch", "/users/{id}") => {
                (self.make("/api/v1/users", new_user()).await, Some(json!({ "name": "Ada" })))
            }
            _ => return None,
        })
    }

    async fn of_the_rest(&self, method: &str, rest: &str) -> Option<(String, Option<Value>)> {
        Some(match (method, rest) {
            ("post", "/clients") => ("/api/v1/clients".to_owned(), Some(self.new_client())),
            ("delete", "/clients/{id}") => (self.client().await, None),
            ("patch", "/clients/{id}") => {
                (self.client().await, Some(json!({ "scopes": ["write"] })))
            }
            ("post", "/clients/{id}/secrets") => {
                (format!("{}/secrets", self.client().await), Some(json!({})))
            }
            ("post", "/clients/{id}/secrets/{secret_id}/remove") => {
                let client = self.client().await;
                let shown = self.maker.get(&client).await;
                let secret = shown.body["secrets"][0]["id"].as_str()?.to_owned();
                (format!("{client}/secrets/{secret}/remove"), None)
            }
            ("put", "/resources/{identifier}") => {
                let body = json!({ "scopes": ["write"], "algorithm": "ES256" });
                (self.resource().await, Some(body))
            }
            ("delete", "/resources/{identifier}") => (self.resource().await, None),
            ("post", "/signing-keys/rotate") => {
                let body = json!({ "algorithm": "RS256" });
                ("/api/v1/signing-keys/rotate".to_owned(), Some(body))
            }
            ("post", "/signing-keys/{id}/revoke") => {
                // One that does not sign yet: no token hangs on it.
                let (app, asker) = (&self.server.app, Asker::keyturn());
                let _ = signing_keys::rotate(app, &asker, Algorithm::Es256).await;
                let all = signing_keys::list(app, &asker).await.unwrap();
                let next = all.iter().rfind(|it| it.algorithm == Algorithm::Es256)?;
                (format!("{API}/signing-keys/{}/revoke", next.signing_key_id), None)
            }
            ("post", "/trusts") => ("/api/v1/trusts".to_owned(), Some(self.new_trust())),
            ("delete", "/trusts/{id}") => {
                (self.make("/api/v1/trusts", self.new_trust()).await, None)
            }
            ("patch", "/trusts/{id}") => {
                let trust = self.make("/api/v1/trusts", self.new_trust()).await;
                (trust, Some(json!({ "once": false })))
            }
            ("post", "/webhooks") => ("/api/v1/webhooks".to_owned(), Some(self.new_webhook())),
            (_, "/webhooks/{id}" | "/webhooks/{id}/rotate-secret" | "/webhooks/{id}/test") => {
                let webhook = self.make("/api/v1/webhooks", self.new_webhook()).await;
                let path = rest.replacen("/webhooks/{id}", &webhook, 1);
                (path, (method == "patch").then(|| json!({ "enabled": false })))
            }
            _ => return None,
        })
    }

    async fn send(&self, by: &Caller, method: &str, example: &(String, Option<Value>)) -> Answer {
        let (path, body) = example;
        let method: Method = method.to_uppercase().parse().unwrap();
        by.send(method, path, &[("if-match", "*")], body.as_ref()).await
    }

    async fn events(&self) -> usize {
        let (app, asker) = (&self.server.app, Asker::keyturn());
        audit_trail::list(app, &asker, &Filter::default(), Page::ALL).await.unwrap().len()
    }
}

/// Somebody who may do everything here.
async fn owner(server: &TestServer, acme: OrganizationId, name: &str) -> (ApiKeyId, Caller) {
    let new = api_keys::NewApiKey {
        roles: Some("owner".parse().unwrap()),
        reach: Reach::Subtree,
        ..new_key(Owner::Organization(acme), name)
    };
    let (key, secret) = server.make_key(new).await;
    (key.id, server.manage(&secret).await)
}

/// Every route that changes something.
fn routes() -> Vec<(String, String)> {
    let description: Value = serde_json::from_str(&keyturn::http::api_description()).unwrap();
    let mut routes = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        let changing = methods.as_object().unwrap().keys().filter(|method| *method != "get");
        routes.extend(changing.map(|method| (method.clone(), path.clone())));
    }
    assert!(routes.len() > 30, "only {} routes change something", routes.len());
    routes
}

#[tokio::test]
async fn fx_01_what_was_revoked_before_a_request_writes_is_final_at_every_route() {
    for server in TestServer::on_each_engine().await {
        let world = World::on(server).await;
        for (method, route) in routes() {
            let what = format!("{} {method} {route}", world.server.engine);
            let example = world.example(&method, &route).await;
            let example = example.unwrap_or_else(|| panic!("{what} has no example here"));
            let (id, revoked) = owner(&world.server, world.acme, &world.name()).await;
            let (_, other) = owner(&world.server, world.acme, &world.name()).await;
            let before = world.events().await;

            let app = world.server.app.clone();
            world.server.app.pauses.before_next_change(async move {
                api_keys::revoke(&app, &Asker::keyturn(), id, &Expected::Any).await.unwrap();
            });
            let refused = world.send(&revoked, &method, &example).await;
            let after = world.events().await;
            let done = world.send(&other, &method, &example).await;

            assert_eq!(problem(&refused), (401, "invalid-token"), "{what}: {}", refused.text);
            assert_eq!(after, before + 1, "{what} wrote beside the revocation");
            assert!(done.status.is_success(), "{what} without it: {}", done.text);
            assert!(world.events().await > after, "{what} writes nothing");
        }
    }
}
