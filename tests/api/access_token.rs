//! Tokens as a resource server sees them: checks AT-01 to AT-12.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use jsonwebtoken::{
    Algorithm as Jwa, DecodingKey, Validation, decode, decode_header, errors::ErrorKind,
    jwk::JwkSet,
};
use keyturn::{
    domain::{Algorithm, Expected, JwtType, Owner, Resource},
    manage::{Asker, Rejection, api_keys::NewApiKey, resources},
};
use serde_json::Value;

use crate::support::{API_KEY, Answer, ISSUER, Options, TestServer, new_key, verified};

fn token(answer: &Answer) -> &str {
    answer.body["access_token"].as_str().unwrap_or_else(|| panic!("no token: {}", answer.text))
}

async fn register(server: &TestServer, new: resources::NewResource) -> Result<Resource, Rejection> {
    resources::register(&server.app, &Asker::keyturn(), &Expected::Any, new).await
}

/// A token for each algorithm, and the resource it is for.
async fn one_of_each(server: &TestServer) -> Vec<(Algorithm, String, String)> {
    let acme = server.acme().await;
    let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
    let mut tokens = Vec::new();
    let audience = |algorithm: Algorithm| format!("urn:{}", algorithm.as_str().to_lowercase());
    for algorithm in Algorithm::ALL {
        server.resource_with(&audience(algorithm), "read write", algorithm).await;
    }
    // Until the first key of each signs.
    server.app.clock.advance(server.app.settings.rotation.publish_lead());
    server.app.catch_up().await.unwrap();
    for algorithm in Algorithm::ALL {
        let audience = audience(algorithm);
        let form = [("name", "ci"), ("secret", secret.reveal()), ("resource", &audience)];
        let answer = server.post(API_KEY, &form).await;
        tokens.push((algorithm, audience, token(&answer).to_owned()));
    }
    tokens
}

#[tokio::test]
async fn at_01_at_04_each_resource_has_its_algorithm() {
    for server in TestServer::on_each_engine().await {
        let tokens = one_of_each(&server).await;

        for (algorithm, audience, token) in tokens {
            let header: Value = {
                let encoded = token.split('.').next().unwrap();
                let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).unwrap();
                serde_json::from_slice(&bytes).unwrap()
            };
            let jwks = server.get("/.well-known/jwks.json").await;
            assert_eq!(header["typ"], "at+jwt");
            assert_eq!(header["alg"], algorithm.as_str());
            assert!(header["kid"].is_string());
            assert_eq!(header.as_object().unwrap().len(), 3, "{header}");
            assert_eq!(verified(&token, &jwks.text).unwrap()["aud"], audience);
        }
    }
}

#[tokio::test]
async fn at_02_at_03_at_10_a_token_has_every_claim_of_the_profile() {
    let (server, secret) = TestServer::with_key().await;

    let answer = server.exchange("ci", &secret).await;
    let claims = server.claims(&answer).await;

    for name in ["iss", "sub", "aud", "client_id", "jti", "scope"] {
        assert!(claims[name].is_string(), "{name}: {claims}");
    }
    for name in ["iat", "exp"] {
        assert!(claims[name].is_i64(), "AT-07: {name} is a whole number: {claims}");
    }
    assert!(claims["roles"].as_array().unwrap().iter().all(Value::is_string));
    assert!(claims["nbf"].is_null());
    for absent in ["email", "name", "user_id", "auth_time", "acr", "amr"] {
        assert!(claims[absent].is_null(), "AT-09: {absent}");
    }
}

#[tokio::test]
async fn at_05_the_audience_is_the_resource_asked_for_or_the_default() {
    for server in TestServer::on_each_engine().await {
        let owner = Owner::Organization(server.root("acme").await);
        let (key, secret) = server.key(owner, "ci").await;
        let audience = async |more: &[(&str, &str)]| {
            let mut form = vec![("name", "ci"), ("secret", secret.reveal())];
            form.extend(more);
            let answer = server.post(API_KEY, &form).await;
            server.claims(&answer).await["aud"].clone()
        };

        let without_resources = audience(&[]).await;
        server.resource("first", "read").await;
        server.resource("https://second.example/", "read").await;
        let default = audience(&[]).await;
        let asked = audience(&[("resource", "https://second.example/")]).await;
        let by_audience = audience(&[("audience", "https://second.example/")]).await;
        let ours = audience(&[("resource", ISSUER)]).await;
        let new = resources::NewResource {
            identifier: "third".parse().unwrap(),
            scopes: "read".parse().unwrap(),
            algorithm: Algorithm::Es256,
            jwt_type: JwtType::AccessToken,
            token_lifetime: None,
            is_default: true,
        };
        server.app.clock.advance(TimeDelta::seconds(1));
        register(&server, new).await.unwrap();
        let new_default = audience(&[]).await;

        assert_eq!(without_resources, ISSUER);
        assert_eq!(default, "first");
        assert_eq!(
            (asked, by_audience.as_str()),
            (by_audience.clone(), Some("https://second.example/"))
        );
        assert_eq!(ours, ISSUER);
        assert_eq!(new_default, "third");
        assert_ne!(new_default, key.id.to_string(), "never the client");
    }
}

#[tokio::test]
async fn at_07_a_token_lives_as_long_as_its_resource_lets_it() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(acme, "ci").await;
        let register = async |seconds| {
            let new = resources::NewResource {
                identifier: "short".parse().unwrap(),
                scopes: "read".parse().unwrap(),
                algorithm: Algorithm::Es256,
                jwt_type: JwtType::AccessToken,
                token_lifetime: Some(TimeDelta::seconds(seconds)),
                is_default: false,
            };
            register(&server, new).await
        };

        let refused = [register(29).await.is_err(), register(361).await.is_err()];
        register(30).await.unwrap();
        let form = [("name", "ci"), ("secret", secret.reveal()), ("audience", "short")];
        let answer = server.post(API_KEY, &form).await;

        let claims = server.claims(&answer).await;
        let now = server.app.clock.now().timestamp();
        assert_eq!(refused, [true, true]);
        assert_eq!(answer.body["expires_in"], 30);
        assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(now), Some(now + 30)));
    }
}

#[tokio::test]
async fn at_08_a_token_fits_into_a_header_of_two_kilobytes() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let resource = format!("https://{}.example/", "resource".repeat(12));
    let own = server.app.own_resource.scopes.to_string();
    server.resource_with(&resource, &format!("{own} admin read write"), Algorithm::Rs256).await;
    let roles = Some("owner manager viewer".parse().unwrap());
    let name = "x".repeat(64);
    let new = NewApiKey { roles, ..new_key(Owner::Organization(acme), &name) };
    let (_, secret) = server.make_key(new).await;

    let form = [("name", name.as_str()), ("secret", secret.reveal()), ("resource", &resource)];
    let answer = server.post(API_KEY, &form).await;

    let length = token(&answer).len();
    assert!(length <= 2048, "{length} bytes");
}

#[tokio::test]
async fn at_09_an_address_is_told_only_where_configured() {
    let mut options = Options::default();
    options.settings.email_claim = true;
    let server = TestServer::with(options).await;
    let acme = Owner::Organization(server.acme().await);
    let (key, secret) = server.key(acme, "ci").await;

    let answer = server.exchange("ci", &secret).await;

    let email = key.audit_email("keyturn.test");
    assert_eq!(server.claims(&answer).await["email"], email);
}

#[tokio::test]
async fn at_12_a_strict_verifier_accepts_the_token_for_itself_only() {
    for server in TestServer::on_each_engine().await {
        let tokens = one_of_each(&server).await;
        let jwks = server.get("/.well-known/jwks.json").await.text;
        let set: JwkSet = serde_json::from_str(&jwks).unwrap();
        let now = server.app.clock.now().timestamp();

        for (algorithm, audience, token) in &tokens {
            let header = decode_header(token).unwrap();
            let key = DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
            let verify = |audience: &str, issuer: &str| {
                let mut validation = Validation::new(algorithm.as_str().parse::<Jwa>().unwrap());
                validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
                validation.set_audience(&[audience]);
                validation.set_issuer(&[issuer]);
                // The clock of a test stands still: compared below.
                validation.validate_exp = false;
                decode::<Value>(token, &key, &validation)
                    .map_err(jsonwebtoken::errors::Error::into_kind)
            };

            let claims = verify(audience, ISSUER).unwrap().claims;
            assert!((now + 1..=now + 360).contains(&claims["exp"].as_i64().unwrap()));
            assert!(claims["iat"].as_i64().unwrap() <= now);
            let other = verify("urn:other", ISSUER).unwrap_err();
            assert!(matches!(other, ErrorKind::InvalidAudience), "{algorithm}");
            let issuer = verify(audience, "https://evil.example").unwrap_err();
            assert!(matches!(issuer, ErrorKind::InvalidIssuer), "{algorithm}");
        }
    }
}

#[tokio::test]
async fn at_12_a_token_that_was_touched_is_refused() {
    let server = TestServer::start().await;
    let tokens = one_of_each(&server).await;
    let jwks = server.get("/.well-known/jwks.json").await.text;

    for (algorithm, _, token) in &tokens {
        let parts: Vec<_> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else { panic!("{token}") };
        let text = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap();
        let text = String::from_utf8(text).unwrap().replace("\"read write\"", "\"admin\"");
        let edited = BASE64_URL_SAFE_NO_PAD.encode(text);
        let zeros = BASE64_URL_SAFE_NO_PAD.encode([0; 64]);
        let forged = [
            format!("{header}.{edited}.{signature}"),
            format!("{header}.{payload}."),
            format!("{header}.{payload}.{zeros}"),
            format!("{header}.{payload}.{signature}.{signature}"),
            format!("{header}.{payload}"),
        ];

        assert!(verified(token, &jwks).is_ok(), "{algorithm}");
        for forged in forged {
            assert!(verified(&forged, &jwks).is_err(), "{algorithm}: {forged}");
        }
    }
}

#[tokio::test]
async fn fx_54_fi_25_clients_may_be_told_to_come_back_at_different_moments() {
    let mut options = Options::default();
    options.settings.expires_in_jitter = 10;
    let server = TestServer::with(options).await;
    let acme = server.acme().await;
    let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
    let mut told = std::collections::BTreeSet::new();

    for _ in 0..50 {
        let answer = server.exchange("ci", &secret).await;
        told.insert(answer.body["expires_in"].as_u64().unwrap());
        let claims = server.claims(&answer).await;
        let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(lifetime, 360, "the token lives as long as ever");
    }

    assert!(told.len() > 1, "{told:?}");
    assert!(told.iter().all(|it| (324..=360).contains(it)), "{told:?}");
}
