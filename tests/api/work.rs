//! Work that strangers can cause is bounded before it is done: checks FX-19.

use chrono::TimeDelta;
use keyturn::{
    domain::{ClientTerms, KeySource, OrganizationId, Owner, Secret},
    manage::{
        Asker, Rejection,
        api_keys::NewApiKey,
        trusts::{self, GivenKeys, NewTrust},
    },
    random::Random,
};
use serde_json::{Value, json};

use crate::{
    foreign::{Foreigner, base64},
    leaks::REVOKE,
    registration::{policy, register, server_with},
    support::{API_KEY, Answer, Ci, ISSUER, OAUTH, Options, TestServer, new_key, problem},
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const OF_CI: &str = "https://ci.example.com";

/// With room for three failures from one address.
fn three() -> Options {
    let mut options = Options::default();
    options.settings.failures_per_minute = 3.try_into().unwrap();
    options
}

async fn guess_too_often(server: &TestServer) {
    for _ in 0..4 {
        server.post(API_KEY, &[("name", "ci"), ("secret", "typo")]).await;
    }
}

fn unknown() -> Secret {
    Secret::generate(&"ktk".parse().unwrap(), &Random::System)
}

async fn assert_with(server: &TestServer, job: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", JWT_BEARER), ("assertion", job), ("audience", "api")];
    form.extend(more);
    server.post(OAUTH, &form).await
}

#[tokio::test]
async fn fx_19a_who_has_guessed_too_often_is_told_before_a_signature_is_looked_at() {
    for server in TestServer::on_each_engine_with(three).await {
        let acme = server.acme().await;
        let ci = Ci::at(OF_CI);
        ci.trusted_by(&server, ci.rule(acme)).await;
        let key = Foreigner::new("k1");
        let terms = ClientTerms {
            authentication: keyturn::domain::Authentication::PrivateKeyJwt {
                keys: KeySource::Pinned(key.jwks()),
                compat_aud: false,
                signing_alg: None,
            },
            grants: vec![keyturn::domain::GrantType::ClientCredentials],
            scopes: "read".parse().unwrap(),
            ..ClientTerms::default()
        };
        let client = server.client(acme, "shop", terms).await.client.id.to_string();
        let proof = |server: &TestServer| {
            let now = server.app.clock.now();
            key.token(&json!({
                "iss": client, "sub": client, "aud": ISSUER, "jti": server.app.random.id(now),
                "exp": now.timestamp() + 60,
            }))
        };
        let as_client = async |proof: String| {
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            let form = [
                ("grant_type", "client_credentials"),
                ("client_assertion_type", kind),
                ("client_assertion", &proof),
                ("audience", "api"),
            ];
            server.post(OAUTH, &form).await
        };

        guess_too_often(&server).await;
        let told = assert_with(&server, &ci.job(&server), &[]).await;
        let client_told = as_client(proof(&server)).await;
        server.app.clock.advance(TimeDelta::minutes(1));
        let later = assert_with(&server, &ci.job(&server), &[]).await;
        let client_later = as_client(proof(&server)).await;

        for answer in [told, client_told] {
            assert_eq!(answer.error(), (429, "slow_down"), "{}", server.engine);
            assert!((1..=21).contains(&answer.header("retry-after").parse::<u64>().unwrap()));
        }
        assert_eq!(later.status, 200, "{}: {}", server.engine, later.text);
        assert_eq!(client_later.status, 200, "{}: {}", server.engine, client_later.text);
    }
}

/// A rule of an organization of its own, with this key pinned.
async fn pinned(server: &TestServer, name: &str, key: &Foreigner) -> OrganizationId {
    // Of one moment chance would decide which is older.
    server.app.clock.advance(TimeDelta::seconds(1));
    let organization = server.root(name).await;
    let rule = NewTrust { keys: GivenKeys::Pinned(key.jwks()), ..Ci::at(OF_CI).rule(organization) };
    trusts::create(&server.app, &Asker::keyturn(), rule).await.unwrap();
    organization
}

fn job(server: &TestServer, key: &Foreigner) -> String {
    let now = server.app.clock.now();
    key.token(&json!({
        "iss": OF_CI, "aud": ISSUER, "sub": "deploy", "jti": server.app.random.id(now),
        "exp": now.timestamp() + 600,
    }))
}

#[tokio::test]
async fn fx_19b_a_token_is_held_against_a_few_keys_and_those_of_an_organization_it_names() {
    let server = TestServer::start().await;
    server.acme().await;
    let keys: Vec<_> = (0..7).map(|_| Foreigner::new("k1")).collect();
    let mut organizations = Vec::new();
    for (number, key) in keys.iter().enumerate() {
        organizations.push(pinned(&server, &format!("org-{number}"), key).await);
    }
    let other = Foreigner::new("another");
    pinned(&server, "another", &other).await;
    server.app.catch_up().await.unwrap();

    let mut unnamed = Vec::new();
    for key in &keys {
        unnamed.push(assert_with(&server, &job(&server, key), &[]).await.status.as_u16());
    }
    let named = organizations[6].to_string();
    let named = assert_with(&server, &job(&server, &keys[6]), &[("organizationId", &named)]).await;
    let by_name = assert_with(&server, &job(&server, &other), &[]).await;

    assert_eq!(unnamed, [200, 200, 200, 200, 400, 400, 400]);
    assert_eq!(named.status, 200, "{}", named.text);
    assert_eq!(by_name.status, 200, "a key of another name costs nothing: {}", by_name.text);
}

#[tokio::test]
async fn fx_19c_the_rules_of_a_tree_keep_keys_of_one_issuer_at_few_places() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let team = server.suborganization(acme, "team").await;
        let other = server.root("other").await;
        let make = async |organization, name: &str, keys: &Foreigner| {
            let rule = NewTrust {
                name: name.parse().unwrap(),
                keys: GivenKeys::Pinned(keys.jwks()),
                ..Ci::at(OF_CI).rule(organization)
            };
            trusts::create(&server.app, &Asker::keyturn(), rule).await
        };
        let keys: Vec<_> = (0..5).map(|_| Foreigner::new("k1")).collect();
        for (number, key) in keys.iter().take(4).enumerate() {
            let owner = if number % 2 == 0 { acme } else { team };
            make(owner, &format!("rule-{number}"), key).await.unwrap();
        }

        let fifth = make(team, "fifth", &keys[4]).await;
        let known = make(team, "known", &keys[0]).await;
        let elsewhere = make(other, "fifth", &keys[4]).await;

        let refused = fifth.unwrap_err();
        assert!(matches!(refused, Rejection::TooManyKeySources { .. }), "{refused:?}");
        assert!(refused.to_string().contains(OF_CI), "{refused}");
        assert!(known.is_ok() && elsewhere.is_ok(), "{}", server.engine);
    }
}

/// A key of 8192 bits, with one that is as it should be.
fn long() -> Value {
    let long = json!({ "kty": "RSA", "alg": "RS256", "kid": "long", "e": "AQAB",
        "n": base64([0xff; 1024]) });
    json!({ "keys": [Foreigner::new("k1").jwk(), long] })
}

#[tokio::test]
async fn fx_19d_an_rsa_key_of_more_than_4096_bits_is_refused_where_it_is_handed_in() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let roles = Some("owner".parse().unwrap());
    let new = NewApiKey { roles, ..new_key(Owner::Organization(acme), "owner") };
    let (_, secret) = server.make_key(new).await;
    let caller = server.manage(&secret).await;

    let policy = json!({
        "name": "ci", "issuer": OF_CI, "conditions": { "sub": ["deploy"] }, "roles": ["viewer"],
        "keys": { "from": "jwks", "jwks": long() },
    });
    let policy = caller.post("/api/v1/trusts", &policy).await;
    let client = json!({
        "name": "shop", "token_endpoint_auth_method": "private_key_jwt", "jwks": long(),
        "grant_types": ["client_credentials"],
    });
    let client = caller.post("/api/v1/clients", &client).await;

    for answer in [policy, client] {
        assert_eq!(problem(&answer), (400, "invalid-request"), "{}", answer.text);
        assert!(answer.detail().contains("`n` of an RSA key"), "{}", answer.text);
        assert!(answer.detail().contains("2048 to 4096 bits"), "{}", answer.text);
    }
}

#[tokio::test]
async fn fx_19d_a_client_that_registers_itself_hands_in_no_such_key_either() {
    let server = server_with(policy()).await;

    let said = json!({
        "client_name": "Shop", "grant_types": ["client_credentials"], "scope": "read",
        "token_endpoint_auth_method": "private_key_jwt", "jwks": long(),
    });
    let answer = register(&server, &said).await;

    assert_eq!(answer.error(), (400, "invalid_client_metadata"));
    let description = answer.body["error_description"].as_str().unwrap();
    assert!(description.contains("2048 to 4096 bits"), "{description}");
}

#[tokio::test]
async fn fx_19e_unknown_secrets_of_who_has_guessed_too_often_are_not_looked_up() {
    for server in TestServer::on_each_engine_with(three).await {
        let acme = Owner::Organization(server.acme().await);
        let (_, cold) = server.key(acme, "ci").await;
        guess_too_often(&server).await;
        // From here on it is known what there is.
        server.exchange("ci", &unknown()).await;
        let before = server.app.directory.counts().misses;

        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(server.exchange("ci", &unknown()).await.status.as_u16());
            let form = [("secret", unknown().reveal().to_owned())];
            let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            statuses.push(server.post(REVOKE, &form).await.status.as_u16());
        }
        let looked_up = server.app.directory.counts().misses - before;
        let right = server.exchange("ci", &cold).await;
        let (_, new) = server.key(acme, "new").await;
        let new = server.exchange("new", &new).await;

        assert_eq!(statuses, [429; 40], "{}", server.engine);
        assert_eq!(looked_up, 0, "{}", server.engine);
        assert_eq!(right.status, 200, "{}: {}", server.engine, right.text);
        assert_eq!(new.status, 200, "{}: {}", server.engine, new.text);
    }
}

#[tokio::test]
async fn fx_19f_what_another_node_has_made_is_looked_up_as_well() {
    for (server, other) in TestServer::pairs_on_each_engine_with(three).await {
        let acme = server.acme().await;
        guess_too_often(&server).await;
        server.exchange("ci", &unknown()).await;

        let (key, secret) = other.key(Owner::Organization(acme), "there").await;
        let rotated = other.rotate(key.id, TimeDelta::days(1)).await;
        let client = other.obtaining_client(acme, "shop").await;
        server.app.catch_up().await.unwrap();
        let answers =
            [
                server.exchange("there", &secret).await,
                server.exchange("there", &rotated).await,
                server
                    .send(client.request(
                        OAUTH,
                        &[("grant_type", "client_credentials"), ("audience", "api")],
                    ))
                    .await,
            ];

        for answer in answers {
            assert_eq!(answer.status, 200, "{}: {}", server.engine, answer.text);
        }
        let made_up = server.app.random.id(server.app.clock.now()).to_string();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &*made_up),
            ("client_secret", "kts_nonsense"),
        ];
        assert_eq!(server.post(OAUTH, &form).await.status, 429, "{}", server.engine);
    }
}
