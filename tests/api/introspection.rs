//! What resource servers hear of tokens: checks IN-01 to IN-09, AT-11, JW-05, INC-09,
//! INC-20.

use axum::http::{
    Request,
    header::{ACCEPT, AUTHORIZATION},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use keyturn::{
    domain::{
        Authentication, ClientTerms, Delegate, GrantType, OrganizationId, Owner, RefreshTerms,
        Secret, SecretPrefix, Source, Thumbprint,
    },
    manage::{Asker, signing_keys},
    random::Random,
    signing::{AccessToken, Confirmation, TokenType},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Answer, Ci, Client, INTROSPECT, OAUTH, Options, TestServer, basic, encoded, post,
};

/// Nothing but this is said of a token that is not good.
fn inactive() -> Value {
    json!({ "active": false })
}

/// `acme` with a key, a resource server for `api`, and a token of the key for that.
struct Scene {
    server: TestServer,
    acme: OrganizationId,
    secret: Secret,
    api: Client,
    token: String,
}

impl Scene {
    async fn on(server: TestServer) -> Self {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let api = server.resource_server(acme, "the-api", &["api"]).await;
        let token = token(&server, &secret).await;
        Self { server, acme, secret, api, token }
    }

    async fn start() -> Self {
        Self::on(TestServer::start().await).await
    }

    async fn ask(&self) -> Answer {
        self.server.introspect(&self.api, &self.token).await
    }
}

async fn token(server: &TestServer, secret: &Secret) -> String {
    let form = [("pat", secret.reveal()), ("audience", "api")];
    let answer = server.post("/auth/v1/token", &form).await;
    answer.body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn jw_05_a_token_by_a_revoked_signing_key_is_dead_on_every_node() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let scene = Scene::on(server).await;
        let before = scene.ask().await;
        let signing_key_id = decode_header(&scene.token).unwrap().kid.unwrap();

        signing_keys::revoke(&scene.server.app, &Asker::keyturn(), &signing_key_id).await.unwrap();
        other.app.catch_up().await.unwrap();

        assert_eq!(before.body["active"], true, "{}", before.text);
        assert_eq!(scene.ask().await.body, inactive(), "{}", scene.server.engine);
        assert_eq!(other.introspect(&scene.api, &scene.token).await.body, inactive());
    }
}

#[tokio::test]
async fn in_04_in_05_of_a_good_token_all_is_told_that_it_says() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        let key = scene.secret.hash();
        let key = scene.server.app.directory.key(&key).await.unwrap().unwrap().key.id;

        let answer = scene.ask().await;

        assert_eq!(answer.status, 200, "{}: {}", scene.server.engine, answer.text);
        let Value::Object(mut told) = answer.body.clone() else { panic!("{}", answer.text) };
        let jti = told.remove("jti").unwrap();
        assert!(jti.as_str().unwrap().parse::<Uuid>().is_ok());
        assert_eq!(
            Value::Object(told),
            json!({
                "active": true,
                "iss": "https://keyturn.test",
                "sub": format!("key:{key}"),
                "aud": "api",
                "client_id": key.to_string(),
                "scope": "read write",
                "token_type": "Bearer",
                "iat": 1_800_000_000,
                "exp": 1_800_000_360,
            })
        );
        assert_eq!(answer.header("cache-control"), "no-store", "IN-08");
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn in_04_a_bound_token_of_somebody_who_acts_for_another_is_told_as_such() {
    let scene = Scene::start().await;
    let app = &scene.server.app;
    let (now, key) = (app.clock.now(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    let presented = app.directory.key(&scene.secret.hash()).await.unwrap().unwrap();
    let (jkt, scope): (Thumbprint, _) = (key.parse().unwrap(), "read");
    let claims = AccessToken {
        sub: &format!("key:{}", presented.key.id),
        aud: "api",
        client_id: &scene.api.id,
        iat: now,
        exp: now + TimeDelta::minutes(5),
        jti: Uuid::from_u128(7),
        scope,
        roles: &[],
        src: &[Source::Secret(presented.secret.id)],
        act: Some(&Delegate { sub: "client:a".to_owned(), iss: None, act: None }),
        cnf: Some(Confirmation { jkt: &jkt }),
        org: scene.acme.0,
        user_id: None,
        email: None,
    };
    let algorithm = keyturn::domain::Algorithm::Es256;
    let token = app.signer.sign(algorithm, now, TokenType::AccessToken, &claims).unwrap();

    let answer = scene.server.introspect(&scene.api, &token).await;

    assert_eq!(answer.body["active"], true, "{}", answer.text);
    assert_eq!(answer.body["token_type"], "DPoP");
    assert_eq!(answer.body["cnf"], json!({ "jkt": key }));
    assert_eq!(answer.body["act"], json!({ "sub": "client:a" }));
    assert_eq!(answer.body["scope"], "read");
}

#[tokio::test]
async fn in_01_inc_20_what_is_no_good_token_is_inactive_and_nothing_else() {
    let scene = Scene::start().await;
    let altered = {
        let mut parts: Vec<_> = scene.token.split('.').map(str::to_owned).collect();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(&parts[1]).unwrap();
        let claims = String::from_utf8(claims).unwrap().replace("read write", "read admin");
        parts[1] = BASE64_URL_SAFE_NO_PAD.encode(claims);
        parts.join(".")
    };
    let unsigned = {
        let claims = scene.token.split('.').nth(1).unwrap();
        let header = r#"{"alg":"none","typ":"at+jwt"}"#;
        format!("{}.{claims}.", BASE64_URL_SAFE_NO_PAD.encode(header))
    };
    let prefix: SecretPrefix = "ktk".parse().unwrap();
    let unknown = Secret::generate(&prefix, &Random::System).reveal().to_owned();

    for token in ["x", "a.b.c", "ktr_nonsense", &unsigned, &altered, &unknown] {
        let answer = scene.server.introspect(&scene.api, token).await;

        assert_eq!((answer.status.as_u16(), &answer.body), (200, &inactive()), "{token}");
    }
    scene.server.app.clock.advance(TimeDelta::minutes(6));
    assert_eq!(scene.ask().await.body, inactive(), "expired");
}

#[tokio::test]
async fn in_02_whoever_asks_proves_who_it_is() {
    let scene = Scene::start().await;
    let server = &scene.server;
    let terms = ClientTerms {
        authentication: Authentication::None,
        resources: Some(vec!["api".parse().unwrap()]),
        ..ClientTerms::default()
    };
    let public: Client = server.client(scene.acme, "app", terms).await.into();
    let wrong = Client { secret: scene.secret.reveal().to_owned(), ..scene.api.clone() };
    let unknown = Client { id: Uuid::nil().to_string(), ..scene.api.clone() };

    let nobody = server.post(INTROSPECT, &[("token", &scene.token)]).await;

    assert_eq!(nobody.error(), (401, "invalid_client"));
    for client in [public, wrong, unknown] {
        let answer = server.introspect(&client, &scene.token).await;
        assert_eq!(answer.error(), (401, "invalid_client"), "{}", answer.text);
    }
}

#[tokio::test]
async fn in_02_whoever_asks_still_works() {
    let scene = Scene::start().await;
    let (key, secret) = scene.server.key(Owner::Organization(scene.acme), "asks").await;
    let asker = Client { id: key.id.to_string(), secret: secret.reveal().to_owned() };
    let before = scene.server.introspect(&asker, &scene.token).await;
    scene.server.disable(key.id).await;

    let after = scene.server.introspect(&asker, &scene.token).await;

    assert_eq!(before.body, inactive(), "a key is no resource server");
    assert_eq!(after.error(), (401, "invalid_client"));
}

#[tokio::test]
async fn in_03_inc_09_nobody_hears_of_tokens_for_somebody_else() {
    let scene = Scene::start().await;
    let server = &scene.server;
    server.resource("other", "read").await;
    let other = server.resource_server(scene.acme, "other", &["other"]).await;
    let any = server.client(scene.acme, "any", ClientTerms::default()).await.into();

    for client in [&other, &any] {
        let plain = server.introspect(client, &scene.token).await;
        let signed = server.introspect_signed(client, &scene.token).await;

        assert_eq!(plain.body, inactive());
        let claims = signed_claims(server, &signed).await;
        assert_eq!(claims["token_introspection"], inactive());
        assert!(!signed.text.contains(&scene.token), "no member holds the token");
    }
}

#[tokio::test]
async fn in_03_a_resource_server_hears_of_its_own_tree_and_the_servers_owner_of_all() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        let server = &scene.server;
        let globex = server.root("globex").await;
        let below = server.suborganization(globex, "below").await;
        let (_, secret) = server.key(Owner::Organization(below), "ci").await;
        let token = token(server, &secret).await;
        let above = server.resource_server(globex, "above", &["api"]).await;
        let beside = server.suborganization(globex, "beside").await;
        let beside = server.resource_server(beside, "beside", &["api"]).await;

        let active = async |client: &Client, token: &str| {
            server.introspect(client, token).await.body["active"].as_bool().unwrap()
        };

        assert!(active(&scene.api, &token).await, "{}", server.engine);
        assert!(active(&above, &token).await, "{}", server.engine);
        assert!(!active(&beside, &token).await, "{}", server.engine);
        assert!(!active(&above, &scene.token).await, "{}", server.engine);
    }
}

#[tokio::test]
async fn in_05_what_is_left_of_the_scopes_is_what_is_told() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        scene.server.sql("update api_keys set roles = 'viewer'").await;
        let hash = scene.secret.hash();
        scene.server.app.directory.forget(&[keyturn::domain::Change::secret(&hash)]);

        let answer = scene.ask().await;

        assert_eq!(answer.body["scope"], "read", "{}: {}", scene.server.engine, answer.text);
    }
}

#[tokio::test]
async fn in_05_what_ends_a_key_or_its_owner_ends_its_tokens_at_once() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        let server = &scene.server;
        let unit = server.suborganization(scene.acme, "unit").await;
        let (key, secret) = server.key(Owner::Organization(unit), "ci").await;
        let (revoked, other) = server.key(Owner::Organization(unit), "other").await;
        let (first, second) = (token(server, &secret).await, token(server, &other).await);
        let active = async |token: &str| {
            server.introspect(&scene.api, token).await.body["active"].as_bool().unwrap()
        };

        assert!(active(&first).await && active(&second).await, "{}", server.engine);
        server.revoke(revoked.id).await;
        assert!(active(&first).await && !active(&second).await, "{}", server.engine);
        server.enable_organization(unit, false).await;
        assert!(!active(&first).await, "{}", server.engine);
        server.enable_organization(unit, true).await;
        assert!(active(&first).await, "{}", server.engine);
        server.disable(key.id).await;
        assert!(!active(&first).await, "{}", server.engine);
    }
}

#[tokio::test]
async fn in_06_the_hint_is_not_looked_at() {
    let scene = Scene::start().await;

    for hint in ["access_token", "refresh_token", "nonsense"] {
        let form = [("token", scene.token.as_str()), ("token_type_hint", hint)];
        let answer = scene.server.send(scene.api.request(INTROSPECT, &form)).await;

        assert_eq!(answer.body["active"], true, "{hint}");
    }
}

#[tokio::test]
async fn in_06_a_request_without_a_token_or_by_get_is_refused() {
    let scene = Scene::start().await;

    let without = scene.server.send(scene.api.request(INTROSPECT, &[])).await;
    let by_get = scene.server.get(INTROSPECT).await;
    let in_url = scene.server.get(&format!("{INTROSPECT}?token={}", scene.token)).await;

    assert_eq!(without.error(), (400, "invalid_request"));
    assert_eq!(by_get.status, 405);
    assert_eq!(in_url.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn in_07_keys_are_nobodys_to_introspect() {
    let scene = Scene::start().await;

    let answer = scene.server.introspect(&scene.api, scene.secret.reveal()).await;

    assert_eq!(answer.body, inactive());
}

/// Nobody but the client it was given to has anything to do with a refresh token.
#[tokio::test]
async fn in_07_a_refresh_token_is_never_active_whoever_asks() {
    let options = || {
        let mut options = Options::default();
        options.settings.refresh.for_api_keys = Some(RefreshTerms::default());
        options
    };
    for server in TestServer::on_each_engine_with(options).await {
        let scene = Scene::on(server).await;
        let (server, acme) = (&scene.server, scene.acme);
        let terms = ClientTerms {
            grants: vec![GrantType::JwtBearer, GrantType::RefreshToken],
            scopes: "read".parse().unwrap(),
            resources: Some(vec!["api".parse().unwrap()]),
            refresh: Some(RefreshTerms::default()),
            ..ClientTerms::default()
        };
        let shop: Client = server.client(acme, "shop", terms).await.into();
        let app = server.public_app(acme, "app", true).await;
        let ci = Ci::at("https://ci.example.com");
        ci.trusted_by(server, ci.rule(acme)).await;
        let (grant, job) = (GrantType::JwtBearer.as_str(), ci.job(server));
        let own = [("grant_type", grant), ("assertion", &job), ("audience", "api")];
        let refresh = |answer: Answer| answer.body["refresh_token"].as_str().unwrap().to_owned();
        let of_key = refresh(server.exchange("ci", &scene.secret).await);
        let of_shop = refresh(server.send(shop.request(OAUTH, &own)).await);
        let of_app = refresh(app.first(server, None).await);

        for token in [&of_key, &of_shop, &of_app] {
            for by in [&scene.api, &shop] {
                for hint in ["refresh_token", "access_token"] {
                    let form = [("token", token.as_str()), ("token_type_hint", hint)];
                    let answer = server.send(by.request(INTROSPECT, &form)).await;

                    assert_eq!(answer.body, inactive(), "{}", server.engine);
                }
            }
        }
        assert_eq!(app.refresh(server, None, &of_app).await.status, 200, "and it lives on");
    }
}

#[tokio::test]
async fn in_09_a_signed_answer_is_for_whoever_asked_and_about_the_token_only_inside() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        let plain = scene.ask().await;

        let signed = scene.server.introspect_signed(&scene.api, &scene.token).await;

        let of_type = "application/token-introspection+jwt";
        assert_eq!(signed.header("content-type"), of_type, "{}", signed.text);
        assert_eq!(decode_header(&signed.text).unwrap().typ.unwrap(), "token-introspection+jwt");
        let claims = signed_claims(&scene.server, &signed).await;
        assert_eq!(
            claims,
            json!({
                "iss": "https://keyturn.test",
                "aud": scene.api.id,
                "iat": 1_800_000_000,
                "token_introspection": plain.body,
            })
        );
    }
}

#[tokio::test]
async fn in_09_only_who_takes_the_signed_form_is_given_it() {
    let scene = Scene::start().await;
    let signed = "application/token-introspection+jwt";

    for (accept, expected) in [
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        (&*format!("{signed};q=0"), "application/json"),
        (&*format!("text/plain, {signed};q=0.5"), signed),
        ("Application/Token-Introspection+JWT", signed),
    ] {
        let mut request = scene.api.request(INTROSPECT, &[("token", &scene.token)]);
        request.headers_mut().insert(ACCEPT, accept.parse().unwrap());
        let answer = scene.server.send(request).await;

        assert_eq!(answer.header("content-type"), expected, "{accept}");
    }
}

#[tokio::test]
async fn at_11_a_signed_answer_is_no_token_anywhere() {
    let scene = Scene::start().await;
    let server = &scene.server;
    let answer = server.introspect_signed(&scene.api, &scene.token).await;

    let introspected = server.introspect(&scene.api, &answer.text).await;
    let revoked = server.end_token(&scene.api, &answer.text).await;
    let managed = server.manage_by(&answer.text).get("/api/v1/api-keys").await;
    let as_secret = Client { secret: answer.text.clone(), ..scene.api.clone() };
    let as_secret = server.introspect(&as_secret, &scene.token).await;

    assert_eq!(introspected.body, inactive());
    assert_eq!((revoked.status.as_u16(), revoked.text.as_str()), (200, ""));
    assert_eq!(managed.status, 401);
    assert_eq!(as_secret.error(), (401, "invalid_client"));
}

#[tokio::test]
async fn without_the_database_nothing_is_called_inactive() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        scene.server.lose_the_database().await;

        let answer = scene.ask().await;

        assert_eq!(answer.error(), (503, "temporarily_unavailable"), "{}", scene.server.engine);
        assert_eq!(answer.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn what_is_remembered_is_answered_without_the_database() {
    for server in TestServer::on_each_engine().await {
        let scene = Scene::on(server).await;
        let before = scene.ask().await;
        scene.server.lose_the_database().await;

        let after = scene.ask().await;

        assert_eq!(after.body, before.body, "{}", scene.server.engine);
    }
}

#[tokio::test]
async fn a_token_in_two_headers_or_twice_in_the_form_is_malformed() {
    let scene = Scene::start().await;
    let twice = encoded(&[("token", "a"), ("token", "b")]);
    let (id, secret) = (scene.api.id.as_str(), scene.api.secret.as_str());
    let mut request: Request<_> = post(INTROSPECT, &twice);
    request.headers_mut().insert(AUTHORIZATION, basic(id, secret).parse().unwrap());

    let answer = scene.server.send(request).await;

    assert_eq!(answer.error(), (400, "invalid_request"));
}

/// The claims of a signed answer, whose signature is checked with the published keys.
async fn signed_claims(server: &TestServer, answer: &Answer) -> Value {
    let jwks = server.get("/.well-known/jwks.json").await;
    let set: JwkSet = serde_json::from_str(&jwks.text).unwrap();
    let header = decode_header(&answer.text).unwrap();
    assert_eq!(header.alg, Algorithm::RS256);
    let key = DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    (validation.validate_exp, validation.validate_aud) = (false, false);
    validation.required_spec_claims.clear();
    decode::<Value>(&answer.text, &key, &validation).unwrap().claims
}

#[tokio::test]
async fn fx_39e_the_weights_of_the_caller_decide_in_which_form_it_is_told() {
    let scene = Scene::start().await;
    let signed = "application/token-introspection+jwt";
    for (accepted, expected) in [
        (format!("application/json, {signed};q=0.1"), "application/json"),
        (format!("{signed};q=0.5, */*"), "application/json"),
        (format!("{signed}, application/json;q=0.9"), signed),
        (format!("{signed}, application/json"), signed),
        (format!("{signed};q=0"), "application/json"),
        ("*/*".to_owned(), "application/json"),
    ] {
        let mut request = scene.api.request(INTROSPECT, &[("token", &scene.token)]);
        request.headers_mut().insert(ACCEPT, accepted.parse().unwrap());
        let answer = scene.server.send(request).await;

        assert_eq!(answer.header("content-type"), expected, "{accepted}: {}", answer.text);
    }
}
