//! A key as an OAuth client: checks CA-01 to CA-08, CA-14 and CA-16.

use axum::{body::Body, http::Request};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use keyturn::domain::{Owner, Secret};

use crate::support::{Answer, FORM, OAUTH, TestServer, basic, encoded};

const GRANT: &str = "grant_type=client_credentials";

/// Posts the grant with these Authorization headers and more of a body.
async fn ask(server: &TestServer, headers: &[&str], more: &[(&str, &str)]) -> Answer {
    let mut request = Request::post(OAUTH).header("content-type", FORM);
    for header in headers {
        request = request.header("authorization", *header);
    }
    let body = format!("{GRANT}&{}", encoded(more));
    server.send(request.body(Body::from(body)).unwrap()).await
}

fn challenge(answer: &Answer) -> &str {
    answer.header("www-authenticate")
}

#[tokio::test]
async fn kx_13_name_and_id_are_both_a_client_id() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        let (id, secret) = (key.id.to_string(), secret.reveal());

        let answers = [
            ask(&server, &[&basic("ci", secret)], &[]).await,
            ask(&server, &[&basic(&id, secret)], &[]).await,
            ask(&server, &[], &[("client_id", "ci"), ("client_secret", secret)]).await,
            ask(&server, &[], &[("client_id", &id), ("client_secret", secret)]).await,
        ];

        for answer in &answers {
            assert_eq!(answer.status, 200, "{}: {}", server.engine, answer.text);
            assert_eq!(server.claims(answer).await["client_id"], id);
        }
    }
}

#[tokio::test]
async fn ca_01_whoever_proves_nothing_is_no_client() {
    let (server, _) = TestServer::with_key().await;

    let nothing = ask(&server, &[], &[]).await;
    let no_secret = ask(&server, &[], &[("client_id", "ci")]).await;
    let empty_secret = ask(&server, &[], &[("client_id", "ci"), ("client_secret", "")]).await;
    let empty_basic = ask(&server, &[&basic("ci", "")], &[]).await;

    for answer in [&nothing, &no_secret, &empty_secret, &empty_basic] {
        assert_eq!(answer.error(), (401, "invalid_client"));
    }
    assert_eq!(no_secret.text, empty_secret.text);
}

#[tokio::test]
async fn ca_02_a_client_that_is_not_let_in_is_challenged() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        let (_, other) = server.key(acme, "other").await;
        let body = [("client_id", "ci"), ("client_secret", other.reveal())];

        let by_header = ask(&server, &[&basic("ci", other.reveal())], &[]).await;
        let by_body = ask(&server, &[], &body).await;
        server.revoke(key.id).await;
        let revoked = ask(&server, &[&basic("ci", secret.reveal())], &[]).await;

        assert_eq!(by_header.error(), (401, "invalid_client"));
        assert_eq!(challenge(&by_header), "Basic realm=\"keyturn\", charset=\"UTF-8\"");
        assert_eq!(by_body.error(), (401, "invalid_client"));
        assert_eq!(challenge(&by_body), challenge(&by_header));
        assert_eq!(revoked.body["error_description"], "the key was revoked");
        assert!(challenge(&revoked).starts_with("Basic "));
    }
}

#[tokio::test]
async fn ca_03_an_unknown_client_and_a_wrong_secret_are_the_same_bytes() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (disabled, secret) = server.key(acme, "ci").await;
        let (_, other) = server.key(acme, "other").await;
        server.disable(disabled.id).await;
        let unknown = Secret::generate(&"ktk".parse().unwrap(), &keyturn::random::Random::System);

        let pairs = [
            ("nobody", secret.reveal()),
            ("nobody", unknown.reveal()),
            ("ci", unknown.reveal()),
            ("ci", other.reveal()),
            ("ci", "guess"),
            ("c\u{ef}", "\u{e9}"),
        ];
        let mut answers = Vec::new();
        for (id, secret) in pairs {
            answers.push(ask(&server, &[&basic(id, secret)], &[]).await);
        }

        for (answer, (id, _)) in answers.iter().zip(pairs) {
            assert_eq!(answer.error(), (401, "invalid_client"), "{id}");
            assert_eq!(answer.text, answers[0].text, "{id}");
            assert_eq!(challenge(answer), challenge(&answers[0]), "{id}");
            assert_eq!(answer.headers.len(), answers[0].headers.len(), "{id}");
        }
    }
}

/// Authorization headers, more of a body, and the status of the answer.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], u16);

#[tokio::test]
async fn ca_04_ca_05_a_client_authenticates_once_and_as_itself() {
    let (server, secret) = TestServer::with_key().await;
    let secret = secret.reveal();
    let header = basic("ci", secret);
    let assertion = ("client_assertion", "e30.e30.");
    let cases: [Case; 8] = [
        (&[&header], &[("client_secret", secret)], 400),
        (&[&header], &[("client_id", "ci"), ("client_secret", secret)], 400),
        (&[&header], &[assertion], 400),
        (&[], &[("client_id", "ci"), ("client_secret", secret), assertion], 400),
        (&[], &[("client_secret", secret)], 400),
        (&[&header], &[("client_id", "other")], 400),
        (&[&header], &[("client_id", "ci")], 200),
        (&[&header], &[("client_id", ""), ("client_secret", "")], 200),
    ];

    for (headers, form, expected) in cases {
        let answer = ask(&server, headers, form).await;

        let names: Vec<_> = form.iter().map(|(name, _)| name).collect();
        assert_eq!(answer.status, expected, "{} {names:?}: {}", headers.len(), answer.text);
        if expected == 400 {
            assert_eq!(answer.body["error"], "invalid_request", "{names:?}");
        }
    }
}

#[tokio::test]
async fn ca_06_basic_is_form_encoded_and_ours_works_without() {
    let server = TestServer::start().await;
    let acme = Owner::Organization(server.acme().await);
    let (_, spaced) = server.key(acme, "Nightly Build").await;
    let (_, plain) = server.key(acme, "ci").await;
    let header = |pair: String| format!("Basic {}", BASE64_STANDARD.encode(pair));

    let plus = ask(&server, &[&header(format!("Nightly+Build:{}", spaced.reveal()))], &[]).await;
    let hex = ask(&server, &[&header(format!("Nightly%20Build:{}", spaced.reveal()))], &[]).await;
    let raw = ask(&server, &[&header(format!("ci:{}", plain.reveal()))], &[]).await;

    assert_eq!((plus.status.as_u16(), hex.status.as_u16()), (200, 200), "{}", plus.text);
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    assert!(plain.reveal().bytes().all(unreserved));
    assert_eq!(raw.status, 200);
}

#[tokio::test]
async fn ca_08_ca_14_headers_that_are_not_basic_are_refused() {
    let (server, secret) = TestServer::with_key().await;
    let good = basic("ci", secret.reveal());
    let encoded = &good["Basic ".len()..];
    let cases: [(&[&str], u16, &str); 13] = [
        (&[&format!("basic {encoded}")], 200, "none"),
        (&[&format!("BASIC    {encoded}  ")], 200, "none"),
        (&["Basic"], 400, "invalid_request"),
        (&["Basic !!!"], 400, "invalid_request"),
        (&["Basic Y2k="], 400, "invalid_request"),
        (&["Basic OnNlY3JldA=="], 400, "invalid_request"),
        (&["Basic Y2k6JXp6"], 400, "invalid_request"),
        (&["Basic Y2k6/w=="], 400, "invalid_request"),
        (&[&format!("{good} {encoded}")], 400, "invalid_request"),
        (&[&good, &good], 400, "invalid_request"),
        (&["Bearer token"], 401, "invalid_client"),
        (&["Digest username=\"ci\""], 401, "invalid_client"),
        (&[""], 401, "invalid_client"),
    ];

    for (headers, status, error) in cases {
        let answer = ask(&server, headers, &[]).await;

        assert_eq!(answer.error(), (status, error), "{headers:?}: {}", answer.text);
        assert_eq!(challenge(&answer).is_empty(), status != 401, "{headers:?}");
    }
}

#[tokio::test]
async fn ca_16_a_thousand_wrong_guesses_do_not_lock_the_right_secret_out() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(acme, "ci").await;

        for _ in 0..1000 {
            let guess = ask(&server, &[], &[("client_id", "ci"), ("client_secret", "x")]).await;
            assert!(guess.status.is_client_error());
        }
        let answer = ask(&server, &[&basic("ci", secret.reveal())], &[]).await;

        assert_eq!(answer.status, 200, "{}", server.engine);
    }
}
