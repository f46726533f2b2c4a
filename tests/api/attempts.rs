//! Failures from one address: checks TH-02, TH-04 and TH-05.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo, http::Request};
use keyturn::{
    domain::{Owner, Secret},
    manage::api_keys,
};

use crate::support::{API_KEY, Answer, FORM, Options, TestServer, encoded};

/// With room for three failures from one address.
fn three() -> Options {
    let mut options = Options::default();
    options.settings.failures_per_minute = 3.try_into().unwrap();
    options
}

/// Posts a name and a secret from this peer, who claims to forward for others.
async fn from(server: &TestServer, peer: &str, forwards: &str, secret: &str) -> Answer {
    let mut request = Request::post(API_KEY).header("content-type", FORM);
    if !forwards.is_empty() {
        request = request.header("x-forwarded-for", forwards);
    }
    let body = encoded(&[("name", "ci"), ("secret", secret)]);
    let mut request = request.body(Body::from(body)).unwrap();
    let peer = SocketAddr::new(peer.parse().unwrap(), 50_000);
    request.extensions_mut().insert(ConnectInfo(peer));
    server.send(request).await
}

async fn with_key(server: &TestServer) -> Secret {
    let acme = Owner::Organization(server.acme().await);
    server.key(acme, "ci").await.1
}

#[tokio::test]
async fn th_02_th_04_who_spent_the_budget_is_told_to_slow_down() {
    for server in TestServer::on_each_engine_with(three).await {
        let unknown = Secret::generate(&"ktk".parse().unwrap(), &keyturn::random::Random::System);

        let mut statuses = Vec::new();
        for guess in ["x", "x", unknown.reveal(), "x"] {
            statuses.push(from(&server, "192.0.2.1", "", guess).await.status.as_u16());
        }
        let told = from(&server, "192.0.2.1", "", unknown.reveal()).await;

        assert_eq!(statuses, [401, 401, 401, 429], "{}", server.engine);
        assert_eq!(told.error(), (429, "slow_down"));
        let seconds: u64 = told.header("retry-after").parse().unwrap();
        assert!((1..=21).contains(&seconds), "{seconds}");
        assert_eq!(told.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn th_02_the_right_secret_works_from_the_same_address_and_from_others() {
    for server in TestServer::on_each_engine_with(three).await {
        let secret = with_key(&server).await;
        for _ in 0..10 {
            from(&server, "192.0.2.1", "", "x").await;
        }

        let here = from(&server, "192.0.2.1", "", secret.reveal()).await;
        let elsewhere = from(&server, "192.0.2.2", "", "x").await;

        assert_eq!(here.status, 200, "{}", server.engine);
        assert_eq!(elsewhere.status, 401);
    }
}

#[tokio::test]
async fn th_02_who_proved_the_secret_spends_nobodys_budget() {
    for server in TestServer::on_each_engine_with(three).await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        server.revoke(key.id).await;

        for _ in 0..3 {
            let answer = from(&server, "192.0.2.1", "", secret.reveal()).await;
            assert_eq!(answer.body["error_description"], "the key was revoked");
        }
        let told = from(&server, "192.0.2.1", "", secret.reveal()).await;
        let neighbour = from(&server, "192.0.2.1", "", "typo").await;

        assert_eq!(told.error(), (429, "slow_down"), "{}", server.engine);
        assert_eq!(neighbour.error(), (401, "invalid_client"), "{}", server.engine);
    }
}

#[tokio::test]
async fn th_02_the_true_reason_is_kept_also_of_whom_we_told_to_slow_down() {
    for server in TestServer::on_each_engine_with(three).await {
        for _ in 0..3 {
            from(&server, "192.0.2.1", "", "x").await;
        }

        let told = from(&server, "192.0.2.1", "", "x").await;
        server.settle().await;

        let record = server.refusal(&told).await.unwrap();
        assert_eq!(told.status, 429);
        assert_eq!(record.reason, "malformed_secret");
        assert_eq!(record.source.to_string(), "192.0.2.1");
    }
}

#[tokio::test]
async fn th_05_claiming_to_be_a_proxy_helps_nobody() {
    for server in TestServer::on_each_engine_with(three).await {
        let mut answers = Vec::new();
        for number in 0..5 {
            let forwards = format!("198.51.100.{number}, 10.0.0.1");
            answers.push(from(&server, "192.0.2.1", &forwards, "x").await);
        }
        server.settle().await;

        let statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses, [401, 401, 401, 429, 429], "{}", server.engine);
        let record = server.refusal(&answers[0]).await.unwrap();
        assert_eq!(record.source.to_string(), "192.0.2.1");
    }
}

#[tokio::test]
async fn th_05_behind_a_trusted_proxy_the_rightmost_stranger_counts() {
    for server in TestServer::on_each_engine_with(three).await {
        let mut mallory = Vec::new();
        for number in 0..5 {
            let forwards = format!("198.51.100.{number}, 192.0.2.9, 10.0.0.2");
            mallory.push(from(&server, "10.0.0.1", &forwards, "x").await.status.as_u16());
        }
        let alice = from(&server, "10.0.0.1", "192.0.2.10", "x").await;

        assert_eq!(mallory, [401, 401, 401, 429, 429], "{}", server.engine);
        assert_eq!(alice.status, 401);
    }
}

#[tokio::test]
async fn kx_05_th_05_a_key_bound_to_a_network_cannot_be_moved_by_a_header() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let home = "192.0.2.0/24".parse().unwrap();
        let new =
            api_keys::NewApiKey { allowed_networks: home, ..crate::support::new_key(acme, "ci") };
        let (_, secret) = server.make_key(new).await;
        let cases = [
            ("192.0.2.7", "", 200),
            ("::ffff:192.0.2.7", "", 200),
            ("192.0.2.7", "198.51.100.1", 200),
            ("198.51.100.1", "192.0.2.7", 403),
            ("10.0.0.1", "192.0.2.7", 200),
            ("10.0.0.1", "192.0.2.7, 198.51.100.1", 403),
            ("10.0.0.1", "", 403),
        ];

        for (peer, forwards, expected) in cases {
            let answer = from(&server, peer, forwards, secret.reveal()).await;
            assert_eq!(answer.status, expected, "{} {peer} for {forwards:?}", server.engine);
        }
    }
}
