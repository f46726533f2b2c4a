//! Who may register a client: nobody unless an operator says so; then whoever has a token, or
//! anybody.

use axum::http::Method;
use keyturn::{
    domain::{Admission, Owner, RegistrationPolicy},
    manage::api_keys::NewApiKey,
};
use serde_json::{Value, json};

use super::{Itself, PARTNERS, REGISTER, policy, register, send, server_with, shop, shop_with};
use crate::support::{Answer, TestServer, new_key};

fn by_token() -> RegistrationPolicy {
    RegistrationPolicy { admission: Admission::ByToken, ..policy() }
}

async fn register_by(server: &TestServer, token: &str, said: &Value) -> Answer {
    send(server, (Method::POST, REGISTER), Some(token), Some(said)).await
}

#[tokio::test]
async fn dc_01_nobody_registers_where_no_operator_has_said_so() {
    let server = TestServer::start().await;
    let path = format!("{REGISTER}/{}", uuid::Uuid::nil());

    let posted = register(&server, &shop()).await;

    assert_eq!(posted.error(), (404, "not_found"));
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::POST] {
        let answer = send(&server, (method.clone(), &path), Some("ktm_x"), None).await;
        assert_eq!(answer.error(), (404, "not_found"), "{method}");
    }
    for name in ["openid-configuration", "oauth-authorization-server"] {
        let metadata = server.get(&format!("/.well-known/{name}")).await;
        assert_eq!(metadata.body.get("registration_endpoint"), None, "{name}");
    }
}

#[tokio::test]
async fn dc_01_where_a_token_is_wanted_nobody_registers_without_a_good_one() {
    let server = server_with(by_token()).await;
    let (_, viewer) = server
        .make_key(NewApiKey {
            roles: Some("viewer".parse().unwrap()),
            ..new_key(Owner::Organization(PARTNERS), "viewer")
        })
        .await;
    let cannot = server.manage(&viewer).await.token;

    let none = register(&server, &shop()).await;
    let garbage = register_by(&server, "garbage", &shop()).await;
    let too_little = register_by(&server, &cannot, &shop()).await;

    for answer in [&none, &garbage] {
        assert_eq!(answer.error(), (401, "invalid_token"), "{}", answer.text);
        assert!(answer.header("www-authenticate").starts_with("Bearer "), "{:?}", answer.headers);
        assert_eq!(answer.header("content-type"), "application/json");
    }
    assert_eq!(too_little.error(), (403, "access_denied"), "{}", too_little.text);
    assert_eq!(server.count("clients").await, 0);
}

#[tokio::test]
async fn dc_01_the_holder_of_a_key_registers_what_the_key_could_do_itself() {
    let scopes = "read publish".parse().unwrap();
    let server = server_with(RegistrationPolicy { scopes, ..by_token() }).await;
    let (key, owner) = server
        .make_key(NewApiKey {
            roles: Some("owner".parse().unwrap()),
            ..new_key(Owner::Organization(PARTNERS), "owner")
        })
        .await;
    let token = server.manage(&owner).await.token;

    let made = register_by(&server, &token, &shop()).await;
    let beyond = register_by(&server, &token, &shop_with(json!({ "scope": "publish" }))).await;
    server.revoke(key.id).await;
    let revoked = register_by(&server, &token, &shop()).await;

    assert_eq!(made.status, 201, "{}", made.text);
    let trail = server.audit_trail(&format!("client:{}", Itself::from(&made).id)).await;
    assert_eq!(trail[0].actor.to_string(), format!("key:{}", key.id));
    assert_eq!(
        beyond.error(),
        (403, "access_denied"),
        "no role of the key has it: {}",
        beyond.text
    );
    assert!(beyond.body["error_description"].as_str().unwrap().contains("publish"));
    assert_eq!(revoked.error(), (401, "invalid_token"), "{}", revoked.text);
}

#[tokio::test]
async fn dc_01_a_key_of_another_tree_registers_nothing() {
    let server = server_with(by_token()).await;
    let other = server.root("other").await;
    let (_, secret) = server
        .make_key(NewApiKey {
            roles: Some("owner".parse().unwrap()),
            ..new_key(Owner::Organization(other), "owner")
        })
        .await;
    let token = server.manage(&secret).await.token;

    let answer = register_by(&server, &token, &shop_with(json!({ "scope": "" }))).await;

    assert_eq!(answer.error(), (403, "access_denied"), "{}", answer.text);
    assert_eq!(server.count("clients").await, 0);
}

#[tokio::test]
async fn an_organization_that_is_not_there_is_the_operators_fault() {
    let server = TestServer::with(super::options(policy())).await;

    let answer = register(&server, &shop()).await;

    assert_eq!(answer.error(), (500, "server_error"));
}

#[tokio::test]
async fn md_04_where_clients_register_metadata_says_so() {
    let server = server_with(policy()).await;
    for name in ["openid-configuration", "oauth-authorization-server"] {
        let metadata = server.get(&format!("/.well-known/{name}")).await;
        let endpoint = format!("{}{REGISTER}", server.app.settings.issuer);
        assert_eq!(metadata.body["registration_endpoint"], endpoint, "{name}");
    }
}
