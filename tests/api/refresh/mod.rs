//! Refresh tokens: who is given one, what it is good for, and when it ends.

mod bounds;
mod ends;
mod many;
mod presented;
mod public;
mod races;
mod reuse;
mod unheard;

use axum::http::Request;
use keyturn::{
    domain::{
        ApiKeyId, Authentication, ClientTerms, ExchangeRule, GrantType, Lifetime, OrganizationId,
        Owner, RefreshTerms, Secret,
    },
    manage::api_keys::NewApiKey,
};

use crate::support::{
    API_KEY, Answer, FORM, ISSUER, OAUTH, Options, TestServer, basic, encoded, new_key, post,
};

const DAY: u32 = 24 * 60 * 60;

fn refresh_terms(rotates: bool) -> RefreshTerms {
    RefreshTerms { rotates, lifetime: 30 * DAY, idle: 7 * DAY }
}

/// With refresh tokens for whoever exchanges a key.
fn for_keys(rotates: bool) -> Options {
    let mut options = Options::default();
    options.settings.refresh.for_api_keys = Some(refresh_terms(rotates));
    options
}

/// The refresh token in an answer.
fn refresh_token(answer: &Answer) -> String {
    let token = answer.body["refresh_token"].as_str();
    token.unwrap_or_else(|| panic!("no refresh token: {} {}", answer.status, answer.text)).into()
}

fn access_token(answer: &Answer) -> &str {
    let token = answer.body["access_token"].as_str();
    token.unwrap_or_else(|| panic!("no token: {} {}", answer.status, answer.text))
}

/// Uses up what was given for a key, and says nothing about who asks.
async fn refresh(server: &TestServer, token: &str) -> Answer {
    refresh_with(server, token, &[]).await
}

async fn refresh_with(server: &TestServer, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    form.extend(more);
    server.post(OAUTH, &form).await
}

/// Exchanges the key `ci` for a token of the server itself.
async fn exchange(server: &TestServer, secret: &Secret) -> Answer {
    exchange_with(server, secret, &[("resource", ISSUER)]).await
}

async fn exchange_with(server: &TestServer, secret: &Secret, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("name", "ci"), ("secret", secret.reveal())];
    form.extend(more);
    server.post(API_KEY, &form).await
}

/// Whether our own API takes an access token for itself.
async fn works(server: &TestServer, access_token: &str) -> bool {
    let answer = server.manage_by(access_token).get("/api/v1/api-keys?limit=1").await;
    match answer.status.as_u16() {
        200 => true,
        401 => false,
        other => panic!("{other}: {}", answer.text),
    }
}

/// A registered client with a secret, and the key that it exchanges.
struct Shop {
    id: String,
    secret: String,
    key: ApiKeyId,
    key_secret: Secret,
}

fn shop_terms() -> ClientTerms {
    ClientTerms {
        authentication: Authentication::ClientSecretBasicOrPost,
        grants: vec![GrantType::TokenExchange, GrantType::RefreshToken],
        scopes: "read write".parse().unwrap(),
        refresh: Some(refresh_terms(true)),
        exchanges: vec![ExchangeRule {
            issuer: ISSUER.to_owned(),
            resource: "api".parse().unwrap(),
            impersonation: true,
        }],
        ..ClientTerms::default()
    }
}

impl Shop {
    async fn of(server: &TestServer, acme: OrganizationId) -> Self {
        Self::with(server, acme, "shop", shop_terms()).await
    }

    async fn with(
        server: &TestServer,
        acme: OrganizationId,
        name: &str,
        terms: ClientTerms,
    ) -> Self {
        let new = new_key(Owner::Organization(acme), &format!("for-{name}"));
        let new = NewApiKey { lifetime: Lifetime::Never, ..new };
        let (key, key_secret) = server.make_key(new).await;
        let made = server.client(acme, name, terms).await;
        let secret = made.secret.unwrap().reveal().to_owned();
        Self { id: made.client.id.to_string(), secret, key: key.id, key_secret }
    }

    /// Its first tokens, for the resource `api`.
    async fn first(&self, server: &TestServer) -> Answer {
        let form = [
            ("grant_type", GrantType::TokenExchange.as_str()),
            ("subject_token", self.key_secret.reveal()),
            ("subject_token_type", "urn:keyturn:params:oauth:token-type:api-key"),
            ("audience", "api"),
        ];
        self.ask(server, &form).await
    }

    async fn refresh(&self, server: &TestServer, token: &str) -> Answer {
        self.refresh_with(server, token, &[]).await
    }

    async fn refresh_with(
        &self,
        server: &TestServer,
        token: &str,
        more: &[(&str, &str)],
    ) -> Answer {
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        form.extend(more);
        self.ask(server, &form).await
    }

    async fn ask(&self, server: &TestServer, form: &[(&str, &str)]) -> Answer {
        let request = Request::post(OAUTH).header("content-type", FORM);
        let request = request.header("authorization", basic(&self.id, &self.secret));
        server.send(request.body(encoded(form).into()).unwrap()).await
    }
}

#[tokio::test]
async fn rt_01_a_refresh_gives_a_new_access_token_and_the_next_refresh_token() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let shop = Shop::of(&server, acme).await;
        let first = shop.first(&server).await;

        let second = shop.refresh(&server, &refresh_token(&first)).await;
        let third = shop.refresh(&server, &refresh_token(&second)).await;

        let claims = server.claims(&third).await;
        let before = server.claims(&first).await;
        assert_ne!(refresh_token(&first), refresh_token(&second), "{}", server.engine);
        assert_ne!(refresh_token(&second), refresh_token(&third), "{}", server.engine);
        assert_ne!(claims["jti"], before["jti"]);
        for same in ["sub", "client_id", "aud", "scope", "org", "src"] {
            assert_eq!(claims[same], before[same], "{} {same}", server.engine);
        }
        let sources: Vec<_> =
            claims["src"].as_array().unwrap().iter().filter_map(|it| it.as_str()).collect();
        assert!(sources.contains(&&*format!("client:{}", shop.id)), "{claims}");
        assert!(sources.last().unwrap().starts_with("family:"), "{claims}");
        assert_eq!(third.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn rt_25_none_is_given_where_nobody_has_allowed_it() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
    let grants = vec![GrantType::TokenExchange];
    let none = ClientTerms { refresh: None, grants, ..shop_terms() };
    let shop = Shop::with(&server, acme, "shop", none).await;

    let answers = [exchange(&server, &secret).await, shop.first(&server).await];

    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(answer.body.get("refresh_token").is_none(), "{}", answer.text);
    }
}

/// RFC 6749, section 4.4.3: it asks again, with its own credential.
#[tokio::test]
async fn none_is_given_to_a_client_that_asks_for_itself() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let grants = vec![GrantType::ClientCredentials, GrantType::RefreshToken];
        let terms = ClientTerms { grants, ..shop_terms() };
        let shop = Shop::with(&server, acme, "shop", terms).await;

        let answer = shop.ask(&server, &[("grant_type", "client_credentials")]).await;

        assert_eq!(answer.status, 200, "{}: {}", server.engine, answer.text);
        assert!(answer.body.get("refresh_token").is_none(), "{}", answer.text);
    }
}

#[tokio::test]
async fn every_door_for_keys_gives_one_where_the_operator_allows_it() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;

        for (door, form) in crate::doors::forms(&secret) {
            let first = server.post(door, &form).await;
            let own = [("resource", ISSUER)];
            let second = refresh_with(&server, &refresh_token(&first), &own).await;

            let claims = server.claims(&second).await;
            assert_eq!(claims["sub"], format!("key:{}", key.id), "{} {door}", server.engine);
            assert_eq!(claims["client_id"], key.id.to_string(), "{door}");
            assert!(works(&server, access_token(&second)).await, "{door}");
        }
    }
}

#[tokio::test]
async fn one_that_does_not_rotate_is_given_again_and_works_again() {
    for server in TestServer::on_each_engine_with(|| for_keys(false)).await {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let token = refresh_token(&exchange(&server, &secret).await);

        for _ in 0..3 {
            server.app.clock.advance(chrono::TimeDelta::days(6));
            let answer = refresh(&server, &token).await;
            assert_eq!(answer.status, 200, "{} {}", server.engine, answer.text);
            assert_eq!(refresh_token(&answer), token);
        }
    }
}

/// Clients of that wire send a header with a client of theirs, which is none of ours.
#[tokio::test]
async fn the_ibm_door_refreshes_what_it_gave() {
    let server = TestServer::with(for_keys(true)).await;
    let acme = server.acme().await;
    let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
    let grant = ("grant_type", "urn:ibm:params:oauth:grant-type:apikey");
    let first = server.post(crate::doors::IBM, &[grant, ("apikey", secret.reveal())]).await;
    let token = refresh_token(&first);
    let body = encoded(&[("grant_type", "refresh_token"), ("refresh_token", &token)]);

    let mut request = post(crate::doors::IBM, &body);
    request.headers_mut().insert("authorization", basic("bx", "bx").parse().unwrap());
    let second = server.send(request).await;

    assert_eq!(second.status, 200, "{}", second.text);
    assert!(second.body["expiration"].is_i64(), "{}", second.text);
    assert_ne!(refresh_token(&second), token);
}

#[tokio::test]
async fn the_metadata_says_that_tokens_can_be_refreshed() {
    let server = TestServer::start().await;

    let answer = server.get("/.well-known/oauth-authorization-server").await;

    let has = |member: &str, value: &str| {
        answer.body[member].as_array().unwrap().iter().any(|it| it == value)
    };
    assert!(has("grant_types_supported", "refresh_token"), "{}", answer.text);
    assert!(has("token_endpoint_auth_methods_supported", "none"), "{}", answer.text);
}
