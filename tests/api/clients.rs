//! Clients with a name of their own: how they prove who they are, and what they may do for
//! themselves.

use axum::http::{StatusCode, header::AUTHORIZATION};
use keyturn::domain::{Authentication, ClientTerms, GrantType, ProofDemand};

use crate::support::{OAUTH, TestServer, basic, encoded, post};

fn terms() -> ClientTerms {
    ClientTerms {
        authentication: Authentication::ClientSecretPost,
        grants: vec![GrantType::ClientCredentials],
        scopes: "read".parse().unwrap(),
        proof: ProofDemand::None,
        ..ClientTerms::default()
    }
}

#[tokio::test]
async fn a_client_gets_a_token_for_itself_with_what_it_was_registered_for() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let made = server.client(acme, "shop", terms()).await;
        let (id, secret) = (made.client.id.to_string(), made.secret.unwrap());
        let credentials = [
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", secret.reveal()),
        ];

        let answer = server.post(OAUTH, &credentials).await;

        let claims = server.claims(&answer).await;
        assert_eq!(claims["sub"], format!("client:{id}"));
        assert_eq!(claims["client_id"], id);
        assert_eq!(claims["scope"], "read");
        assert!(claims.get("roles").is_none(), "a claim without a value: {claims}");
        assert_eq!(claims["org"], acme.to_string());
        assert_eq!(claims["src"], serde_json::json!([format!("client:{id}")]));
    }
}

#[tokio::test]
async fn ca_07_only_the_registered_method_works() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let made = server.client(acme, "shop", terms()).await;
    let (id, secret) = (made.client.id.to_string(), made.secret.unwrap());
    let body = encoded(&[("grant_type", "client_credentials")]);

    let mut request = post(OAUTH, &body);
    let header = basic(&id, secret.reveal()).parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, header);
    let answer = server.send(request).await;

    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.body["error"], "invalid_client");
}

#[tokio::test]
async fn te_10_a_grant_that_the_client_may_not_use_is_refused_by_its_name() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let none = ClientTerms { grants: Vec::new(), ..terms() };
    let made = server.client(acme, "shop", none).await;
    let (id, secret) = (made.client.id.to_string(), made.secret.unwrap());
    let credentials = [
        ("grant_type", "client_credentials"),
        ("client_id", &id),
        ("client_secret", secret.reveal()),
    ];

    let answer = server.post(OAUTH, &credentials).await;

    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.body["error"], "unauthorized_client");
}
