//! Many reports of the same secrets cost little: checks FX-16.

use axum::{body::Body, http::Request};
use chrono::TimeDelta;
use keyturn::{
    domain::{ApiKey, Secret, WhenLeaked},
    random::Random,
};
use serde_json::json;

use crate::{
    leaks::{Github, REVOKE, REVOKE_FOUND, key_that},
    support::{Answer, Options, TestServer},
};

async fn report(server: &TestServer, secrets: &[&str]) -> Answer {
    let body = json!({ "secrets": secrets, "place": "https://paste.example/1" }).to_string();
    server.send(Request::post(REVOKE_FOUND).body(Body::from(body)).unwrap()).await
}

/// From here on the server makes one more change of state, or none: whatever begins another one
/// fails.
fn let_pass(server: &TestServer, changes: u8) {
    let app = server.app.clone();
    server.app.pauses.before_next_change(async move {
        assert!(changes > 0, "another change has begun");
        app.clone().pauses.before_next_change(async { panic!("a second change has begun") });
    });
}

fn unknown() -> String {
    Secret::generate(&"ktk".parse().unwrap(), &Random::System).reveal().to_owned()
}

/// What was said of this key.
async fn became(server: &TestServer, key: &ApiKey) -> Vec<String> {
    let trail = server.audit_trail(&format!("key:{}", key.id)).await;
    let leaks = trail.iter().filter(|event| event.action == "api_key.leaked");
    leaks.map(|event| event.detail["became"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn fx_16a_a_report_is_one_change_however_often_it_lists_its_secrets() {
    for server in TestServer::on_each_engine().await {
        server.acme().await;
        let (disable, one) = key_that(&server, "one", WhenLeaked::Disable).await;
        let (revoke, two) = key_that(&server, "two", WhenLeaked::Revoke).await;
        let (rotating, old) = key_that(&server, "three", WhenLeaked::Revoke).await;
        let new = server.rotate(rotating.id, TimeDelta::days(1)).await;
        let all = [one.reveal(), new.reveal(), two.reveal(), old.reveal()];
        let listed: Vec<_> = all.iter().cycle().take(1000).copied().collect();

        let_pass(&server, 1);
        let answer = report(&server, &listed).await;

        assert_eq!((answer.status.as_u16(), &answer.body["received"]), (202, &json!(1000)));
        assert_eq!(became(&server, &disable).await, ["disabled"], "{}", server.engine);
        assert_eq!(became(&server, &revoke).await, ["revoked"], "{}", server.engine);
        assert_eq!(became(&server, &rotating).await, ["secret_ended", "revoked"]);
        for secret in [&one, &two, &old, &new] {
            assert_eq!(server.exchange("one", secret).await.status, 401, "{}", server.engine);
        }
    }
}

#[tokio::test]
async fn fx_16b_what_was_reported_before_is_no_change_at_all() {
    for server in TestServer::on_each_engine().await {
        server.acme().await;
        let (notify, one) = key_that(&server, "one", WhenLeaked::Notify).await;
        let (disable, two) = key_that(&server, "two", WhenLeaked::Disable).await;
        let (revoke, three) = key_that(&server, "three", WhenLeaked::Revoke).await;
        let (_, given_up) = key_that(&server, "four", WhenLeaked::Notify).await;
        let all = [one.reveal(), two.reveal(), three.reveal()];
        report(&server, &all).await;
        server.post(REVOKE, &[("secret", given_up.reveal())]).await;

        let_pass(&server, 0);
        let again = report(&server, &all).await;
        let here = server.post(REVOKE, &[("secret", given_up.reveal())]).await;
        let there = server.post("/oauth2/revoke", &[("token", given_up.reveal())]).await;

        let statuses = [again.status, here.status, there.status].map(|it| it.as_u16());
        assert_eq!(statuses, [202, 200, 200], "{}", server.engine);
        for (key, expected) in [(notify, "noticed"), (disable, "disabled"), (revoke, "revoked")] {
            assert_eq!(became(&server, &key).await, [expected], "{}", server.engine);
        }
    }
}

#[tokio::test]
async fn fx_16c_a_report_of_github_is_one_change_and_each_finding_has_its_label() {
    let github = Github::new();
    let server = github.server().await;
    server.acme().await;
    let (key, secret) = key_that(&server, "ci", WhenLeaked::Revoke).await;
    let texts = [secret.reveal().to_owned(), unknown(), "ktk_nonsense".to_owned()];
    let finding =
        |text: &String| json!({ "token": text, "type": "key", "url": "https://git.test" });
    let findings: Vec<_> = texts.iter().cycle().take(999).map(finding).collect();

    let_pass(&server, 1);
    let answer = server.send(github.finding(&json!(findings).to_string(), "k1")).await;

    let labels: Vec<_> = answer.body.as_array().unwrap().iter().map(|it| &it["label"]).collect();
    let expected = ["true_positive", "false_positive", "false_positive"];
    let expected: Vec<_> = expected.iter().cycle().take(999).collect();
    assert_eq!(labels, expected);
    assert_eq!(became(&server, &key).await, ["revoked"]);
}

#[tokio::test]
async fn fx_16d_made_up_secrets_spend_the_budget_of_their_finder_and_real_ones_do_not() {
    let three = || {
        let mut options = Options::default();
        options.settings.failures_per_minute = 3.try_into().unwrap();
        options
    };
    for server in TestServer::on_each_engine_with(three).await {
        server.acme().await;
        let (_, secret) = key_that(&server, "ci", WhenLeaked::Notify).await;
        let (revoked, late) = key_that(&server, "late", WhenLeaked::Revoke).await;

        let mut real = Vec::new();
        for _ in 0..5 {
            real.push(report(&server, &[secret.reveal()]).await.status.as_u16());
        }
        let mut made_up = Vec::new();
        for _ in 0..3 {
            made_up.push(report(&server, &[&unknown()]).await.status.as_u16());
        }
        let told = report(&server, &[&unknown()]).await;
        let still = report(&server, &[late.reveal()]).await;

        assert_eq!((real, made_up), (vec![202; 5], vec![202; 3]), "{}", server.engine);
        assert_eq!(told.error(), (429, "slow_down"), "{}", server.engine);
        assert!((1..=21).contains(&told.header("retry-after").parse::<u64>().unwrap()));
        assert_eq!(still.status, 202, "{}", server.engine);
        assert_eq!(became(&server, &revoked).await, ["revoked"], "{}", server.engine);
    }
}

#[tokio::test]
async fn fx_16e_reports_that_github_did_not_sign_spend_the_budget_of_their_sender() {
    let (github, stranger) = (Github::new(), Github::new());
    let mut options = github.options();
    options.settings.failures_per_minute = 2.try_into().unwrap();
    let server = TestServer::with(options).await;

    let mut statuses = Vec::new();
    for signer in [&stranger, &stranger, &stranger, &github] {
        statuses.push(server.send(signer.finding("[]", "k1")).await.status.as_u16());
    }

    assert_eq!(statuses, [401, 401, 429, 200]);
}
