//! RFC 8693: a token goes in, another with no more rights comes out. Checks TX-01 to TX-19.

mod any;
mod bound;
mod chains;
mod form;
mod of_others;
mod policy;
mod recorded;
mod refreshed;

use keyturn::{
    clock::Timestamp,
    domain::{
        Authentication, Client, ClientTerms, ExchangeRule, GrantType, OrganizationId, Owner,
        RefreshTerms, Secret, Source,
    },
    exchange::{self, Standing},
    signing::{AccessToken, Audience, TokenType, VerifiedToken},
    store,
};
use serde_json::Value;

use crate::support::{Answer, ISSUER, OAUTH, TestServer};

const GRANT: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
const API_KEY: &str = "urn:keyturn:params:oauth:token-type:api-key";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// A registered client with its secret.
struct Party {
    client: Client,
    id: String,
    secret: String,
}

impl Party {
    fn credentials(&self) -> [(&str, &str); 2] {
        [("client_id", &self.id), ("client_secret", &self.secret)]
    }

    /// Asks for a token for itself.
    async fn token(&self, server: &TestServer) -> String {
        let mut form = vec![("grant_type", "client_credentials"), ("resource", "urn:api")];
        form.extend(self.credentials());
        token_of(&server.post(OAUTH, &form).await)
    }

    /// Has a token exchanged.
    async fn exchanges(&self, server: &TestServer, subject: &str, more: &[(&str, &str)]) -> Answer {
        let mut form = self.credentials().to_vec();
        form.extend(more);
        exchange(server, (subject, ACCESS_TOKEN), &form).await
    }

    async fn change(&self, server: &TestServer, change: impl Fn(&mut Client)) {
        let mut tx = server.app.store.write().await.unwrap();
        let mut client = store::clients::find(&mut tx, self.client.id).await.unwrap().unwrap();
        change(&mut client);
        assert!(store::clients::update(&mut tx, &client).await.unwrap());
        server.app.commit(tx).await.unwrap();
    }

    async fn disable(&self, server: &TestServer) {
        let now = server.app.clock.now();
        self.change(server, |client| client.disabled_at = Some(now)).await;
    }
}

fn terms(exchanges: Vec<ExchangeRule>) -> ClientTerms {
    ClientTerms {
        authentication: Authentication::ClientSecretPost,
        grants: vec![GrantType::ClientCredentials, GrantType::TokenExchange],
        scopes: "read write".parse().unwrap(),
        exchanges,
        ..ClientTerms::default()
    }
}

/// The same for a client that is given refresh tokens.
fn refreshing(exchanges: Vec<ExchangeRule>) -> ClientTerms {
    let mut terms = terms(exchanges);
    terms.grants.push(GrantType::RefreshToken);
    let refresh = RefreshTerms { rotates: false, lifetime: 3600, idle: 3600 };
    ClientTerms { refresh: Some(refresh), ..terms }
}

/// A rule for our own tokens.
fn rule(resource: &str, impersonation: bool) -> ExchangeRule {
    ExchangeRule { issuer: ISSUER.to_owned(), resource: resource.parse().unwrap(), impersonation }
}

async fn party(
    server: &TestServer,
    organization: OrganizationId,
    name: &str,
    terms: ClientTerms,
) -> Party {
    let made = server.client(organization, name, terms).await;
    let secret = made.secret.map(|secret| secret.reveal().to_owned()).unwrap_or_default();
    Party { id: made.client.id.to_string(), client: made.client, secret }
}

/// Posts the grant with this subject token of this type.
async fn exchange(
    server: &TestServer,
    (token, token_type): (&str, &str),
    more: &[(&str, &str)],
) -> Answer {
    let mut form = vec![GRANT, ("subject_token", token), ("subject_token_type", token_type)];
    form.extend(more);
    server.post(OAUTH, &form).await
}

fn token_of(answer: &Answer) -> String {
    let token = answer.body["access_token"].as_str();
    token.unwrap_or_else(|| panic!("no token: {}", answer.text)).to_owned()
}

/// A token of a key alone, for `urn:api`.
async fn token_of_key(server: &TestServer, secret: &Secret) -> String {
    token_of(&exchange(server, (secret.reveal(), API_KEY), &[("resource", "urn:api")]).await)
}

fn verified(server: &TestServer, token: &str) -> VerifiedToken {
    let (app, types) = (&server.app, TokenType::ACCESS_TOKENS);
    app.signer.verify(token, app.clock.now(), types, Audience::Any).unwrap()
}

/// What a resource server that asks is told.
async fn standing(server: &TestServer, token: &str) -> Option<Standing> {
    exchange::standing(&server.app, &verified(server, token), None).await.unwrap()
}

async fn claims(server: &TestServer, token: &str) -> Value {
    let answer = Answer {
        status: axum::http::StatusCode::OK,
        headers: axum::http::HeaderMap::new(),
        text: String::new(),
        body: serde_json::json!({ "access_token": token }),
    };
    server.claims(&answer).await
}

async fn revoke_token(server: &TestServer, token: &str) {
    let token = verified(server, token);
    let mut tx = server.app.store.write().await.unwrap();
    store::revoked_tokens::insert(&mut tx, token.token_id, token.expires_at).await.unwrap();
    server.app.commit(tx).await.unwrap();
}

/// What a token may say beside who it is of.
struct Says<'a> {
    subject: &'a str,
    client_id: &'a str,
    sources: &'a [Source],
    organization: OrganizationId,
    expires_at: Timestamp,
}

/// A token as an earlier version or another grant would have made it.
fn signed(server: &TestServer, says: &Says<'_>) -> String {
    let (app, now) = (&server.app, server.app.clock.now());
    let claims = AccessToken {
        sub: says.subject,
        aud: "urn:api",
        client_id: says.client_id,
        iat: now,
        exp: says.expires_at,
        jti: app.random.id(now),
        scope: "read write",
        roles: &[],
        src: says.sources,
        act: None,
        cnf: None,
        org: says.organization.0,
        user_id: None,
        email: None,
    };
    app.signer
        .sign(keyturn::domain::Algorithm::Es256, now, TokenType::AccessToken, &claims)
        .unwrap()
}

/// `acme` with the resources `urn:api` and `urn:other`, and its key `ci`, a manager.
struct World {
    server: TestServer,
    acme: OrganizationId,
    key: keyturn::domain::ApiKey,
    secret: Secret,
}

impl World {
    async fn new() -> Self {
        Self::on(TestServer::start().await).await
    }

    async fn on(server: TestServer) -> Self {
        server.resource("urn:api", "admin read write").await;
        server.resource("urn:other", "admin read write").await;
        let acme = server.root("acme").await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
        Self { server, acme, key, secret }
    }

    async fn on_each_engine() -> Vec<Self> {
        let mut worlds = Vec::new();
        for server in TestServer::on_each_engine().await {
            worlds.push(Self::on(server).await);
        }
        worlds
    }

    async fn party(&self, name: &str, exchanges: Vec<ExchangeRule>) -> Party {
        party(&self.server, self.acme, name, terms(exchanges)).await
    }
}
