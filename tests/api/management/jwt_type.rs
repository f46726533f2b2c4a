//! The type that the header of a resource's tokens names.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use keyturn::domain::{Owner, Secret};
use serde_json::{Value, json};

use super::acme;
use crate::support::{ISSUER, TestServer, encoded, post, problem};

const PLAIN: &str = "/api/v1/resources/plain";

async fn token(server: &TestServer, secret: &Secret, resource: &str) -> String {
    let form = [("pat", secret.reveal()), ("audience", resource)];
    let answer = server.post("/auth/v1/token", &form).await;
    answer.body["access_token"].as_str().unwrap().to_owned()
}

fn typ(token: &str) -> String {
    let header = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["typ"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn fx_31_a_resource_may_ask_for_tokens_of_the_type_jwt() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let plain = json!({ "scopes": ["read"], "jwt_type": "JWT" });

        let made = caller.put_new(PLAIN, &plain).await;
        let plainly = token(&server, &secret, "plain").await;
        let without = caller.put(PLAIN, made.etag(), &json!({ "scopes": ["read"] })).await;
        let usually = token(&server, &secret, "plain").await;
        let unknown = json!({ "scopes": ["read"], "jwt_type": "jwt" });
        let unknown = caller.put(PLAIN, without.etag(), &unknown).await;

        assert_eq!(made.body["jwt_type"], "JWT", "{}: {}", server.engine, made.text);
        assert_eq!(typ(&plainly), "JWT");
        assert_eq!(without.body["jwt_type"], "at+jwt", "what is left out is as it is by default");
        assert_eq!(typ(&usually), "at+jwt");
        assert_eq!(unknown.status, 400, "{}", unknown.text);
        assert!(unknown.detail().contains("`at+jwt` or `JWT`"), "{}", unknown.text);
    }
}

#[tokio::test]
async fn fx_31_tokens_of_the_type_jwt_are_ours_wherever_a_resource_server_asks() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        caller.put_new(PLAIN, &json!({ "scopes": ["read"], "jwt_type": "JWT" })).await;
        let api = server.resource_server(acme, "the-api", &["plain"]).await;
        let token = token(&server, &secret, "plain").await;
        let verify = async || {
            let request = axum::http::Request::get("/auth/v1/verify?resource=plain")
                .header("authorization", format!("Bearer {token}"));
            server.send(request.body(axum::body::Body::empty()).unwrap()).await.status
        };

        let before = server.introspect(&api, &token).await;
        let passes = verify().await;
        let form =
            [("token", token.as_str()), ("client_id", "ci"), ("client_secret", secret.reveal())];
        let revoked = server.send(post("/oauth2/revoke", &encoded(&form))).await;
        let after = server.introspect(&api, &token).await;

        assert_eq!(before.body["active"], true, "{}: {}", server.engine, before.text);
        assert_eq!(passes, 200);
        assert_eq!(revoked.status, 200, "{}", revoked.text);
        assert_eq!(after.body, json!({ "active": false }));
        assert_eq!(verify().await, 401);
    }
}

/// Tokens for keyturn itself are always of the type that RFC 9068 asks for.
#[tokio::test]
async fn fx_31_the_management_api_takes_no_other_type_than_its_own() {
    let server = TestServer::start().await;
    let (_, secret) = server.key(Owner::Organization(server.acme().await), "ci").await;
    let claims = json!({
        "sub": "key:x", "aud": ISSUER, "client_id": "x", "iat": 0, "exp": i64::MAX / 2, "jti": "x",
    });
    let now = server.app.clock.now();
    let sign = |typ| {
        let es256 = keyturn::domain::Algorithm::Es256;
        server.app.signer.sign(es256, now, typ, &claims).unwrap()
    };
    let own = token(&server, &secret, ISSUER).await;

    let plain = sign(keyturn::signing::TokenType::PlainAccessToken);
    let answer = server.manage_by(&plain).get("/api/v1/api-keys").await;

    assert_eq!(typ(&own), "at+jwt");
    assert_eq!(typ(&plain), "JWT");
    assert_eq!(problem(&answer), (401, "invalid-token"));
}
