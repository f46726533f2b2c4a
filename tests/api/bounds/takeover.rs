//! FX-02: who changes a thing or takes its secret has all that it gives, before and after.

use keyturn::{
    domain::{OrganizationId, Owner, Reach},
    manage::api_keys::NewApiKey,
};
use serde_json::{Value, json};

use super::define;
use crate::{
    management::acme,
    support::{Answer, Caller, TestServer, new_key},
};

/// Somebody with a role of their own that has these scopes.
async fn with_scopes(server: &TestServer, acme: OrganizationId, scopes: &str) -> Caller {
    define(server, acme, "steward", scopes).await;
    let roles = Some("steward".parse().unwrap());
    let owner = Owner::Organization(acme);
    let new = NewApiKey { roles, reach: Reach::Subtree, ..new_key(owner, "steward") };
    server.manage(&server.make_key(new).await.1).await
}

async fn made(caller: &Caller, path: &str, new: Value) -> String {
    let answer = caller.post(path, &new).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    format!("{path}/{}", answer.id())
}

fn check(engine: &str, refused: &[Answer], stopped: &Answer) {
    for (place, answer) in refused.iter().enumerate() {
        assert_eq!(answer.status, 403, "{engine} {place}: {}", answer.text);
        assert!(answer.detail().contains("admin"), "{engine} {place}: {}", answer.text);
    }
    assert_eq!(stopped.status, 200, "{engine}: {}", stopped.text);
}

#[tokio::test]
async fn fx_02a_a_manager_does_not_narrow_an_owners_key_to_take_its_secret() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let path = made(&owner, "/api/v1/api-keys", json!({ "name": "x", "roles": ["owner"] }));
        let path = path.await;
        let new = new_key(Owner::Organization(acme), "manager");
        let manager = server.manage(&server.make_key(new).await.1).await;

        let refused = [
            manager.patch(&path, "*", &json!({ "roles": ["viewer"] })).await,
            manager.patch(&path, "*", &json!({ "description": "mine" })).await,
            manager.act_with(&format!("{path}/rotate"), "*", &json!({})).await,
        ];
        let stopped = manager.act(&format!("{path}/disable"), "*").await;

        check(server.engine, &refused, &stopped);
        let kept = owner.get(&path).await;
        assert_eq!(kept.body["roles"], json!(["owner"]));
    }
}

#[tokio::test]
async fn fx_02b_nor_a_client_to_add_a_secret() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let new = json!({
            "name": "x", "grant_types": ["client_credentials"], "scopes": ["admin", "read"],
        });
        let path = made(&owner, "/api/v1/clients", new).await;
        let steward = with_scopes(&server, acme, "clients:read clients:write read").await;

        let refused = [
            steward.patch(&path, "*", &json!({ "scopes": ["read"] })).await,
            steward.patch(&path, "*", &json!({ "redirect_uris": ["https://x.example/"] })).await,
            steward.post(&format!("{path}/secrets"), &json!({})).await,
        ];
        let stopped = steward.patch(&path, "*", &json!({ "enabled": false })).await;

        check(server.engine, &refused, &stopped);
    }
}

#[tokio::test]
async fn fx_02c_nor_a_rule_of_trust_to_let_its_own_jobs_in() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let new = json!({
            "name": "x", "issuer": "https://ci.example.com", "roles": ["owner"],
            "conditions": { "sub": ["a"] },
        });
        let path = made(&owner, "/api/v1/trusts", new).await;
        let scopes = "trusts:read trusts:write keys:read organizations:read read usage:read";
        let steward = with_scopes(&server, acme, scopes).await;

        let refused = [
            steward.patch(&path, "*", &json!({ "roles": ["viewer"] })).await,
            steward.patch(&path, "*", &json!({ "conditions": { "sub": ["b"] } })).await,
        ];
        let stopped = steward.patch(&path, "*", &json!({ "enabled": false })).await;

        check(server.engine, &refused, &stopped);
    }
}

#[tokio::test]
async fn fx_02d_nor_a_role_or_a_member_that_may_more() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        define(&server, acme, "chief", "admin read").await;
        let ada = server.user("ada@example.com", &[(acme, "chief")]).await;
        let scopes = "members:read members:write roles:read roles:write read";
        let steward = with_scopes(&server, acme, scopes).await;
        let role = format!("/api/v1/organizations/{acme}/roles/chief");
        let member = format!("/api/v1/organizations/{acme}/members/{ada}");
        define(&server, acme, "reader", "read").await;

        let refused = [
            steward.put(&role, "*", &json!({ "scopes": ["read"] })).await,
            steward.patch(&member, "*", &json!({ "role": "reader" })).await,
        ];
        let stopped = owner.put(&role, "*", &json!({ "scopes": ["read"] })).await;

        check(server.engine, &refused, &stopped);
    }
}
