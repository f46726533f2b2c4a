//! Secrets that are given up or found: checks KS-03, RV-11 and what `when_leaked` promises.

use std::sync::Arc;

use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use axum::{body::Body, http::Request};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use keyturn::{
    clock::{self, Clock},
    domain::{ApiKey, ApiKeyId, Expected, Owner, Secret, Status, WhenLeaked},
    manage::{Asker, api_keys, api_keys::NewApiKey},
    outbound::{Names, Outbound},
    peers::Reporters,
    random::Random,
    signing::ReporterKeys,
};
use serde_json::{Value, json};

use crate::{
    peers::{Reaction, Receiver},
    support::{Answer, Options, TestServer, mistyped, new_key},
};

pub(crate) const REVOKE: &str = "/auth/v1/api-key/revoke";
pub(crate) const REVOKE_FOUND: &str = "/auth/v1/api-key/revoke-found";
pub(crate) const GITHUB: &str = "/auth/v1/api-key/leaks/github";

async fn status(server: &TestServer, id: ApiKeyId) -> Status {
    let shown = api_keys::show(&server.app, &Asker::keyturn(), id).await.unwrap();
    shown.key.status(server.app.clock.now())
}

pub(crate) async fn key_that(
    server: &TestServer,
    name: &str,
    when_leaked: WhenLeaked,
) -> (ApiKey, Secret) {
    let acme = server.app.store.clone();
    let mut tx = acme.read().await.unwrap();
    let acme = keyturn::store::organizations::operators(&mut tx).await.unwrap().unwrap();
    drop(tx);
    server.make_key(NewApiKey { when_leaked, ..new_key(Owner::Organization(acme), name) }).await
}

fn unknown() -> Secret {
    Secret::generate(&"ktk".parse().unwrap(), &Random::System)
}

async fn report(server: &TestServer, secrets: &[&str]) -> Answer {
    let body = json!({ "secrets": secrets, "place": "https://paste.example/1" }).to_string();
    let request = Request::post(REVOKE_FOUND).header("content-type", "application/json");
    server.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn rv_11_whoever_holds_a_secret_can_revoke_its_key_and_twice_is_no_error() {
    for server in TestServer::on_each_engine().await {
        server.acme().await;
        let (key, secret) = key_that(&server, "ci", WhenLeaked::Notify).await;

        let first = server.post(REVOKE, &[("secret", secret.reveal())]).await;
        let again = server.post(REVOKE, &[("secret", secret.reveal())]).await;

        assert_eq!((first.status.as_u16(), &first.body["status"]), (200, &json!("revoked")));
        assert_eq!((again.status, &again.text), (first.status, &first.text));
        assert_eq!(status(&server, key.id).await, Status::Revoked, "{}", server.engine);
        assert_eq!(server.exchange("ci", &secret).await.error(), (401, "invalid_client"));
        let trail = server.audit_trail(&format!("key:{}", key.id)).await;
        assert_eq!(trail[1].action, "api_key.given_up");
        assert_eq!(trail[1].actor.to_string(), format!("key:{}", key.id));
        assert_eq!(trail[1].request_id.unwrap().to_string(), first.header("x-request-id"));
    }
}

#[tokio::test]
async fn a_secret_that_nobody_has_is_refused_like_at_every_door() {
    let (server, secret) = TestServer::with_key().await;

    let unknown = server.post(REVOKE, &[("secret", unknown().reveal())]).await;
    let mistyped = server.post(REVOKE, &[("secret", &mistyped(&secret))]).await;
    let missing = server.post(REVOKE, &[]).await;
    let in_url = server.post(&format!("{REVOKE}?secret={}", secret.reveal()), &[]).await;

    assert_eq!(unknown.error(), (401, "invalid_client"));
    assert_eq!((unknown.status, &unknown.text), (mistyped.status, &mistyped.text));
    assert_eq!(missing.error(), (400, "invalid_request"));
    assert_eq!(in_url.error(), (400, "invalid_request"));
    assert_eq!(server.exchange("ci", &secret).await.status, 200);
}

#[tokio::test]
async fn giving_up_the_old_secret_of_a_rotated_key_leaves_the_new_one() {
    for server in TestServer::on_each_engine().await {
        server.acme().await;
        let (key, old) = key_that(&server, "ci", WhenLeaked::Revoke).await;
        let new = server.rotate(key.id, TimeDelta::days(1)).await;

        let answer = server.post(REVOKE, &[("secret", old.reveal())]).await;

        assert_eq!(answer.status, 200);
        assert_eq!(server.exchange("ci", &old).await.status, 401);
        assert_eq!(server.exchange("ci", &new).await.status, 200, "{}", server.engine);
    }
}

#[tokio::test]
async fn a_locked_key_is_ended_by_its_secret_all_the_same() {
    let server = TestServer::start().await;
    server.acme().await;
    let (key, secret) = key_that(&server, "ci", WhenLeaked::Notify).await;
    let asker = Asker::keyturn();
    api_keys::set_locked(&server.app, &asker, key.id, &Expected::Any, true).await.unwrap();

    server.post(REVOKE, &[("secret", secret.reveal())]).await;

    assert_eq!(status(&server, key.id).await, Status::Revoked);
}

#[tokio::test]
async fn a_found_secret_does_to_its_key_what_its_owner_chose() {
    for server in TestServer::on_each_engine().await {
        server.acme().await;
        let (notify, one) = key_that(&server, "one", WhenLeaked::Notify).await;
        let (disable, two) = key_that(&server, "two", WhenLeaked::Disable).await;
        let (revoke, three) = key_that(&server, "three", WhenLeaked::Revoke).await;

        let answer = report(&server, &[one.reveal(), two.reveal(), three.reveal()]).await;

        assert_eq!((answer.status.as_u16(), &answer.body), (202, &json!({ "received": 3 })));
        assert_eq!(status(&server, notify.id).await, Status::Active, "{}", server.engine);
        assert_eq!(status(&server, disable.id).await, Status::Disabled);
        assert_eq!(status(&server, revoke.id).await, Status::Revoked);
        for (key, secret) in [(notify, one), (disable, two), (revoke, three)] {
            let trail = server.audit_trail(&format!("key:{}", key.id)).await;
            assert_eq!(trail[1].action, "api_key.leaked");
            assert_eq!(trail[1].detail["place"], "https://paste.example/1");
            assert!(!trail[1].detail.to_string().contains(secret.reveal()));
        }
    }
}

#[tokio::test]
async fn a_report_tells_nobody_what_was_real() {
    let (server, secret) = TestServer::with_key().await;
    let (real, other) = (secret.reveal().to_owned(), unknown());

    let of_real = report(&server, &[&real]).await;
    let of_unknown = report(&server, &[other.reveal()]).await;
    let of_garbage = report(&server, &["password"]).await;

    let told = |answer: &Answer| (answer.status, answer.text.clone(), answer.headers.len());
    assert_eq!(told(&of_real), told(&of_unknown));
    assert_eq!(told(&of_real), told(&of_garbage));
}

#[tokio::test]
async fn a_report_has_a_thousand_secrets_at_most() {
    let server = TestServer::start().await;
    let secret = unknown();

    let most = report(&server, &vec![secret.reveal(); 1000]).await;
    let too_many = report(&server, &vec![secret.reveal(); 1001]).await;

    assert_eq!(most.body["received"], 1000);
    assert_eq!(too_many.error(), (400, "invalid_request"));
}

/// GitHub, as far as it concerns us.
pub(crate) struct Github {
    pair: EcdsaKeyPair,
}

impl Github {
    pub(crate) fn new() -> Self {
        Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap() }
    }

    fn published(&self) -> String {
        self.published_as("k1")
    }

    fn published_as(&self, id: &str) -> String {
        let der: PublicKeyX509Der<'_> = self.pair.public_key().as_der().unwrap();
        let text = BASE64_STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n");
        json!({ "public_keys": [{ "key_identifier": id, "key": pem, "is_current": true }] })
            .to_string()
    }

    pub(crate) async fn server(&self) -> TestServer {
        TestServer::with(self.options()).await
    }

    pub(crate) fn options(&self) -> Options {
        let keys = ReporterKeys::default();
        keys.replace(&self.published()).unwrap();
        let mut options = Options::default();
        options.edge.github_keys = Arc::new(Reporters::known(keys));
        options
    }

    pub(crate) fn finding(&self, body: &str, identifier: &str) -> Request<Body> {
        let signature = self.pair.sign(&SystemRandom::new(), body.as_bytes()).unwrap();
        Request::post(GITHUB)
            .header("content-type", "application/json")
            .header("Github-Public-Key-Identifier", identifier)
            .header("Github-Public-Key-Signature", BASE64_STANDARD.encode(signature.as_ref()))
            .body(Body::from(body.to_owned()))
            .unwrap()
    }
}

fn found(secret: &str) -> String {
    json!([{
        "token": secret,
        "type": "keyturn_api_key",
        "url": "https://github.com/acme/app/blob/1/config",
        "source": "content",
    }])
    .to_string()
}

#[tokio::test]
async fn ks_03_what_github_signs_is_believed_and_answered() {
    let github = Github::new();
    let server = github.server().await;
    server.acme().await;
    let (key, secret) = key_that(&server, "ci", WhenLeaked::Revoke).await;

    let real = server.send(github.finding(&found(secret.reveal()), "k1")).await;
    let false_alarm = server.send(github.finding(&found("ktk_nonsense"), "k1")).await;

    let label = |answer: &Answer| answer.body[0]["label"].clone();
    assert_eq!((real.status.as_u16(), label(&real)), (200, json!("true_positive")));
    assert_eq!(real.body[0]["token_type"], "keyturn_api_key");
    assert_eq!(label(&false_alarm), "false_positive");
    assert_eq!(status(&server, key.id).await, Status::Revoked);
}

#[tokio::test]
async fn a_report_that_github_did_not_sign_does_nothing() {
    let (github, stranger) = (Github::new(), Github::new());
    let server = github.server().await;
    server.acme().await;
    let (key, secret) = key_that(&server, "ci", WhenLeaked::Revoke).await;
    let body = found(secret.reveal());
    let mut altered = github.finding(&body, "k1");
    *altered.body_mut() = Body::from(body.replace("content", "commit "));
    let unsigned = Request::post(GITHUB).body(Body::from(body.clone())).unwrap();

    let requests = [stranger.finding(&body, "k1"), github.finding(&body, "k2"), altered, unsigned];
    for request in requests {
        let answer = server.send(request).await;
        assert_eq!(answer.error(), (401, "invalid_request"), "{}", answer.text);
    }
    assert_eq!(status(&server, key.id).await, Status::Active);
}

/// A list of keys as GitHub publishes it.
fn publishes(document: &str) -> Reaction {
    Reaction::Send(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{document}",
        document.len()
    ))
}

#[tokio::test]
async fn fx_36_a_key_that_github_has_just_begun_to_use_is_fetched_at_once_and_not_too_often() {
    let (old, new) = (Github::new(), Github::new());
    let publisher = Receiver::start(publishes(&old.published_as("k1")));
    let clock = Clock::fixed(clock::timestamp(1_800_000_000).unwrap());
    let allow = vec!["127.0.0.0/8".parse().unwrap()];
    let outbound = Outbound::new(allow, Names::System, clock.clone());
    let mut options = Options::default();
    let keys = Reporters::fetched(publisher.url(), outbound, clock.clone());
    options.edge.github_keys = Arc::new(keys);
    let server = TestServer::with(options).await;
    server.acme().await;
    let (key, secret) = key_that(&server, "ci", WhenLeaked::Revoke).await;
    let body = found(secret.reveal());

    let too_early = server.send(new.finding(&body, "k2")).await;
    let known = server.send(old.finding(&found("ktk_nonsense"), "k1")).await;
    publisher.react(publishes(&new.published_as("k2")));
    for made_up in ["k2", "k3", "k4"] {
        server.send(old.finding(&body, made_up)).await;
    }
    let fetched = publisher.received().len();
    clock.advance(TimeDelta::seconds(30));
    let answer = server.send(new.finding(&body, "k2")).await;

    assert_eq!(too_early.error(), (401, "invalid_request"));
    assert_eq!(known.status, 200, "fetched although nobody had asked before: {}", known.text);
    assert_eq!(fetched, 1, "names that are made up fetch nothing more");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(publisher.received().len(), 2);
    assert_eq!(status(&server, key.id).await, Status::Revoked);
}

#[tokio::test]
async fn without_githubs_keys_there_is_no_such_path() {
    let (server, secret) = TestServer::with_key().await;

    let answer = server.send(Github::new().finding(&found(secret.reveal()), "k1")).await;

    assert_eq!(answer.status, 404);
    assert_eq!(server.exchange("ci", &secret).await.status, 200);
}

#[test]
fn keys_of_a_reporter_that_cannot_be_used_are_named() {
    let keys = ReporterKeys::default();
    let bad: Value = json!({ "public_keys": [{ "key_identifier": "k9", "key": "none" }] });

    let unusable = keys.replace(&bad.to_string()).unwrap_err().to_string();

    assert_eq!(unusable, "public key k9 is not on the curve P-256, or damaged");
    assert!(keys.replace("[]").is_err());
    assert!(keys.replace(r#"{"public_keys":[]}"#).is_err());
    assert!(keys.is_empty());
}

#[tokio::test]
async fn a_leak_that_is_reported_again_is_told_and_recorded_once_a_day() {
    for server in TestServer::on_each_engine().await {
        server.acme().await;
        let (key, secret) = key_that(&server, "ci", WhenLeaked::Notify).await;

        for _ in 0..3 {
            report(&server, &[secret.reveal()]).await;
        }
        server.app.clock.advance(TimeDelta::days(2));
        report(&server, &[secret.reveal()]).await;

        let trail = server.audit_trail(&format!("key:{}", key.id)).await;
        let leaks = trail.iter().filter(|event| event.action == "api_key.leaked").count();
        assert_eq!(leaks, 2, "{}", server.engine);
        assert_eq!(server.exchange("ci", &secret).await.status, 200);
    }
}

#[tokio::test]
async fn the_owners_hear_of_a_leak_and_what_became_of_the_key() {
    let mut options = Options::default();
    options.settings.sends_mail = true;
    let server = TestServer::with(options).await;
    let acme = server.acme().await;
    server.user("ada@example.com", &[(acme, "owner")]).await;
    let (_, secret) = key_that(&server, "ci", WhenLeaked::Revoke).await;

    report(&server, &[secret.reveal()]).await;

    let letters = server.dump().await;
    assert!(letters.contains("api key ci of acme has leaked"), "{letters}");
    assert!(letters.contains("https://paste.example/1"));
    assert!(letters.contains("was revoked and never works again"));
    assert!(letters.contains("ada@example.com"));
    assert!(!letters.contains(&secret.reveal().to_lowercase()));
}

#[tokio::test]
async fn fx_25_the_owners_hear_of_a_secret_that_its_holder_has_ended() {
    for server in TestServer::on_each_engine_with(|| {
        let mut options = Options::default();
        options.settings.sends_mail = true;
        options
    })
    .await
    {
        let acme = server.acme().await;
        server.user("ada@example.com", &[(acme, "owner")]).await;
        let (key, secret) = key_that(&server, "ci", WhenLeaked::Notify).await;

        server.post(REVOKE, &[("secret", secret.reveal())]).await;
        server.post(REVOKE, &[("secret", secret.reveal())]).await;

        let letters = server.dump().await;
        assert!(letters.contains("api key ci of acme was given up"), "{letters}");
        assert!(letters.contains("was revoked and never works again"), "{}", server.engine);
        assert!(letters.contains("ada@example.com"));
        assert_eq!(server.count("outbox").await, 1, "it is told once");
        let trail = server.audit_trail(&format!("key:{}", key.id)).await;
        assert_eq!(trail[1].actor_email, Some(key.audit_email("keyturn.test")));
    }
}
