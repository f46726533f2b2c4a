//! Clients that prove who they are by a JWT they signed (`private_key_jwt`): checks JB-01 to JB-06.

use chrono::TimeDelta;
use keyturn::domain::{
    Authentication, ClientTerms, GrantType, KeySource, OrganizationId, ProofDemand,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    foreign::Foreigner,
    peers::{Reaction, Receiver},
    support::{Answer, ISSUER, OAUTH, Options, ProofKey, TestServer, encoded, post, send},
};

pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(crate) fn terms(keys: KeySource, compat_aud: bool) -> ClientTerms {
    ClientTerms {
        authentication: Authentication::PrivateKeyJwt { keys, compat_aud, signing_alg: None },
        grants: vec![GrantType::ClientCredentials],
        scopes: "read".parse().unwrap(),
        proof: ProofDemand::None,
        ..ClientTerms::default()
    }
}

/// A client `shop`, and its key.
struct Shop {
    id: String,
    key: Foreigner,
}

impl Shop {
    async fn on(server: &TestServer, organization: OrganizationId, compat_aud: bool) -> Self {
        let key = Foreigner::new("shop-1");
        let terms = terms(KeySource::Pinned(key.jwks()), compat_aud);
        let made = server.client(organization, "shop", terms).await;
        assert!(made.secret.is_none());
        Self { id: made.client.id.to_string(), key }
    }

    fn claims(&self, server: &TestServer) -> Value {
        claims(&self.id, server)
    }

    fn assertion(&self, server: &TestServer, changes: Value) -> String {
        self.key.token(&with(self.claims(server), changes))
    }
}

/// What a client says of itself for a minute.
pub(crate) fn claims(id: &str, server: &TestServer) -> Value {
    let now = server.app.clock.now();
    let (jti, now) = (server.app.random.id(now).to_string(), now.timestamp());
    json!({ "iss": id, "sub": id, "aud": ISSUER, "jti": jti, "iat": now, "exp": now + 60 })
}

/// The same with other members: `null` takes one out.
pub(crate) fn with(mut object: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    let members = object.as_object_mut().unwrap();
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    object
}

pub(crate) async fn assert_with(
    server: &TestServer,
    assertion: &str,
    more: &[(&str, &str)],
) -> Answer {
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    form.extend(more);
    server.post(OAUTH, &form).await
}

async fn asserted(server: &TestServer, assertion: &str) -> Answer {
    assert_with(server, assertion, &[]).await
}

const REFUSED: (u16, &str) = (401, "invalid_client");

#[tokio::test]
async fn jb_01_a_client_gets_a_token_by_what_it_signed() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let shop = Shop::on(&server, acme, false).await;
        let assertion = || shop.assertion(&server, json!({}));

        let unnamed = asserted(&server, &assertion()).await;
        let named = assert_with(&server, &assertion(), &[("client_id", &shop.id)]).await;

        for answer in [unnamed, named] {
            let claims = server.claims(&answer).await;
            assert_eq!(claims["client_id"], shop.id);
            assert_eq!(claims["sub"], format!("client:{}", shop.id));
            assert_eq!(claims["scope"], "read");
        }
    }
}

#[tokio::test]
async fn jb_01_jb_05_an_assertion_says_who_when_and_which_one_it_is() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let shop = Shop::on(&server, acme, false).await;
    let now = server.app.clock.now().timestamp();
    let other = Uuid::from_u128(7).to_string();
    for changes in [
        json!({ "iss": other }),
        json!({ "sub": other }),
        json!({ "iss": other, "sub": other }),
        json!({ "iss": shop.id.to_uppercase(), "sub": shop.id.to_uppercase() }),
        json!({ "iss": null }),
        json!({ "sub": null }),
        json!({ "sub": [shop.id] }),
        json!({ "exp": null }),
        json!({ "exp": now }),
        json!({ "exp": now + 5 * 60 + 61 }),
        json!({ "exp": (now + 60).to_string() }),
        json!({ "iat": now + 61 }),
        json!({ "nbf": now + 61 }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "jti": 7 }),
    ] {
        let answer = asserted(&server, &shop.assertion(&server, changes.clone())).await;

        assert_eq!(answer.error(), REFUSED, "{changes}");
    }
    for changes in [json!({ "exp": now + 5 * 60 }), json!({ "iat": now + 60, "nbf": now + 60 })] {
        let answer = asserted(&server, &shop.assertion(&server, changes.clone())).await;

        assert_eq!(answer.status, 200, "{changes}: {}", answer.text);
    }
}

#[tokio::test]
async fn jb_01_inc_16_an_assertion_counts_once_on_all_nodes_together() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let acme = server.acme().await;
        let shop = Shop::on(&server, acme, false).await;
        other.app.catch_up().await.unwrap();
        let assertion = shop.assertion(&server, json!({}));

        let mut asked = tokio::task::JoinSet::new();
        for node in [&server, &other].into_iter().cycle().take(20) {
            let (router, assertion) = (node.router.clone(), assertion.clone());
            asked.spawn(async move {
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_assertion_type", JWT_BEARER),
                    ("client_assertion", assertion.as_str()),
                ];
                send(&router, post(OAUTH, &encoded(&form))).await
            });
        }
        let answers = asked.join_all().await;

        let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!(good.len(), 1, "{}", server.engine);
        assert!(bad.iter().all(|answer| answer.error() == REFUSED), "{}", server.engine);
    }
}

/// RFC 9449, section 8: the same request is made again, with the nonce; nothing else of it is wrong.
#[tokio::test]
async fn jb_01_dp_09_who_is_told_to_use_a_nonce_has_not_used_up_the_assertion() {
    let options = || {
        let mut options = Options::default();
        options.settings.proofs_need_nonce = true;
        options
    };
    for server in TestServer::on_each_engine_with(options).await {
        let acme = server.acme().await;
        let shop = Shop::on(&server, acme, false).await;
        let (key, assertion) = (ProofKey::p256(), shop.assertion(&server, json!({})));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion.as_str()),
        ];
        let elsewhere = key.proof(&server, ("POST", "/elsewhere"), json!({}));

        let asked = server.post_by(&key, OAUTH, &form).await;
        let bad = server.post_with(OAUTH, &form, &[&elsewhere]).await;
        let nonce = json!({ "nonce": asked.header("dpop-nonce") });
        let proof = || key.proof(&server, ("POST", OAUTH), nonce.clone());
        let answer = server.post_with(OAUTH, &form, &[&proof()]).await;
        let again = server.post_with(OAUTH, &form, &[&proof()]).await;

        assert_eq!(asked.error(), (400, "use_dpop_nonce"), "{}", server.engine);
        assert_eq!(bad.error(), (400, "invalid_dpop_proof"), "{}", server.engine);
        assert_eq!(answer.body["token_type"], "DPoP", "{}: {}", server.engine, answer.text);
        assert_eq!(again.error(), REFUSED, "{}: now it is used up", server.engine);
    }
}

#[tokio::test]
async fn jb_01_two_clients_may_use_one_jti() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let shop = Shop::on(&server, acme, false).await;
    let key = Foreigner::new("till-1");
    let till = server.client(acme, "till", terms(KeySource::Pinned(key.jwks()), false)).await;
    let till = claims(&till.client.id.to_string(), &server);

    let one = asserted(&server, &shop.assertion(&server, json!({ "jti": "1" }))).await;
    let other = asserted(&server, &key.token(&with(till, json!({ "jti": "1" })))).await;
    let again = asserted(&server, &shop.assertion(&server, json!({ "jti": "1" }))).await;

    assert_eq!((one.status.as_u16(), other.status.as_u16()), (200, 200));
    assert_eq!(again.error(), REFUSED);
}

#[tokio::test]
async fn jb_02_jb_04_inc_24_an_assertion_is_for_the_issuer_and_nobody_else() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let shop = Shop::on(&server, acme, false).await;
    for audience in [
        json!(format!("{ISSUER}{OAUTH}")),
        json!([ISSUER]),
        json!([ISSUER, "https://evil.example"]),
        json!(["https://evil.example"]),
        json!("https://evil.example"),
        json!(format!("{ISSUER}/")),
        json!(ISSUER.to_uppercase()),
        json!(format!(" {ISSUER}")),
        json!(""),
        json!([]),
        json!({}),
        json!(null),
    ] {
        let answer = asserted(&server, &shop.assertion(&server, json!({ "aud": audience }))).await;

        assert_eq!(answer.error(), REFUSED, "{audience}");
    }
}

#[tokio::test]
async fn jb_02_older_libraries_are_understood_where_that_is_registered() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let shop = Shop::on(&server, acme, true).await;
    let now = server.app.clock.now().timestamp();
    let token_endpoint = format!("{ISSUER}{OAUTH}");
    for (changes, expected) in [
        (json!({}), 200),
        (json!({ "aud": token_endpoint, "exp": now + 3600 }), 200),
        (json!({ "aud": [token_endpoint, "https://else.example"] }), 200),
        (json!({ "aud": [ISSUER] }), 200),
        (json!({ "exp": now + 3661 }), 401),
        (json!({ "aud": format!("{token_endpoint}/") }), 401),
        (json!({ "aud": "https://else.example" }), 401),
        (json!({ "aud": null }), 401),
    ] {
        let answer = asserted(&server, &shop.assertion(&server, changes.clone())).await;

        assert_eq!(answer.status, expected, "{changes}: {}", answer.text);
    }
}

#[tokio::test]
async fn jb_03_a_token_of_another_type_is_no_assertion() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let shop = Shop::on(&server, acme, false).await;
    for (typ, expected) in [
        (json!(null), 200),
        (json!("JWT"), 200),
        (json!("client-authentication+jwt"), 200),
        (json!("application/client-authentication+jwt"), 200),
        (json!("at+jwt"), 401),
        (json!("dpop+jwt"), 401),
        (json!("logout+jwt"), 401),
        (json!("token-introspection+jwt"), 401),
        (json!("something"), 401),
        (json!(""), 401),
        (json!(1), 401),
    ] {
        let header = with(shop.key.header(), json!({ "typ": typ }));
        let assertion = shop.key.signed(&header, &shop.claims(&server));

        let answer = asserted(&server, &assertion).await;

        assert_eq!(answer.status, expected, "{typ}: {}", answer.text);
    }
}

#[tokio::test]
async fn ca_07_a_client_proves_itself_in_the_way_it_is_registered_for() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let shop = Shop::on(&server, acme, false).await;
    let by_secret = ClientTerms {
        authentication: Authentication::ClientSecretPost,
        ..terms(KeySource::Pinned(String::new()), false)
    };
    let till = server.client(acme, "till", by_secret).await;
    let (till, secret) = (till.client.id.to_string(), till.secret.unwrap());
    let credentials = |id, secret| {
        [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)]
    };

    let by_assertion = asserted(&server, &shop.key.token(&claims(&till, &server))).await;
    let by_secret = server.post(OAUTH, &credentials(&shop.id, secret.reveal())).await;
    let by_nothing = server.post(OAUTH, &credentials(&shop.id, "")[..2]).await;

    for answer in [by_assertion, by_secret, by_nothing] {
        assert_eq!(answer.error(), REFUSED);
    }
}

/// What is sent beside, and what comes of it.
type Case<'a> = (&'a [(&'a str, &'a str)], (u16, &'a str));

#[tokio::test]
async fn ca_04_an_assertion_is_named_by_its_type_and_stands_alone() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let shop = Shop::on(&server, acme, false).await;
    let grant = ("grant_type", "client_credentials");
    let kind = ("client_assertion_type", JWT_BEARER);
    let saml =
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    let assertion = shop.assertion(&server, json!({}));
    let assertion = ("client_assertion", assertion.as_str());
    let other = Uuid::from_u128(7).to_string();
    let cases: [Case<'_>; 6] = [
        (&[grant, assertion], (400, "invalid_request")),
        (&[grant, kind], (400, "invalid_request")),
        (&[grant, saml, assertion], REFUSED),
        (&[grant, kind, assertion, ("client_secret", "x")], (400, "invalid_request")),
        (&[grant, kind, assertion, ("client_id", &other)], REFUSED),
        (&[grant, kind, ("client_assertion", "a.b.c")], REFUSED),
    ];
    for (form, expected) in cases {
        let answer = server.post(OAUTH, form).await;

        assert_eq!(answer.error(), expected, "{form:?}");
    }
    let good = server.post(OAUTH, &[grant, kind, assertion]).await;
    assert_eq!(good.status, 200, "nothing of the above has used it up: {}", good.text);
}

#[tokio::test]
async fn jb_06_keys_at_a_url_are_followed_and_their_absence_is_not_the_clients_fault() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let (old, new) = (Foreigner::new("old"), Foreigner::new("new"));
    let publisher = Receiver::start(Reaction::status(500));
    let made = server.client(acme, "shop", terms(KeySource::Uri(publisher.url()), false)).await;
    let id = made.client.id.to_string();
    let ask = async |key: &Foreigner| asserted(&server, &key.token(&claims(&id, &server))).await;
    let publish = |keys: &[&Foreigner]| {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        let body = json!({ "keys": keys }).to_string();
        publisher.react(Reaction::Send(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )));
    };

    let away = ask(&old).await;
    publish(&[&old]);
    server.app.clock.advance(TimeDelta::seconds(30));
    let there = ask(&old).await;
    let unknown = ask(&new).await;
    publish(&[&old, &new]);
    server.app.clock.advance(TimeDelta::seconds(30));
    let rotated = ask(&new).await;

    assert_eq!(away.error(), (503, "temporarily_unavailable"));
    assert_eq!((there.status.as_u16(), rotated.status.as_u16()), (200, 200), "{}", there.text);
    assert_eq!(unknown.error(), REFUSED);
}
