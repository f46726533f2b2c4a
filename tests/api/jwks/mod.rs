//! Signing keys that follow each other: checks JW-01 to JW-11.

mod histories;
mod not_due;

use chrono::TimeDelta;
use jsonwebtoken::{decode_header, jwk::Jwk, jwk::ThumbprintHash};
use keyturn::{
    domain::{Algorithm, Owner, Secret, SigningKey, SigningKeyState},
    manage::{Asker, Rejection, signing_keys},
};
use serde_json::Value;

use crate::support::{Answer, TestServer, verified};

const JWKS: &str = "/.well-known/jwks.json";
/// How long a key is published before it signs, with the settings of a test.
const LEAD: TimeDelta = TimeDelta::seconds(900 + 300);
/// How long it stays published after it signed for the last time.
const RETIREMENT: TimeDelta = TimeDelta::seconds(360 + 900 + 300);

async fn secret(server: &TestServer) -> Secret {
    let acme = server.acme().await;
    server.key(Owner::Organization(acme), "ci").await.1
}

fn kid(answer: &Answer) -> String {
    let token = answer.body["access_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text));
    decode_header(token).unwrap().kid.unwrap()
}

async fn published(server: &TestServer) -> Vec<String> {
    let jwks = server.get(JWKS).await.body;
    let keys = jwks["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn rotate(server: &TestServer) -> String {
    let made = signing_keys::rotate(&server.app, &Asker::keyturn(), Algorithm::Es256).await;
    made.unwrap().signing_key_id
}

async fn revoke(server: &TestServer, signing_key_id: &str) {
    signing_keys::revoke(&server.app, &Asker::keyturn(), signing_key_id).await.unwrap();
}

async fn es256(server: &TestServer) -> Vec<SigningKey> {
    let all = signing_keys::list(&server.app, &Asker::keyturn()).await.unwrap();
    all.into_iter().filter(|key| key.algorithm == Algorithm::Es256).collect()
}

#[tokio::test]
async fn jw_01_jw_07_jw_11_only_public_halves_are_published() {
    for server in TestServer::on_each_engine().await {
        signing_keys::ensure(&server.app, &Asker::keyturn(), Algorithm::EdDsa).await.unwrap();

        let answer = server.get(JWKS).await;

        assert_eq!(answer.header("content-type"), "application/jwk-set+json");
        let keys = answer.body["keys"].as_array().unwrap();
        let algorithms: Vec<_> = keys.iter().map(|key| key["alg"].as_str().unwrap()).collect();
        assert_eq!(algorithms, ["ES256", "RS256", "EdDSA"]);
        for key in keys {
            let jwk: Jwk = serde_json::from_value(key.clone()).unwrap();
            let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).unwrap();
            assert_eq!(key["kid"], thumbprint);
            assert_eq!(key["use"], "sig");
            assert_ne!(key["kty"], "oct");
            for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
                assert!(key[private].is_null(), "{private}");
            }
        }
        let rsa = &keys[1];
        assert_eq!(rsa["e"], "AQAB");
        assert!(rsa["n"].as_str().unwrap().len() >= 342, "2048 bits");
    }
}

#[tokio::test]
async fn jw_02_a_key_is_published_long_before_it_signs_and_long_after() {
    for server in TestServer::on_each_engine().await {
        let secret = secret(&server).await;
        let second = TimeDelta::seconds(1);
        let clock = &server.app.clock;
        let before = kid(&server.exchange("ci", &secret).await);

        let next = rotate(&server).await;
        let at_once = published(&server).await;
        clock.advance(LEAD - second);
        let last_by_the_old = server.exchange("ci", &secret).await;
        clock.advance(second);
        let first_by_the_new = server.exchange("ci", &secret).await;
        clock.advance(RETIREMENT - second);
        let still = published(&server).await;
        clock.advance(second);
        let gone = published(&server).await;

        assert!(at_once.contains(&next) && at_once.contains(&before));
        assert_eq!(kid(&last_by_the_old), before, "{}", server.engine);
        assert_eq!(kid(&first_by_the_new), next);
        assert!(still.contains(&before) && still.contains(&next));
        assert!(!gone.contains(&before) && gone.contains(&next));
    }
}

#[tokio::test]
async fn jw_02_keys_follow_each_other_by_themselves() {
    for server in TestServer::on_each_engine().await {
        let every = server.app.settings.rotation.every;
        let due = every - LEAD;
        let second = TimeDelta::seconds(1);

        server.app.clock.advance(due - second);
        let early = signing_keys::rotate_due(&server.app).await.unwrap();
        server.app.clock.advance(second);
        let made = signing_keys::rotate_due(&server.app).await.unwrap();
        let again = signing_keys::rotate_due(&server.app).await.unwrap();

        let made: Vec<_> = made.iter().map(|key| (key.algorithm, key.generation)).collect();
        assert_eq!(early, []);
        assert_eq!(made, [(Algorithm::Es256, 2), (Algorithm::Rs256, 2)], "{}", server.engine);
        assert_eq!(again, []);
    }
}

#[tokio::test]
async fn jw_04_a_key_on_its_way_is_not_overtaken() {
    for server in TestServer::on_each_engine().await {
        let next = rotate(&server).await;

        let again = signing_keys::rotate(&server.app, &Asker::keyturn(), Algorithm::Es256).await;

        assert!(matches!(again, Err(Rejection::AlreadyRotating(id)) if id == next));
        assert_eq!(es256(&server).await.len(), 2, "{}", server.engine);
    }
}

#[tokio::test]
async fn jw_04_two_nodes_that_rotate_at_once_make_one_generation() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let asker = Asker::keyturn();
        let mut won = 0;

        for _ in 0..5 {
            let (here, there) = tokio::join!(
                signing_keys::rotate(&server.app, &asker, Algorithm::Es256),
                signing_keys::rotate(&other.app, &asker, Algorithm::Es256),
            );
            won += i32::from(here.is_ok()) + i32::from(there.is_ok());
            for node in [&server, &other] {
                node.app.clock.advance(LEAD);
                node.app.catch_up().await.unwrap();
            }
        }

        let keys = es256(&server).await;
        let generations: Vec<_> = keys.iter().map(|key| key.generation).collect();
        assert_eq!(won, 5, "{}", server.engine);
        assert_eq!(generations, [1, 2, 3, 4, 5, 6]);
        let now = server.app.clock.now();
        let active = keys.iter().filter(|key| key.state(now) == SigningKeyState::Active);
        assert_eq!(active.count(), 1);
        assert_eq!(server.get(JWKS).await.text, other.get(JWKS).await.text);
    }
}

#[tokio::test]
async fn jw_05_a_revoked_key_is_out_at_once_and_another_signs() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let secret = secret(&server).await;
        let first = server.exchange("ci", &secret).await;

        revoke(&server, &kid(&first)).await;
        let second = server.exchange("ci", &secret).await;
        other.app.catch_up().await.unwrap();
        let elsewhere = other.exchange("ci", &secret).await;

        let jwks = server.get(JWKS).await.text;
        let token = first.body["access_token"].as_str().unwrap();
        assert!(verified(token, &jwks).is_err(), "{}", server.engine);
        assert_ne!(kid(&second), kid(&first));
        assert_eq!(kid(&second), kid(&elsewhere));
        assert!(server.claims(&second).await["jti"].is_string());
        assert_eq!(jwks, other.get(JWKS).await.text);
        let events = server.audit_trail(&format!("signing_key:{}", kid(&first))).await;
        assert!(events.iter().any(|event| event.action == "signing_key.revoked"));
    }
}

#[tokio::test]
async fn jw_05_with_the_active_key_gone_the_one_on_its_way_signs_at_once() {
    for server in TestServer::on_each_engine().await {
        let secret = secret(&server).await;
        let active = kid(&server.exchange("ci", &secret).await);
        let next = rotate(&server).await;

        revoke(&server, &active).await;
        let answer = server.exchange("ci", &secret).await;

        assert_eq!(kid(&answer), next, "{}", server.engine);
        assert_eq!(es256(&server).await.len(), 2, "no third was made");
    }
}

#[tokio::test]
async fn jw_05_with_the_key_on_its_way_gone_the_active_one_signs_until_it_has_a_successor() {
    for server in TestServer::on_each_engine().await {
        let secret = secret(&server).await;
        let active = kid(&server.exchange("ci", &secret).await);
        let pending = rotate(&server).await;

        revoke(&server, &pending).await;
        server.app.clock.advance(LEAD + RETIREMENT);
        let later = server.exchange("ci", &secret).await;
        let due = server.app.settings.rotation.every;
        server.app.clock.advance(due);
        let made = signing_keys::rotate_due(&server.app).await.unwrap();
        server.app.clock.advance(LEAD);
        let after = server.exchange("ci", &secret).await;
        server.app.clock.advance(RETIREMENT);

        assert_eq!(kid(&later), active, "{}", server.engine);
        assert!(made.iter().any(|key| key.algorithm == Algorithm::Es256), "{}", server.engine);
        assert!(![&active, &pending].contains(&&kid(&after)));
        let published = published(&server).await;
        assert!(!published.contains(&active) && !published.contains(&pending));
    }
}

#[tokio::test]
async fn jw_05_revoking_twice_or_what_there_is_not_changes_nothing() {
    let server = TestServer::start().await;
    let secret = secret(&server).await;
    let first = kid(&server.exchange("ci", &secret).await);

    revoke(&server, &first).await;
    let before = es256(&server).await;
    revoke(&server, &first).await;
    let unknown = signing_keys::revoke(&server.app, &Asker::keyturn(), "unknown").await;

    assert!(es256(&server).await == before);
    assert!(matches!(unknown, Err(Rejection::NotFound("signing key"))), "{unknown:?}");
}

#[tokio::test]
async fn jw_09_the_jwks_is_served_without_the_database() {
    for server in TestServer::on_each_engine().await {
        let before = server.get(JWKS).await;
        server.lose_the_database().await;

        server.app.clock.advance(TimeDelta::hours(1));
        let after = server.get(JWKS).await;

        assert_eq!((after.status.as_u16(), after.text), (200, before.text), "{}", server.engine);
    }
}

/// What the database holds of the private halves, cut to one byte.
async fn damage(server: &TestServer, which: &str) {
    let byte = if server.engine == "sqlite" { "x'00'" } else { "'\\x00'::bytea" };
    server.sql(&format!("update signing_keys set wrapped = {byte} where {which}")).await;
}

#[tokio::test]
async fn jw_10_with_the_newest_key_damaged_the_one_before_goes_on() {
    for (server, _) in TestServer::pairs_on_each_engine().await {
        let secret = secret(&server).await;
        let first = kid(&server.exchange("ci", &secret).await);
        let second = rotate(&server).await;
        damage(&server, "algorithm = 'ES256' and generation = 2").await;

        let restarted = server.second_node().await.unwrap();
        restarted.app.clock.advance(LEAD + RETIREMENT);
        restarted.app.catch_up().await.unwrap();
        let answer = restarted.exchange("ci", &secret).await;
        let ready = restarted.get("/readyz").await;

        assert_eq!(kid(&answer), first, "{}", server.engine);
        assert!(restarted.claims(&answer).await["jti"].is_string(), "it is published, too");
        assert_eq!(ready.status, 200, "it serves");
        assert_eq!(ready.body["damaged_signing_keys"], serde_json::json!([second]));
        let metrics = restarted.get("/metrics").await.text;
        assert!(metrics.contains("keyturn_damaged_signing_keys 1"), "{metrics}");
    }
}

#[tokio::test]
async fn jw_10_with_every_key_damaged_nothing_is_signed_and_nothing_is_made() {
    for (server, _) in TestServer::pairs_on_each_engine().await {
        let secret = secret(&server).await;
        damage(&server, "algorithm = 'ES256'").await;

        let restarted = server.second_node().await.unwrap();
        let made = signing_keys::ensure(&restarted.app, &Asker::keyturn(), Algorithm::Es256).await;
        let answer = restarted.exchange("ci", &secret).await;
        let ready = restarted.get("/readyz").await;

        assert!(made.is_ok());
        assert_eq!(answer.error(), (503, "temporarily_unavailable"), "{}", server.engine);
        assert_eq!(ready.status, 503);
        assert_eq!(es256(&restarted).await.len(), 1, "live tokens hang on the damaged one");
        let jwks = restarted.get(JWKS).await.body;
        assert!(jwks["keys"].as_array().unwrap().iter().all(|key| key["alg"] == "RS256"));
    }
}

#[tokio::test]
async fn jw_10_a_node_that_runs_goes_on_with_the_key_it_has_open() {
    for server in TestServer::on_each_engine().await {
        let secret = secret(&server).await;
        let before = server.exchange("ci", &secret).await;
        damage(&server, "1 = 1").await;

        server.app.load_signing_keys().await.unwrap();
        let after = server.exchange("ci", &secret).await;

        assert_eq!(kid(&before), kid(&after), "{}", server.engine);
        assert!(server.claims(&after).await["jti"].is_string());
        assert_eq!(server.app.signer.damaged().len(), 2);
    }
}

#[tokio::test]
async fn jw_10_a_row_that_cannot_be_read_does_not_hide_the_others() {
    for (server, _) in TestServer::pairs_on_each_engine().await {
        let secret = secret(&server).await;
        let first = kid(&server.exchange("ci", &secret).await);
        rotate(&server).await;
        server.sql("update signing_keys set algorithm = 'none' where generation = 2").await;

        let restarted = server.second_node().await.unwrap();
        let answer = restarted.exchange("ci", &secret).await;

        assert_eq!(kid(&answer), first, "{}", server.engine);
        let keys: Value = restarted.get(JWKS).await.body;
        assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
    }
}
