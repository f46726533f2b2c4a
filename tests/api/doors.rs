//! The wires of other systems, each with the requests that its own clients send.

use axum::{body::Body, http::Request};
use keyturn::domain::{Owner, Secret};

use crate::support::{API_KEY, FORM, OAUTH, TestServer, encoded, new_key};

pub(crate) const PERSONAL: &str = "/auth/v1/token";
pub(crate) const PERSONAL_V3: &str = "/auth/v3/token";
pub(crate) const IBM: &str = "/identity/token";
pub(crate) const DOORS: [&str; 5] = [API_KEY, PERSONAL, PERSONAL_V3, OAUTH, IBM];
const IBM_GRANT: (&str, &str) = ("grant_type", "urn:ibm:params:oauth:grant-type:apikey");

/// The form with which the secret of the key `ci` opens each door.
pub(crate) fn forms(secret: &Secret) -> [(&'static str, Vec<(&'static str, &str)>); 5] {
    let secret = secret.reveal();
    let grant = ("grant_type", "client_credentials");
    [
        (API_KEY, vec![("name", "ci"), ("secret", secret)]),
        (PERSONAL, vec![("pat", secret)]),
        (PERSONAL_V3, vec![("personalAccessKey", secret)]),
        (OAUTH, vec![grant, ("client_id", "ci"), ("client_secret", secret)]),
        (IBM, vec![IBM_GRANT, ("apikey", secret)]),
    ]
}

#[tokio::test]
async fn kx_13_every_door_gives_the_same_token() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;

        let mut tokens = Vec::new();
        for (door, form) in forms(&secret) {
            let answer = server.post(door, &form).await;
            assert_eq!(answer.status, 200, "{} {door}: {}", server.engine, answer.text);
            tokens.push((door, server.claims(&answer).await));
        }

        for (door, claims) in &mut tokens {
            assert!(claims["jti"].take().is_string(), "{door}");
            assert_eq!(claims["sub"], format!("key:{}", key.id));
        }
        assert!(tokens.iter().all(|(_, claims)| *claims == tokens[0].1), "{tokens:#?}");
    }
}

#[tokio::test]
async fn kx_13_every_door_refuses_alike() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let elsewhere = "192.0.2.0/24".parse().unwrap();
        let new = keyturn::manage::api_keys::NewApiKey {
            allowed_networks: elsewhere,
            ..new_key(acme, "ci")
        };
        let (_, secret) = server.make_key(new).await;
        let unknown = Secret::generate(&"ktk".parse().unwrap(), &keyturn::random::Random::System);

        let (mut wrong, mut denied) = (Vec::new(), Vec::new());
        for ((door, bad), (_, good)) in forms(&unknown).into_iter().zip(forms(&secret)) {
            wrong.push((door, server.post(door, &bad).await));
            denied.push((door, server.post(door, &good).await));
        }

        for (door, answer) in &wrong {
            assert_eq!(answer.error(), (401, "invalid_client"), "{door}");
            assert_eq!(answer.text, wrong[0].1.text, "{door}");
        }
        for (door, answer) in &denied {
            assert_eq!(answer.error(), (403, "access_denied"), "{door}");
            assert_eq!(answer.text, denied[0].1.text, "{door}");
        }
    }
}

#[tokio::test]
async fn kx_03_every_door_names_what_is_missing() {
    let server = TestServer::start().await;
    let cases = [
        (API_KEY, vec![("secret", "x")], "name is missing"),
        (API_KEY, vec![("name", "ci")], "secret is missing"),
        (PERSONAL, vec![("personalAccessKey", "x")], "pat is missing"),
        (PERSONAL_V3, vec![("pat", "x")], "personalAccessKey is missing"),
        (IBM, vec![IBM_GRANT, ("apikey", "")], "apikey is missing"),
        (IBM, vec![("apikey", "x")], "grant_type is missing"),
    ];

    for (door, form, expected) in cases {
        let answer = server.post(door, &form).await;

        assert_eq!(answer.error(), (400, "invalid_request"), "{door} {form:?}");
        assert_eq!(answer.body["error_description"], expected, "{door} {form:?}");
    }
}

/// The command line of Appcircle looks for these words in `error`, which must be a text.
#[tokio::test]
async fn an_organization_id_is_a_guid_within_reach() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let below = server.suborganization(acme, "below").await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let unknown = "00000000-0000-7000-8000-000000000000".to_owned();
        let cases = [
            (acme.to_string(), 200, ""),
            (acme.to_string().to_uppercase(), 200, ""),
            (below.to_string(), 403, "access_denied"),
            (unknown, 403, "access_denied"),
            ("acme".to_owned(), 400, "organizationId must be a valid GUID"),
            (format!("{acme} "), 400, "organizationId must be a valid GUID"),
            ("' or 1=1 --".to_owned(), 400, "organizationId must be a valid GUID"),
        ];

        for (door, form) in forms(&secret) {
            for (organization, status, error) in &cases {
                let mut form = form.clone();
                form.push(("organizationId", organization));
                let answer = server.post(door, &form).await;

                assert_eq!(answer.status, *status, "{door} {organization}: {}", answer.text);
                assert_eq!(answer.body["error"].as_str().unwrap_or_default(), *error);
            }
        }
    }
}

#[tokio::test]
async fn what_the_command_line_of_appcircle_prints_is_what_works() {
    let (server, secret) = TestServer::with_key().await;
    // `curl --data-urlencode` leaves the name as it is and encodes the value.
    let body = format!("name=ci&secret={}", secret.reveal());
    let request = Request::post(API_KEY)
        .header("content-type", FORM)
        .header("accept", "application/json")
        .header("user-agent", "curl/8.5.0");

    let answer = server.send(request.body(Body::from(body)).unwrap()).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["access_token"].as_str().unwrap().split('.').count(), 3);
}

#[tokio::test]
async fn what_the_software_of_ibm_sends_is_answered_as_it_expects() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(acme, "ci").await;
        let body =
            encoded(&[IBM_GRANT, ("apikey", secret.reveal()), ("response_type", "cloud_iam")]);
        // Basic names a client of IBM's: the usual one is `bx:bx`.
        let headers = [None, Some("Basic Yng6Yng="), Some("Basic Og=="), Some("Basic !")];

        for door in [IBM, OAUTH] {
            for authorization in headers {
                let mut request = Request::post(door)
                    .header("content-type", FORM)
                    .header("accept", "application/json");
                if let Some(authorization) = authorization {
                    request = request.header("authorization", authorization);
                }
                let answer = server.send(request.body(Body::from(body.clone())).unwrap()).await;

                assert_eq!(answer.status, 200, "{door} {authorization:?}: {}", answer.text);
                let claims = server.claims(&answer).await;
                assert_eq!(answer.body["expiration"], claims["exp"]);
                assert_eq!(answer.body["expires_in"], 360);
                assert_eq!(answer.body["token_type"], "Bearer");
                assert_eq!(answer.body["scope"], "read write");
            }
        }
    }
}

#[tokio::test]
async fn only_the_wire_of_ibm_has_an_expiration() {
    let (server, secret) = TestServer::with_key().await;

    for (door, form) in forms(&secret) {
        let answer = server.post(door, &form).await;

        assert_eq!(answer.body["expiration"].is_i64(), door == IBM, "{door}");
        assert!(answer.body["refresh_token"].is_null(), "{door}");
    }
}
