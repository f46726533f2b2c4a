//! What a client hears of its own authentication: nothing before it has proved who it is, and then
//! what to do otherwise. Whatever is refused is found by the id of its request.

use axum::{
    body::Body,
    http::{Method, Request, header::AUTHORIZATION},
};
use keyturn::{
    domain::{Authentication, ClientTerms, GrantType, KeySource, SignatureAlgorithm},
    exchange,
};
use serde_json::{Value, json};

use crate::{
    assertions::{self, JWT_BEARER, assert_with, claims, with},
    foreign::Foreigner,
    management,
    registration::{self, REGISTER},
    support::{Answer, Client, INTROSPECT, OAUTH, REVOKE, TestServer, basic, encoded, post},
};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

async fn client(server: &TestServer, name: &str, method: Authentication) -> Client {
    let acme = server.root(name).await;
    let terms = ClientTerms {
        authentication: method,
        grants: vec![GrantType::ClientCredentials],
        scopes: "read".parse().unwrap(),
        ..ClientTerms::default()
    };
    server.client(acme, name, terms).await.into()
}

async fn by_header(server: &TestServer, id: &str, secret: &str) -> Answer {
    with_header(server, &basic(id, secret), &[GRANT]).await
}

async fn with_header(server: &TestServer, header: &str, form: &[(&str, &str)]) -> Answer {
    let mut request = post(OAUTH, &encoded(form));
    request.headers_mut().insert(AUTHORIZATION, header.parse().unwrap());
    server.send(request).await
}

async fn in_body(server: &TestServer, id: &str, secret: &str) -> Answer {
    server.post(OAUTH, &[GRANT, ("client_id", id), ("client_secret", secret)]).await
}

fn told(answer: &Answer) -> &str {
    assert_eq!(answer.error(), (401, "invalid_client"), "{}", answer.text);
    answer.body["error_description"].as_str().unwrap()
}

/// What `keyturn explain` says of the request, once the records are settled.
async fn explained(server: &TestServer, answer: &Answer) -> String {
    let id = answer.header("x-request-id").parse().unwrap();
    let explanation = exchange::explain(&server.app, id).await.unwrap();
    explanation.unwrap_or_else(|| panic!("nothing is recorded of {}", answer.text)).sentence
}

#[tokio::test]
async fn fx_34a_after_the_right_secret_a_client_hears_how_to_send_it() {
    for server in TestServer::on_each_engine().await {
        server.resource("api", "read").await;
        let basic = client(&server, "basic", Authentication::ClientSecretBasic).await;
        let posting = client(&server, "posting", Authentication::ClientSecretPost).await;

        let posted = in_body(&server, &basic.id, &basic.secret).await;
        let sent = by_header(&server, &posting.id, &posting.secret).await;
        let wrong = in_body(&server, &basic.id, &posting.secret).await;
        let unknown = in_body(&server, "nobody", &posting.secret).await;

        assert!(told(&posted).contains("registered for client_secret_basic"), "{}", posted.text);
        assert!(told(&sent).contains("registered for client_secret_post"), "{}", sent.text);
        assert_eq!(wrong.text, unknown.text, "{}", server.engine);
        server.settle().await;
        assert!(explained(&server, &posted).await.contains("client_secret_basic"));
        let record = server.refusal(&sent).await.unwrap();
        assert_eq!(record.reason, "wrong_client_authentication");
    }
}

#[tokio::test]
async fn fx_34b_after_its_signature_an_assertion_is_refused_with_the_claim_that_is_wrong() {
    for server in TestServer::on_each_engine().await {
        server.resource("api", "read").await;
        let (key, stranger) = (Foreigner::new("1"), Foreigner::new("1"));
        let keys = KeySource::Pinned(key.jwks());
        let root = server.root("acme").await;
        let made = server.client(root, "shop", assertions::terms(keys, false)).await;
        let good = || claims(&made.client.id.to_string(), &server);
        let now = server.app.clock.now().timestamp();

        let mut answers = Vec::new();
        for (changes, word) in [
            (json!({ "exp": now + 3600 }), "at most 5 minutes"),
            (json!({ "exp": now }), "has expired"),
            (json!({ "nbf": now + 3600 }), "not valid yet"),
            (json!({ "aud": "https://else.example" }), "the issuer of this server"),
            (json!({ "sub": "else" }), "iss and sub"),
            (json!({ "jti": null }), "needs a jti"),
        ] {
            let claims = with(good(), changes);
            let id = ("client_id", &*made.client.id.to_string());
            let answer = assert_with(&server, &key.token(&claims), &[id]).await;
            let forged = assert_with(&server, &stranger.token(&claims), &[id]).await;

            assert!(told(&answer).contains(word), "{claims}: {}", answer.text);
            assert_eq!(told(&forged), "unknown key or wrong secret", "{claims}");
            answers.push(answer);
        }
        let once = key.token(&good());
        assert_eq!(assert_with(&server, &once, &[]).await.status, 200);
        let again = assert_with(&server, &once, &[]).await;
        assert!(told(&again).contains("was used before"), "{}", again.text);
        server.settle().await;
        for answer in answers {
            assert!(explained(&server, &answer).await.contains("signed by its key"));
        }
    }
}

#[tokio::test]
async fn fx_34c_a_new_client_may_send_its_secret_in_either_way() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = management::acme(&server).await;
        let new =
            json!({ "name": "shop", "grant_types": ["client_credentials"], "scopes": ["read"] });
        let made = caller.post("/api/v1/clients", &new).await;
        let (id, secret) = (made.id(), made.body["secret"].as_str().unwrap());

        assert_eq!(made.body["token_endpoint_auth_method"], "client_secret_basic_or_post");
        for answer in [by_header(&server, id, secret).await, in_body(&server, id, secret).await] {
            assert_eq!(answer.status, 200, "{}: {}", server.engine, answer.text);
        }
    }
}

#[tokio::test]
async fn fx_34c_a_client_that_registers_itself_and_names_no_method_may_use_either() {
    for server in registration::servers().await {
        let said = json!({ "grant_types": ["client_credentials"], "client_name": "Shop" });
        let made = registration::register(&server, &said).await;
        let client = registration::Itself::from(&made);
        let explicit = json!({
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "client_secret_basic",
        });
        let strict = registration::Itself::registered(&server, &explicit).await;

        assert_eq!(made.body["token_endpoint_auth_method"], "client_secret_basic", "a known word");
        let echo = json!({
            "client_id": client.id, "grant_types": ["client_credentials"], "client_name": "New",
            "token_endpoint_auth_method": "client_secret_basic",
        });
        let changed = client.put(&server, &echo).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        let (id, secret) = (&*client.id, &*client.secret);
        for answer in [by_header(&server, id, secret).await, in_body(&server, id, secret).await] {
            assert_eq!(answer.status, 200, "{}: {}", server.engine, answer.text);
        }
        assert!(
            told(&in_body(&server, &strict.id, &strict.secret).await).contains("registered for")
        );
    }
}

#[tokio::test]
async fn fx_34d_what_a_request_lacks_is_said_in_words_of_its_own_and_recorded() {
    for server in TestServer::on_each_engine().await {
        server.resource("api", "read").await;
        let shop = client(&server, "shop", Authentication::ClientSecretPost).await;
        let (id, secret) = (("client_id", &*shop.id), ("client_secret", &*shop.secret));

        let nothing = server.post(OAUTH, &[GRANT]).await;
        let alone = server.post(OAUTH, &[GRANT, id]).await;
        let unknown = server.post(OAUTH, &[GRANT, ("client_id", "nobody")]).await;
        let beside = with_header(&server, "Bearer old", &[GRANT, id, secret]).await;
        let header = basic(&shop.id, &shop.secret);
        let twice = with_header(&server, &header, &[GRANT, id, secret]).await;

        assert!(told(&nothing).starts_with("no client authentication"), "{}", nothing.text);
        assert!(told(&alone).starts_with("client_id came without"), "{}", alone.text);
        assert_eq!(alone.text, unknown.text, "no client is told from none");
        assert!(told(&beside).contains("not of the scheme Basic"), "{}", beside.text);
        assert_eq!(twice.error(), (400, "invalid_request"));
        assert!(twice.text.contains("more than one way"), "{}", twice.text);
        server.settle().await;
        for answer in [nothing, alone, beside, twice] {
            let sentence = explained(&server, &answer).await;
            assert!(!sentence.is_empty() && !sentence.contains(&shop.secret), "{sentence}");
        }
    }
}

#[tokio::test]
async fn fx_34e_whatever_an_endpoint_refuses_is_found_by_the_id_of_its_request() {
    for server in registration::servers().await {
        let doors = [
            OAUTH,
            INTROSPECT,
            REVOKE,
            REGISTER,
            "/auth/v1/api-key/token",
            "/auth/v1/token",
            "/auth/v3/token",
            "/identity/token",
            "/auth/v1/api-key/revoke",
            "/auth/v1/api-key/revoke-found",
        ];
        let mut answers = Vec::new();
        for door in doors {
            for (kind, body) in [
                ("application/x-www-form-urlencoded", "x=1&grant_type=none"),
                ("application/x-www-form-urlencoded", "a=%"),
                ("text/plain", "x"),
                ("application/json", "{"),
            ] {
                let request = Request::post(door).header("content-type", kind);
                let answer = server.send(request.body(Body::from(body)).unwrap()).await;

                assert!(answer.status.is_client_error(), "{door} {body}: {}", answer.text);
                answers.push((door, answer));
            }
        }
        let one = Request::put(format!("{REGISTER}/nobody")).body(Body::empty()).unwrap();
        answers.push((REGISTER, server.send(one).await));
        server.settle().await;
        for (door, answer) in answers {
            assert!(!explained(&server, &answer).await.is_empty(), "{door}");
            assert_eq!(server.refusal(&answer).await.unwrap().door, door);
        }
    }
}

#[tokio::test]
async fn fx_39b_a_client_may_say_by_which_algorithm_alone_it_signs() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = management::acme(&server).await;
        let key = Foreigner::with_pem("1", crate::support::rsa_pem());
        let mut jwk = key.jwk();
        jwk.as_object_mut().unwrap().remove("alg");
        let made = async |name: &str, algorithm: Option<&str>| {
            let mut new = json!({
                "name": name, "grant_types": ["client_credentials"], "scopes": ["read"],
                "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [jwk] },
            });
            if let Some(algorithm) = algorithm {
                new["token_endpoint_auth_signing_alg"] = algorithm.into();
            }
            let answer = caller.post("/api/v1/clients", &new).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            assert_eq!(answer.body["token_endpoint_auth_signing_alg"], json!(algorithm));
            answer.id().to_owned()
        };
        let (any, rs256, ps256) =
            (made("a", None).await, made("b", Some("RS256")).await, made("c", Some("PS256")).await);
        let ask =
            async |id: &str| assert_with(&server, &key.token(&claims(id, &server)), &[]).await;

        assert_eq!(ask(&any).await.status, 200);
        assert_eq!(ask(&rs256).await.status, 200);
        let refused = ask(&ps256).await;
        assert!(told(&refused).contains("token_endpoint_auth_signing_alg"), "{}", refused.text);
        let unknown = json!({
            "name": "d", "grant_types": [], "scopes": [], "jwks": { "keys": [jwk] },
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "HS256",
        });
        let unknown = caller.post("/api/v1/clients", &unknown).await;
        assert_eq!(unknown.status, 400, "{}", unknown.text);
        assert!(unknown.text.contains("PS256"), "an example of what is right: {}", unknown.text);
    }
}

#[tokio::test]
async fn fx_39b_a_client_that_registers_itself_is_held_to_its_algorithm() {
    let server = registration::server_with(registration::policy()).await;
    let key = Foreigner::new("1");
    let jwks: Value = serde_json::from_str(&key.jwks()).unwrap();
    let said = json!({
        "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
        "jwks": jwks, "token_endpoint_auth_signing_alg": "PS256",
    });

    let made = registration::register(&server, &said).await;
    let id = made.body["client_id"].as_str().unwrap();
    let refused = assert_with(&server, &key.token(&claims(id, &server)), &[]).await;

    assert_eq!(made.body["token_endpoint_auth_signing_alg"], SignatureAlgorithm::Ps256.as_str());
    assert!(told(&refused).contains("token_endpoint_auth_signing_alg"), "{}", refused.text);
}

#[tokio::test]
async fn fx_39c_every_401_has_a_challenge_however_the_client_authenticated() {
    let server = TestServer::start().await;
    let assertion = [GRANT, ("client_assertion_type", JWT_BEARER), ("client_assertion", "a.b.c")];
    let answers = [
        server.post(OAUTH, &[GRANT]).await,
        in_body(&server, "a", "b").await,
        server.post(OAUTH, &assertion).await,
        server.post("/auth/v1/token", &[("pat", "b")]).await,
        server.post("/auth/v1/api-key/token", &[("name", "a"), ("secret", "b")]).await,
        server
            .post(INTROSPECT, &[("token", "x"), ("client_id", "a"), ("client_secret", "b")])
            .await,
    ];

    for answer in answers {
        assert_eq!(answer.status, 401, "{}", answer.text);
        assert!(answer.header("www-authenticate").starts_with("Basic "), "{}", answer.text);
    }
}

#[tokio::test]
async fn fx_39i_a_credential_in_a_url_is_refused_and_recorded_at_every_endpoint() {
    for server in registration::servers().await {
        let description: Value = serde_json::from_str(&keyturn::http::api_description()).unwrap();
        let api = description["paths"].as_object().unwrap().keys();
        let api = api.map(|path| path.replace(['{', '}'], ""));
        let ours = [
            OAUTH,
            INTROSPECT,
            REVOKE,
            REGISTER,
            "/oauth2/register/x",
            "/oauth2/authorize",
            "/auth/v1/api-key/token",
            "/auth/v1/token",
            "/auth/v3/token",
            "/identity/token",
            "/auth/v1/api-key/revoke",
            "/auth/v1/api-key/revoke-found",
            "/auth/v1/api-key/leaks/github",
            "/.well-known/jwks.json",
            "/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server",
            "/.well-known/oauth-protected-resource",
        ];
        let mut answers = Vec::new();
        for path in ours.map(str::to_owned).into_iter().chain(api) {
            for (method, name) in
                [(Method::GET, "secret"), (Method::POST, "token"), (Method::PUT, "access_token")]
            {
                let uri = format!("{path}?a=1&{name}=s3cret");
                let request = Request::builder().method(&method).uri(&uri);
                let answer = server.send(request.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, 400, "{method} {uri}: {}", answer.text);
                assert!(answer.text.contains("belong in the body"), "{uri}: {}", answer.text);
                answers.push((uri, answer));
            }
        }

        server.settle().await;
        // Of a flood only the first are kept.
        for (uri, answer) in answers.iter().take(90) {
            let record = server.refusal(answer).await.unwrap_or_else(|| panic!("{uri}"));
            assert_eq!(record.reason, "credential_in_url", "{uri}");
            assert!(!record.detail.contains("s3cret"), "{uri}");
        }
    }
}

/// The URL that a gateway asks about is not ours.
#[tokio::test]
async fn fx_39i_what_stands_behind_a_gateway_may_have_such_urls() {
    let (server, secret) = TestServer::with_key().await;
    let form = [("pat", secret.reveal()), ("audience", "api")];
    let token = server.post("/auth/v1/token", &form).await;
    let token = token.body["access_token"].as_str().unwrap();

    let request = Request::get("/auth/v1/verify/callback?code=1&token=2");
    let request = request
        .header("authorization", format!("Bearer {token}"))
        .header("x-keyturn-want-resource", "api");
    let answer = server.send(request.body(Body::empty()).unwrap()).await;

    assert_eq!(answer.status, 200, "{}", answer.text);
}
