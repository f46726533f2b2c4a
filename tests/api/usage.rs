//! The record of what was used and refused, and what happens when it cannot be written.

use axum::{body::Body, http::Request};
use chrono::TimeDelta;
use keyturn::{
    domain::{ApiKeyId, Circumstances, Owner, Secret, Use, UserAgent},
    ledger::{Fold, Recording},
    manage::{Asker, api_keys},
    store::{self, Page},
};

use crate::support::{API_KEY, FORM, Options, TestServer, encoded};

fn soon() -> Options {
    Options { recording: Recording::Soon, ..Options::default() }
}

fn fold(server: &TestServer) -> Fold {
    Fold::new(server.app.store.clone(), server.app.clock.clone())
}

async fn uses(server: &TestServer, id: ApiKeyId) -> Vec<(Use, i64)> {
    let mut tx = server.app.store.read().await.unwrap();
    store::usage::of_key(&mut tx, id).await.unwrap()
}

/// How often a key was used, with which outcome.
async fn counts(server: &TestServer, id: ApiKeyId) -> Vec<(String, i64)> {
    uses(server, id)
        .await
        .into_iter()
        .map(|(used, count)| (used.circumstances.outcome.into_owned(), count))
        .collect()
}

async fn exchange_as(server: &TestServer, agent: &str, secret: &Secret) -> u16 {
    let request = Request::post(API_KEY).header("content-type", FORM).header("user-agent", agent);
    let body = encoded(&[("name", "ci"), ("secret", secret.reveal())]);
    server.send(request.body(Body::from(body)).unwrap()).await.status.as_u16()
}

#[tokio::test]
async fn usage_is_counted_by_minute_agent_and_outcome() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        let minute = server.app.clock.now().timestamp() / 60;
        let long = "x".repeat(500);

        for agent in ["curl/8", "curl/8", "curl/8\u{9}", &long] {
            assert_eq!(exchange_as(&server, agent, &secret).await, 200);
        }
        server.app.clock.advance(TimeDelta::minutes(1));
        exchange_as(&server, "curl/8", &secret).await;
        server.revoke(key.id).await;
        exchange_as(&server, "curl/8", &secret).await;
        server.settle().await;

        let counted: Vec<_> = uses(&server, key.id)
            .await
            .into_iter()
            .map(|(used, count)| {
                let used = used.circumstances;
                let agent = used.user_agent.as_str().len();
                assert_eq!(used.source.to_string(), "127.0.0.1");
                (used.minute - minute, agent, used.outcome.into_owned(), count)
            })
            .collect();
        let expected = [(0, 6, "issued", 3), (0, 120, "issued", 1), (1, 6, "issued", 1)];
        let expected = expected.into_iter().chain([(1, 6, "key_revoked", 1)]);
        let expected: Vec<_> =
            expected.map(|(minute, agent, word, n)| (minute, agent, word.to_owned(), n)).collect();
        assert_eq!(counted, expected, "{}", server.engine);
    }
}

#[tokio::test]
async fn a_key_knows_when_it_was_last_used() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(acme, "ci").await;
        server.key(acme, "idle").await;

        server.exchange("ci", &secret).await;
        server.app.clock.advance(TimeDelta::hours(1));
        server.exchange("ci", &secret).await;
        let now = server.app.clock.now().timestamp();
        server.settle().await;

        let (asker, all) = (Asker::keyturn(), store::api_keys::Filter::default());
        let listed = api_keys::list(&server.app, &asker, &all, Page::ALL).await.unwrap();
        let last = |name: &str| {
            let listed = listed.iter().find(|listed| listed.key.name.as_str() == name).unwrap();
            listed.secrets[0].1.as_ref().map(|last| (last.minute, last.source.clone()))
        };
        assert_eq!(last("ci"), Some((now / 60, Some("127.0.0.1".to_owned()))), "{}", server.engine);
        assert_eq!(last("idle"), None);
    }
}

#[tokio::test]
async fn te_24_the_true_reason_is_found_under_the_id_the_caller_was_given() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        let (other, other_secret) = server.key(acme, "other").await;
        server.revoke(other.id).await;
        let unknown = Secret::generate(&"ktk".parse().unwrap(), &keyturn::random::Random::System);
        let form = [("name", "ci"), ("secret", secret.reveal()), ("scope", "admin")];

        let expected = [
            (server.exchange("ci", &unknown).await, "unknown_secret", None),
            (server.exchange("nobody", &secret).await, "wrong_name", Some(key.id)),
            (
                server.post(API_KEY, &[("name", "ci"), ("secret", "typo")]).await,
                "malformed_secret",
                None,
            ),
            (server.exchange("other", &other_secret).await, "key_revoked", Some(other.id)),
            (server.post(API_KEY, &form).await, "scope_not_granted", Some(key.id)),
        ];
        server.settle().await;

        for (answer, reason, key) in &expected {
            let record = server.refusal(answer).await.unwrap_or_else(|| panic!("{reason}"));
            assert_eq!(record.reason, *reason, "{}", server.engine);
            assert_eq!(record.api_key_id, *key, "{reason}");
            assert_eq!(record.at, server.app.clock.now().timestamp());
            let kept = format!("{record:?}");
            assert!(!kept.contains(secret.reveal()) && !kept.contains(unknown.reveal()), "{kept}");
        }
    }
}

#[tokio::test]
async fn soon_means_after_the_reply_but_not_never() {
    for server in TestServer::on_each_engine_with(soon).await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;

        for _ in 0..10 {
            assert_eq!(server.exchange("ci", &secret).await.status, 200);
        }
        server.settle().await;

        assert_eq!(counts(&server, key.id).await, [("issued".to_owned(), 10)], "{}", server.engine);
    }
}

/// The writer used to rest between two writes, and callers were told that it was overloaded.
#[tokio::test]
async fn soon_the_ledger_takes_uses_as_fast_as_they_come() {
    for server in TestServer::on_each_engine_with(soon).await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        assert_eq!(server.exchange("ci", &secret).await.status, 200);
        let presented = server.app.directory.key(&secret.hash()).await.unwrap().unwrap();
        let issued = || Use {
            secret_id: presented.secret.id,
            circumstances: Circumstances {
                minute: 30_000_000,
                source: "192.0.2.1".parse().unwrap(),
                user_agent: UserAgent::new("curl/8"),
                outcome: "issued".into(),
            },
        };

        for count in 0..300_000 {
            let taken = server.app.ledger.record_use(issued());
            assert!(taken.is_ok(), "{}: refused after {count}", server.engine);
            if count % 1000 == 0 {
                tokio::task::yield_now().await;
            }
        }
        server.settle().await;

        let counts = uses(&server, key.id).await;
        let counted: i64 = counts.iter().map(|(_, count)| count).sum();
        assert_eq!(counted, 300_001, "{}", server.engine);
    }
}

#[tokio::test]
async fn no_token_leaves_without_a_trace() {
    for options in [Options::default as fn() -> Options, soon] {
        for server in TestServer::on_each_engine_with(options).await {
            let acme = Owner::Organization(server.acme().await);
            let (_, secret) = server.key(acme, "ci").await;
            assert_eq!(server.exchange("ci", &secret).await.status, 200);

            server.app.ledger.close().await;
            let answer = server.exchange("ci", &secret).await;

            assert_eq!(answer.error(), (503, "temporarily_unavailable"), "{}", server.engine);
            assert_eq!(answer.header("retry-after"), "1");
            assert!(answer.body["access_token"].is_null());
        }
    }
}

#[tokio::test]
async fn te_19_a_use_that_cannot_be_written_is_a_token_that_is_not_given() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        assert_eq!(server.exchange("ci", &secret).await.status, 200);
        server.sql("alter table usage_journal rename to away").await;

        let refused = server.exchange("ci", &secret).await;
        server.sql("alter table away rename to usage_journal").await;
        let recovered = server.exchange("ci", &secret).await;
        server.settle().await;

        assert_eq!(refused.error(), (503, "temporarily_unavailable"), "{}", server.engine);
        assert_eq!(recovered.status, 200, "without a restart");
        assert_eq!(counts(&server, key.id).await, [("issued".to_owned(), 2)]);
    }
}

#[tokio::test]
async fn soon_keeps_what_it_could_not_write_for_later() {
    for server in TestServer::on_each_engine_with(soon).await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        server.sql("alter table usage_journal rename to away").await;

        let meanwhile = server.exchange("ci", &secret).await;
        tokio::task::yield_now().await;
        server.sql("alter table away rename to usage_journal").await;
        let after = server.exchange("ci", &secret).await;
        server.settle().await;

        assert_eq!((meanwhile.status.as_u16(), after.status.as_u16()), (200, 200));
        assert_eq!(counts(&server, key.id).await, [("issued".to_owned(), 2)], "{}", server.engine);
    }
}

#[tokio::test]
async fn te_19_with_soon_a_known_key_works_without_the_database_until_it_is_stale() {
    for server in TestServer::on_each_engine_with(soon).await {
        let acme = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(acme, "ci").await;
        let (_, unseen) = server.key(acme, "unseen").await;
        assert_eq!(server.exchange("ci", &secret).await.status, 200);
        server.lose_the_database().await;

        let at_once = server.exchange("ci", &secret).await;
        let not_in_memory = server.exchange("unseen", &unseen).await;
        server.app.clock.advance(TimeDelta::seconds(9));
        let fresh = server.exchange("ci", &secret).await;
        server.app.clock.advance(TimeDelta::seconds(1));
        let stale = server.exchange("ci", &secret).await;

        assert_eq!((at_once.status.as_u16(), fresh.status.as_u16()), (200, 200));
        for answer in [&not_in_memory, &stale] {
            assert_eq!(answer.error(), (503, "temporarily_unavailable"), "{}", server.engine);
            assert_eq!(answer.header("retry-after"), "1");
        }
        assert!(server.claims(&fresh).await["jti"].is_string());
    }
}

#[tokio::test]
async fn folding_twice_counts_once() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        for _ in 0..50 {
            server.exchange("ci", &secret).await;
        }

        fold(&server).fold_all().await.unwrap();
        fold(&server).fold_all().await.unwrap();
        let first = counts(&server, key.id).await;
        server.exchange("ci", &secret).await;
        server.settle().await;

        assert_eq!(first, [("issued".to_owned(), 50)], "{}", server.engine);
        assert_eq!(counts(&server, key.id).await, [("issued".to_owned(), 51)]);
    }
}

#[tokio::test]
async fn two_who_fold_at_once_count_once() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let mut keys = Vec::new();
        for number in 0..10 {
            keys.push((format!("ci{number}"), server.key(acme, &format!("ci{number}")).await));
        }
        for _ in 0..10 {
            for (name, (_, secret)) in &keys {
                assert_eq!(server.exchange(name, secret).await.status, 200);
            }
        }

        let (mut here, mut there) = (fold(&server), fold(&other));
        let (here, there) = tokio::join!(here.fold_all(), there.fold_all());
        server.settle().await;

        assert!(here.is_ok() && there.is_ok(), "{here:?} {there:?}");
        for (_, (key, _)) in &keys {
            let counts = counts(&server, key.id).await;
            assert_eq!(counts, [("issued".to_owned(), 10)], "{}", server.engine);
        }
    }
}
