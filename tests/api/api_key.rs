//! `POST /auth/v1/api-key/token`: checks KX-01 to KX-20.

use chrono::TimeDelta;
use keyturn::{
    domain::{ApiKeyId, Lifetime, Owner},
    manage::{Asker, Rejection, api_keys, api_keys::NewApiKey},
    store,
};

use crate::support::{API_KEY, TestServer, mistyped, new_key};

#[tokio::test]
async fn kx_01_a_key_is_exchanged_for_a_token_of_six_minutes() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;

        let answer = server.exchange("ci", &secret).await;

        assert_eq!(answer.status, 200, "{}: {}", server.engine, answer.text);
        assert_eq!(answer.body["token_type"], "Bearer");
        assert_eq!(answer.body["expires_in"], 360);
        assert_eq!(answer.body["scope"], "read write");
        assert!(answer.body["refresh_token"].is_null());
        let claims = server.claims(&answer).await;
        assert_eq!(claims["iss"], "https://keyturn.test");
        assert_eq!(claims["sub"], format!("key:{}", key.id));
        assert_eq!(claims["client_id"], key.id.to_string());
        assert_eq!(claims["aud"], "api");
        assert_eq!(claims["org"], acme.to_string());
        assert_eq!(claims["currentOrganizationId"], acme.to_string());
        assert_eq!(claims["roles"], serde_json::json!(["manager"]));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 360);
        assert!(claims["email"].is_null(), "AT-09");
    }
}

#[tokio::test]
async fn kx_03_name_and_secret_are_both_needed() {
    let (server, secret) = TestServer::with_key().await;

    let no_name = server.post(API_KEY, &[("secret", secret.reveal())]).await;
    let no_secret = server.post(API_KEY, &[("name", "ci"), ("secret", "")]).await;

    assert_eq!(no_name.error(), (400, "invalid_request"));
    assert_eq!(no_secret.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn kx_04_unknown_name_wrong_secret_and_mismatch_are_the_same_bytes() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let (_, other) = server.key(Owner::Organization(acme), "other").await;
        let unknown = keyturn::domain::Secret::generate(
            &"ktk".parse().unwrap(),
            &keyturn::random::Random::System,
        );
        let mistyped = mistyped(&secret);

        let answers = [
            server.exchange("nobody", &secret).await,
            server.exchange("ci", &other).await,
            server.exchange("ci", &unknown).await,
            server.post(API_KEY, &[("name", "ci"), ("secret", &mistyped)]).await,
            server.post(API_KEY, &[("name", "ci\u{e9}"), ("secret", "ktr_refresh")]).await,
        ];

        for answer in &answers {
            assert_eq!(answer.error(), (401, "invalid_client"), "{}", server.engine);
            assert_eq!(answer.text, answers[0].text);
            let names = |answer: &crate::support::Answer| {
                answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>()
            };
            assert_eq!(names(answer), names(&answers[0]));
        }
    }
}

#[tokio::test]
async fn kx_05_whoever_proves_the_secret_is_told_why() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (expired, expired_secret) = server.key(acme, "expired").await;
        let (revoked, revoked_secret) = server.key(acme, "revoked").await;
        let (disabled, disabled_secret) = server.key(acme, "disabled").await;
        let far = NewApiKey {
            allowed_networks: "192.0.2.0/24".parse().unwrap(),
            ..new_key(acme, "elsewhere")
        };
        let (_, elsewhere_secret) = server.make_key(far).await;
        server.revoke(revoked.id).await;
        server.disable(disabled.id).await;

        let revoked = server.exchange("revoked", &revoked_secret).await;
        let disabled = server.exchange("disabled", &disabled_secret).await;
        let elsewhere = server.exchange("elsewhere", &elsewhere_secret).await;
        server.app.clock.advance(expired.expires_at.unwrap() - expired.created_at);
        let expired = server.exchange("expired", &expired_secret).await;

        assert_eq!(revoked.error(), (401, "invalid_client"));
        assert_eq!(revoked.body["error_description"], "the key was revoked");
        assert_eq!(disabled.body["error_description"], "the key is disabled");
        assert_eq!(elsewhere.error(), (403, "access_denied"));
        assert_eq!(expired.error(), (401, "invalid_client"));
        assert_eq!(expired.body["error_description"], "the key has expired");
    }
}

#[tokio::test]
async fn kx_06_a_key_works_until_the_very_second_it_expires() {
    let server = TestServer::start().await;
    let acme = Owner::Organization(server.acme().await);
    let end = server.app.clock.now() + TimeDelta::hours(1);
    let new = NewApiKey { lifetime: Lifetime::Until(end), ..new_key(acme, "ci") };
    let (_, secret) = server.make_key(new).await;

    server.app.clock.advance(TimeDelta::seconds(3599));
    let before = server.exchange("ci", &secret).await;
    server.app.clock.advance(TimeDelta::seconds(1));
    let at = server.exchange("ci", &secret).await;
    server.app.clock.advance(TimeDelta::seconds(1));
    let after = server.exchange("ci", &secret).await;

    assert_eq!((before.status.as_u16(), before.body["expires_in"].as_i64()), (200, Some(1)));
    assert_eq!((at.status.as_u16(), after.status.as_u16()), (401, 401));
}

#[tokio::test]
async fn kx_07_no_token_outlives_its_key_or_its_secret() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let end = server.app.clock.now() + TimeDelta::seconds(60);
        let new = NewApiKey { lifetime: Lifetime::Until(end), ..new_key(acme, "short") };
        let (_, short) = server.make_key(new).await;
        let (rotated, old) = server.key(acme, "rotated").await;
        let grace = TimeDelta::seconds(100);
        server.rotate(rotated.id, grace).await;

        let short = server.exchange("short", &short).await;
        let old = server.exchange("rotated", &old).await;

        assert_eq!(short.body["expires_in"], 60, "{}", server.engine);
        assert_eq!(server.claims(&short).await["exp"], end.timestamp());
        assert_eq!(old.body["expires_in"], 100);
    }
}

#[tokio::test]
async fn kx_08_a_revoke_is_final_when_it_is_acknowledged() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        assert_eq!(server.exchange("ci", &secret).await.status, 200);
        assert_eq!(server.exchange("ci", &secret).await.status, 200, "from memory");

        server.revoke(key.id).await;
        let answer = server.exchange("ci", &secret).await;

        assert_eq!(answer.status, 401, "{}", server.engine);
    }
}

#[tokio::test]
async fn kx_08_another_node_learns_of_a_revoke_from_the_feed() {
    for server in TestServer::on_each_engine().await {
        let Some(other) = server.second_node().await else { continue };
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        other.app.catch_up().await.unwrap();
        assert_eq!(other.exchange("ci", &secret).await.status, 200);

        server.revoke(key.id).await;
        let remembered = other.exchange("ci", &secret).await;
        other.app.catch_up().await.unwrap();
        let learned = other.exchange("ci", &secret).await;

        assert_eq!(remembered.status, 200, "the feed has not been read: memory is what counts");
        assert_eq!(learned.status, 401);
    }
}

#[tokio::test]
async fn a_node_that_cannot_follow_the_feed_stops_trusting_its_memory() {
    for server in TestServer::on_each_engine().await {
        let Some(other) = server.second_node().await else { continue };
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        assert_eq!(other.exchange("ci", &secret).await.status, 200);
        server.revoke(key.id).await;

        other.app.clock.advance(TimeDelta::seconds(11));
        let answer = other.exchange("ci", &secret).await;

        assert_eq!(answer.status, 401, "read from the database");
    }
}

#[tokio::test]
async fn kx_10_both_secrets_work_while_a_key_is_rotated() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, old) = server.key(acme, "ci").await;
        let grace = TimeDelta::hours(1);

        let new = server.rotate(key.id, grace).await;
        let during = (server.exchange("ci", &old).await, server.exchange("ci", &new).await);
        server.app.clock.advance(grace);
        server.app.catch_up().await.unwrap();
        let after = (server.exchange("ci", &old).await, server.exchange("ci", &new).await);

        assert_eq!((during.0.status.as_u16(), during.1.status.as_u16()), (200, 200));
        assert_eq!((after.0.status.as_u16(), after.1.status.as_u16()), (401, 200));
        let why = "this secret was replaced by a newer one and has died";
        assert_eq!(after.0.body["error_description"], why);
        let sub = |claims: serde_json::Value| claims["sub"].clone();
        let (a, b) = (server.claims(&during.0).await, server.claims(&during.1).await);
        assert_eq!(sub(a), sub(b), "the same key");
    }
}

#[tokio::test]
async fn kx_11_the_secret_is_nowhere_in_the_database() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        server.exchange("ci", &secret).await;

        let mut tx = server.app.store.read().await.unwrap();
        let kept = store::api_key_secrets::of_key(&mut tx, key.id).await.unwrap();
        drop(tx);
        let events = server.audit_trail(&format!("key:{}", key.id)).await;

        assert_eq!(kept.len(), 1);
        assert!(kept[0].hash.matches(&secret.hash()));
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].action, "api_key.created");
        assert!(!format!("{events:?}{kept:?}").contains(&secret.reveal()[4..20]));
    }
}

#[tokio::test]
async fn kx_15_every_token_has_an_id_of_its_own_and_a_subject_no_user_has() {
    let (server, secret) = TestServer::with_key().await;

    let first = server.exchange("ci", &secret).await;
    let second = server.exchange("ci", &secret).await;

    let (first, second) = (server.claims(&first).await, server.claims(&second).await);
    assert_ne!(first["jti"], second["jti"]);
    assert_eq!(first["sub"], second["sub"]);
    assert!(first["sub"].as_str().unwrap().starts_with("key:"));
}

#[tokio::test]
async fn kx_16_a_thousand_parallel_exchanges_give_a_thousand_tokens() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        let (server, secret) = (std::sync::Arc::new(server), std::sync::Arc::new(secret));

        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..1000 {
            let (server, secret) = (server.clone(), secret.clone());
            tasks.spawn(async move { server.exchange("ci", &secret).await });
        }
        let mut tokens = std::collections::HashSet::new();
        while let Some(answer) = tasks.join_next().await {
            let answer = answer.unwrap();
            assert_eq!(answer.status, 200, "{}: {}", server.engine, answer.text);
            tokens.insert(answer.body["access_token"].as_str().unwrap().to_owned());
        }

        assert_eq!(tokens.len(), 1000);
        assert_eq!(issued(&server, key.id).await, 1000, "each was recorded before the reply");
    }
}

/// How many tokens the usage table knows of.
async fn issued(server: &TestServer, id: ApiKeyId) -> i64 {
    let mut fold = keyturn::ledger::Fold::new(server.app.store.clone(), server.app.clock.clone());
    fold.fold_all().await.unwrap();
    let mut tx = server.app.store.read().await.unwrap();
    let uses = store::usage::of_key(&mut tx, id).await.unwrap();
    uses.iter()
        .filter(|(used, _)| used.circumstances.outcome == "issued")
        .map(|(_, count)| count)
        .sum()
}

#[tokio::test]
async fn kx_18_inc_18_an_owner_named_in_the_request_is_ignored() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let (_, secret) = server.key(Owner::Organization(acme), "ci").await;

    let form = [
        ("name", "ci"),
        ("secret", secret.reveal()),
        ("userId", "somebody"),
        ("owner", "somebody"),
        ("roles", "owner"),
        ("expires_in", "999999"),
    ];
    let answer = server.post(API_KEY, &form).await;

    let claims = server.claims(&answer).await;
    assert_eq!(claims["org"], acme.to_string());
    assert_eq!(claims["roles"], serde_json::json!(["manager"]));
    assert_eq!(answer.body["expires_in"], 360);
}

#[tokio::test]
async fn a_key_needs_a_free_name_a_known_role_and_room() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        server.key(acme, "ci").await;
        let asker = Asker::keyturn();
        let create = |new| api_keys::create(&server.app, &asker, new);

        let taken = create(new_key(acme, "ci")).await.err();
        let unknown = NewApiKey { roles: Some("deployer".parse().unwrap()), ..new_key(acme, "a") };
        let unknown = create(unknown).await.err();
        let none = create(NewApiKey { roles: None, ..new_key(acme, "b") }).await.err();

        assert!(matches!(taken, Some(Rejection::NameTaken(_))), "{taken:?}");
        assert!(matches!(unknown, Some(Rejection::UnknownRole(_))), "{unknown:?}");
        assert!(matches!(none, Some(Rejection::NoRole)), "{none:?}");
    }
}
