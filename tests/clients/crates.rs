//! The crates `oauth2` and `openidconnect`, with the HTTP client that is in the tree anyway.

use std::fs;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth2::{
    AccessToken, AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, IntrospectionUrl,
    RefreshToken, RequestTokenError, RevocationUrl, Scope, TokenIntrospectionResponse as _,
    TokenResponse as _, TokenUrl,
    basic::{BasicClient, BasicErrorResponseType, BasicTokenType},
};
use openidconnect::{
    IssuerUrl, JsonWebKey as _,
    core::{CoreClient, CoreJwsSigningAlgorithm, CoreProviderMetadata},
};
use serde_json::Value;

use super::world::{RESOURCE, World};

/// What both crates call to send a request.
macro_rules! sender {
    ($http:expr) => {
        |request: HttpRequest| {
            let http = $http.clone();
            async move { send(http, request).await }
        }
    };
}

async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let answer = http.execute(request.try_into()?).await?;
    let mut response = HttpResponse::default();
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    *response.body_mut() = answer.bytes().await?.to_vec();
    Ok(response)
}

fn http(world: &World) -> reqwest::Client {
    let authority = fs::read(world.place.path().join("authority.pem")).unwrap();
    let authority = reqwest::Certificate::from_pem(&authority).unwrap();
    reqwest::Client::builder().tls_certs_only([authority]).build().unwrap()
}

/// An endpoint as RFC 8414 tells it: neither crate reads that document.
struct Metadata(Value);

impl Metadata {
    async fn of(world: &World, http: &reqwest::Client) -> Self {
        let url = format!("{}/.well-known/oauth-authorization-server", world.issuer());
        let text = http.get(url).send().await.unwrap().text().await.unwrap();
        Self(serde_json::from_str(&text).unwrap())
    }

    fn url(&self, name: &str) -> String {
        self.0[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned()
    }

    fn token_url(&self) -> TokenUrl {
        TokenUrl::new(self.url("token_endpoint")).unwrap()
    }

    fn introspection_url(&self) -> IntrospectionUrl {
        IntrospectionUrl::new(self.url("introspection_endpoint")).unwrap()
    }

    fn revocation_url(&self) -> RevocationUrl {
        RevocationUrl::new(self.url("revocation_endpoint")).unwrap()
    }
}

/// The id and the secret of one of the clients, or of the API key.
fn credentials(of: &Value) -> (ClientId, ClientSecret) {
    let text = |name: &str| of[name].as_str().unwrap().to_owned();
    (ClientId::new(text("id")), ClientSecret::new(text("secret")))
}

fn claims(token: &AccessToken) -> Value {
    let payload = token.secret().split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn read() -> Scope {
    Scope::new("read".to_owned())
}

#[tokio::test]
async fn oauth2_gets_tokens_by_a_secret_in_the_header_and_in_the_body() {
    let world = World::new();
    let _server = world.serve();
    let http = http(&world);
    let metadata = Metadata::of(&world, &http).await;
    let sender = sender!(http);

    for (whose, method) in [
        (&world.told["clients"]["basic"], AuthType::BasicAuth),
        (&world.told["clients"]["post"], AuthType::RequestBody),
        (&world.told["key"], AuthType::BasicAuth),
        (&world.told["key"], AuthType::RequestBody),
    ] {
        let (id, secret) = credentials(whose);
        let client = BasicClient::new(id.clone())
            .set_client_secret(secret)
            .set_auth_type(method)
            .set_token_uri(metadata.token_url());
        let asked = client.exchange_client_credentials().add_scope(read());
        let tokens = asked.add_extra_param("resource", RESOURCE).request_async(&sender).await;

        let tokens = tokens.unwrap();
        assert_eq!(tokens.token_type(), &BasicTokenType::Bearer);
        assert_eq!(tokens.expires_in().unwrap().as_secs(), 360);
        assert_eq!(tokens.scopes().unwrap(), &vec![read()]);
        assert_eq!(claims(tokens.access_token())["client_id"], id.as_str());
    }
}

#[tokio::test]
async fn oauth2_refreshes_with_rotation() {
    let world = World::new();
    let _server = world.serve();
    let http = http(&world);
    let sender = sender!(http);
    let (id, secret) = credentials(&world.told["clients"]["refreshing"]);
    let token_url = Metadata::of(&world, &http).await.token_url();
    // The crate has no token exchange.
    let key = world.told["key"]["secret"].as_str().unwrap();
    let form = format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={key}\
         &subject_token_type=urn:keyturn:params:oauth:token-type:api-key&resource={RESOURCE}"
    );
    let asked = http.post(token_url.as_str()).basic_auth(id.as_str(), Some(secret.secret()));
    let asked = asked.header("content-type", "application/x-www-form-urlencoded").body(form);
    let given = asked.send().await.unwrap().text().await.unwrap();
    let given: Value = serde_json::from_str(&given).unwrap();
    let first = given["refresh_token"].as_str().unwrap_or_else(|| panic!("{given}"));
    let first = RefreshToken::new(first.to_owned());
    let client = BasicClient::new(id).set_client_secret(secret).set_token_uri(token_url);
    let refresh = async |token: &RefreshToken| {
        let answer = client.exchange_refresh_token(token).request_async(&sender).await;
        answer.map(|tokens| tokens.refresh_token().expect("a successor").clone())
    };

    let second = refresh(&first).await.unwrap();
    let third = refresh(&second).await.unwrap();
    let stolen = refresh(&first).await;
    let ended = refresh(&third).await;

    assert_ne!(first.secret(), second.secret());
    for refused in [stolen, ended] {
        let Err(RequestTokenError::ServerResponse(answer)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(answer.error(), &BasicErrorResponseType::InvalidGrant);
    }
}

/// Programs that keep a refresh token in place of a key do so, by the name of a public client.
#[tokio::test]
async fn oauth2_refreshes_as_a_public_client() {
    let world = World::new();
    let _server = world.serve();
    let http = http(&world);
    let sender = sender!(http);
    let metadata = Metadata::of(&world, &http).await;
    let (id, secret) = credentials(&world.told["key"]);
    let key =
        BasicClient::new(id.clone()).set_client_secret(secret).set_token_uri(metadata.token_url());
    let public = world.told["public_client"].as_str().unwrap().to_owned();
    let public = BasicClient::new(ClientId::new(public)).set_token_uri(metadata.token_url());

    let tokens = key.exchange_client_credentials().request_async(&sender).await.unwrap();
    let kept = tokens.refresh_token().unwrap();
    let refreshed = public.exchange_refresh_token(kept).request_async(&sender).await.unwrap();

    assert_eq!(claims(refreshed.access_token())["sub"], format!("key:{}", id.as_str()));
}

#[tokio::test]
async fn oauth2_hears_what_a_token_is_worth_until_it_revokes_it() {
    let world = World::new();
    let _server = world.serve();
    let http = http(&world);
    let sender = sender!(http);
    let metadata = Metadata::of(&world, &http).await;
    let (id, secret) = credentials(&world.told["clients"]["basic"]);
    let client = BasicClient::new(id.clone())
        .set_client_secret(secret)
        .set_token_uri(metadata.token_url())
        .set_revocation_url(metadata.revocation_url());
    let (api, secret) = credentials(&world.told["clients"]["api"]);
    let api = BasicClient::new(api)
        .set_client_secret(secret)
        .set_introspection_url(metadata.introspection_url());
    let asked = client.exchange_client_credentials().add_extra_param("resource", RESOURCE);
    let tokens = asked.request_async(&sender).await.unwrap();
    let token = tokens.access_token();

    let before = api.introspect(token).request_async(&sender).await.unwrap();
    client.revoke_token(token.clone().into()).unwrap().request_async(&sender).await.unwrap();
    let after = api.introspect(token).request_async(&sender).await.unwrap();

    assert!(before.active());
    assert_eq!(before.client_id(), Some(&id));
    assert_eq!(before.iss(), Some(world.issuer()));
    assert!(!after.active());
}

#[tokio::test]
async fn openidconnect_discovers_gets_a_token_and_verifies_it() {
    let world = World::new();
    let _server = world.serve();
    let http = http(&world);
    let sender = sender!(http);
    let issuer = IssuerUrl::new(world.issuer().to_owned()).unwrap();
    let (id, secret) = credentials(&world.told["clients"]["basic"]);

    let metadata = CoreProviderMetadata::discover_async(issuer, &sender).await.unwrap();
    let keys = metadata.jwks().clone();
    let client = CoreClient::from_provider_metadata(metadata, id, Some(secret));
    let asked = client.exchange_client_credentials().unwrap();
    let tokens = asked.request_async(&sender).await.unwrap();

    let token = tokens.access_token().secret();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    let header = BASE64_URL_SAFE_NO_PAD.decode(signed.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    let is_meant = |kid: &str| header["kid"] == kid;
    let key = keys.keys().iter().find(|key| key.key_id().is_some_and(|kid| is_meant(kid)));
    let verify = |text: &str| {
        let es256 = CoreJwsSigningAlgorithm::EcdsaP256Sha256;
        key.unwrap().verify_signature(&es256, text.as_bytes(), &signature)
    };
    verify(signed).unwrap();
    verify(&format!("{signed}A")).unwrap_err();
}
