//! The keys of others: when they are asked for, how long they serve, and whose they have to be.

use std::sync::Arc;

use chrono::TimeDelta;
use keyturn::{
    clock::Clock,
    domain::KeySource,
    outbound::{Names, Outbound, RequestFailed},
    peers::{NoKeys, NotVerified, Peers},
    signing::{MalformedJwks, Untrusted},
};
use serde_json::{Value, json};

use super::{
    foreign::Foreigner,
    now,
    peers::{Reaction, Receiver},
};

struct Rig {
    peers: Arc<Peers>,
    clock: Clock,
    server: Receiver,
    source: KeySource,
}

impl Rig {
    /// Somebody whose keys are at a URL.
    fn publishing(keys: &[&Foreigner]) -> Self {
        let server = Receiver::start(published(keys));
        let source = KeySource::Uri(server.url());
        Self::asking(server, source)
    }

    fn asking(server: Receiver, source: KeySource) -> Self {
        let clock = Clock::fixed(now());
        let allow = vec!["127.0.0.0/8".parse().unwrap()];
        let outbound = Outbound::new(allow, Names::System, clock.clone());
        Self { peers: Arc::new(Peers::new(outbound, clock.clone())), clock, server, source }
    }

    async fn verify(&self, by: &Foreigner) -> Result<(), NotVerified> {
        self.peers.verify(&self.source, &by.token(&json!({}))).await.map(drop)
    }

    fn asked(&self) -> usize {
        self.server.received().len()
    }

    fn pass(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }
}

fn published(keys: &[&Foreigner]) -> Reaction {
    let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
    document(&json!({ "keys": keys }), "application/jwk-set+json")
}

fn document(body: &Value, content_type: &str) -> Reaction {
    let body = body.to_string();
    Reaction::Send(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

const UNKNOWN: Result<(), NotVerified> = Err(NotVerified::Untrusted(Untrusted::UnknownKey));

#[tokio::test]
async fn jb_06_keys_are_fetched_once_and_again_after_ten_minutes() {
    let key = Foreigner::new("one");
    let rig = Rig::publishing(&[&key]);

    let first = [rig.verify(&key).await, rig.verify(&key).await];
    let asked_at_first = rig.asked();
    rig.pass(10 * 60 - 1);
    let later = rig.verify(&key).await;
    let asked_later = rig.asked();
    rig.pass(1);
    let latest = rig.verify(&key).await;

    assert_eq!((first, later, latest), ([Ok(()), Ok(())], Ok(()), Ok(())));
    assert_eq!((asked_at_first, asked_later, rig.asked()), (1, 1, 2));
}

#[tokio::test]
async fn jw_08_a_name_that_nobody_knows_has_them_fetched_again_once_in_half_a_minute() {
    let (old, new) = (Foreigner::new("old"), Foreigner::new("new"));
    let rig = Rig::publishing(&[&old]);

    let at_first = [rig.verify(&old).await, rig.verify(&new).await];
    rig.pass(29);
    let too_early = rig.verify(&new).await;
    let asked_too_early = rig.asked();
    rig.server.react(published(&[&old, &new]));
    rig.pass(1);
    let found = rig.verify(&new).await;
    for made_up in ["a", "b", "c"] {
        assert_eq!(rig.verify(&Foreigner::new(made_up)).await, UNKNOWN);
    }

    assert_eq!((at_first, too_early, found), ([Ok(()), UNKNOWN], UNKNOWN, Ok(())));
    assert_eq!((asked_too_early, rig.asked()), (1, 2));
}

#[tokio::test]
async fn jb_06_old_keys_serve_for_an_hour_while_nobody_answers() {
    let key = Foreigner::new("one");
    let rig = Rig::publishing(&[&key]);
    rig.verify(&key).await.unwrap();

    rig.server.react(Reaction::status(500));
    rig.pass(10 * 60);
    let away = rig.verify(&key).await;
    rig.pass(50 * 60 - 1);
    let at_last = rig.verify(&key).await;
    rig.pass(1);
    let too_old = rig.verify(&key).await;
    rig.server.react(published(&[&key]));
    rig.pass(30);
    let back = rig.verify(&key).await;

    assert_eq!((away, at_last, back), (Ok(()), Ok(()), Ok(())));
    assert_eq!(too_old, Err(NotVerified::NoKeys(NoKeys::Status(500))));
}

#[tokio::test]
async fn a_key_that_is_withdrawn_verifies_nothing_once_that_is_known() {
    let (old, new) = (Foreigner::new("old"), Foreigner::new("new"));
    let rig = Rig::publishing(&[&old]);
    rig.verify(&old).await.unwrap();

    rig.server.react(published(&[&new]));
    rig.pass(10 * 60);

    assert_eq!(rig.verify(&old).await, UNKNOWN);
    assert_eq!(rig.verify(&new).await, Ok(()));
}

#[tokio::test]
async fn sf_07_a_source_that_fails_is_not_asked_again_for_half_a_minute() {
    let key = Foreigner::new("one");
    let rig = Rig::publishing(&[&key]);
    rig.server.react(Reaction::status(404));

    let failed = [rig.verify(&key).await, rig.verify(&key).await];
    rig.pass(29);
    let still = rig.verify(&key).await;

    let expected = Err(NotVerified::NoKeys(NoKeys::Status(404)));
    assert_eq!((failed, still), ([expected, expected], expected));
    assert_eq!(rig.asked(), 1);
}

#[tokio::test]
async fn of_many_who_want_the_keys_at_once_one_asks() {
    let key = Arc::new(Foreigner::new("one"));
    let rig = Arc::new(Rig::publishing(&[&key]));

    let all: Vec<_> = (0..50)
        .map(|_| {
            let (rig, key) = (Arc::clone(&rig), Arc::clone(&key));
            tokio::spawn(async move { rig.verify(&key).await })
        })
        .collect();
    for one in all {
        assert_eq!(one.await.unwrap(), Ok(()));
    }

    assert_eq!(rig.asked(), 1);
}

#[tokio::test]
async fn whoever_leaves_does_not_have_the_source_asked_anew() {
    let key = Foreigner::new("one");
    let rig = Rig::publishing(&[&key]);

    for _ in 0..20 {
        // Polled once, and dropped: a caller that hangs up.
        let mut asking = Box::pin(rig.verify(&key));
        let _ = std::future::poll_fn(|context| {
            std::task::Poll::Ready(asking.as_mut().poll(context).is_ready())
        })
        .await;
    }

    assert_eq!(rig.verify(&key).await, Ok(()));
    assert_eq!(rig.asked(), 1);
}

#[tokio::test]
async fn an_issuer_says_itself_where_its_keys_are() {
    let key = Foreigner::new("one");
    let server = Receiver::start(Reaction::status(404));
    for path in ["", "/", "/tenant"] {
        let issuer = format!("http://{}{path}", server.address);
        // One document for both questions.
        let both = json!({ "issuer": issuer, "jwks_uri": server.url(), "keys": [key.jwk()] });
        server.react(document(&both, "application/json"));
        let rig = Rig::asking(server.clone(), KeySource::Issuer(issuer));

        let verified = rig.verify(&key).await;

        let asked = rig.server.received();
        let [.., metadata, keys] = &asked[..] else { panic!("{asked:?}") };
        let path = path.trim_end_matches('/');
        let expected = format!("GET {path}/.well-known/openid-configuration HTTP/1.1\n");
        assert_eq!(verified, Ok(()));
        assert!(metadata.head.starts_with(&expected), "{}", metadata.head);
        assert!(keys.head.starts_with("GET /hook "), "{}", keys.head);
    }
}

#[tokio::test]
async fn the_metadata_of_an_issuer_has_to_name_it_to_the_letter() {
    let key = Foreigner::new("one");
    let server = Receiver::start(Reaction::status(404));
    let issuer = format!("http://{}", server.address);
    let uri = server.url();
    for (metadata, expected) in [
        (json!({ "issuer": "https://other.example", "jwks_uri": uri }), NoKeys::OtherIssuer),
        (json!({ "issuer": format!("{issuer}/"), "jwks_uri": uri }), NoKeys::OtherIssuer),
        (json!({ "issuer": issuer.to_uppercase(), "jwks_uri": uri }), NoKeys::OtherIssuer),
        (json!({ "jwks_uri": uri }), NoKeys::Metadata),
        (json!({ "issuer": issuer }), NoKeys::Metadata),
        (json!({ "issuer": [issuer], "jwks_uri": uri }), NoKeys::Metadata),
        (json!([]), NoKeys::Metadata),
    ] {
        server.react(document(&metadata, "application/json"));
        let rig = Rig::asking(server.clone(), KeySource::Issuer(issuer.clone()));

        assert_eq!(rig.verify(&key).await, Err(NotVerified::NoKeys(expected)), "{metadata}");
    }
}

#[tokio::test]
async fn sf_08_what_is_no_jwk_set_gives_no_keys() {
    let key = Foreigner::new("one");
    let keys = json!({ "keys": [key.jwk()] });
    for (reaction, expected) in [
        (document(&keys, "text/html"), NoKeys::NotJson),
        (document(&keys, "application/jwt"), NoKeys::NotJson),
        (document(&json!({}), "application/json"), NoKeys::Malformed(MalformedJwks::NotASet)),
        (document(&json!([]), "application/json"), NoKeys::Malformed(MalformedJwks::Json)),
        (
            document(&json!({ "keys": [], "pad": "x".repeat(65_536) }), "application/json"),
            NoKeys::Request(RequestFailed::TooMuch),
        ),
    ] {
        let server = Receiver::start(reaction);
        let source = KeySource::Uri(server.url());

        let verified = Rig::asking(server, source).verify(&key).await;

        assert_eq!(verified, Err(NotVerified::NoKeys(expected)));
    }
}

#[tokio::test]
async fn pinned_keys_need_nobody_and_never_grow_old() {
    let (key, other) = (Foreigner::new("one"), Foreigner::new("other"));
    let server = Receiver::start(published(&[&other]));
    let rig = Rig::asking(server, KeySource::Pinned(key.jwks()));

    let verified = rig.verify(&key).await;
    rig.pass(100 * 24 * 3600);

    assert_eq!((verified, rig.verify(&key).await), (Ok(()), Ok(())));
    assert_eq!(rig.verify(&other).await, UNKNOWN);
    assert_eq!(rig.asked(), 0);
}
