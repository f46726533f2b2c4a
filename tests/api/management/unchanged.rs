//! A change that changes nothing leaves everything as it was.

use serde_json::json;

use super::{CLIENTS, KEYS, ORGANIZATIONS, USERS, acme, at};
use crate::support::{TestServer, problem};

#[tokio::test]
async fn fx_39m_a_change_of_nothing_raises_no_version_and_is_no_event() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let ann = server.user("ann@example.com", &[(acme, "viewer")]).await;
        let key = caller.post(KEYS, &json!({ "name": "cd", "roles": ["viewer"] })).await;
        let client = caller.post(CLIENTS, &json!({ "name": "shop" })).await;
        let hook = json!({ "organization_id": acme, "url": "https://hooks.example.com/" });
        let hook = caller.post("/api/v1/webhooks", &hook).await;
        let trust = json!({
            "name": "ci", "issuer": "https://token.actions.githubusercontent.com",
            "conditions": { "repository_id": ["1296269"] }, "roles": ["viewer"],
        });
        let trust = caller.post("/api/v1/trusts", &trust).await;
        let things = [
            (format!("{KEYS}/{}", key.id()), json!({ "description": "", "roles": ["viewer"] })),
            (format!("{CLIENTS}/{}", client.id()), json!({ "name": "shop", "enabled": true })),
            (format!("/api/v1/webhooks/{}", hook.id()), json!({ "enabled": true, "events": [] })),
            (format!("/api/v1/trusts/{}", trust.id()), json!({ "name": "ci", "once": true })),
            (at(acme, ""), json!({ "enabled": true })),
            (format!("{USERS}/{ann}"), json!({ "enabled": true })),
            (at(acme, &format!("/members/{ann}")), json!({ "role": "viewer" })),
        ];
        let events = || async { caller.get("/api/v1/audit-events?limit=1").await.body };
        let last = events().await;

        for (path, same) in &things {
            let before = caller.get(path).await;
            let empty = caller.patch(path, before.etag(), &json!({})).await;
            let again = caller.patch(path, before.etag(), same).await;
            let after = caller.get(path).await;

            // A member has nothing but a role, which therefore has to be there.
            let whole = if path.contains("/members/") { 400 } else { 200 };
            assert_eq!(empty.status, whole, "{path}: {}", empty.text);
            assert_eq!(again.status, 200, "{path}: {}", again.text);
            assert_eq!(again.etag(), before.etag(), "{} {path}", server.engine);
            assert_eq!((after.etag(), &after.body), (before.etag(), &before.body), "{path}");
        }
        assert_eq!(events().await["items"], last["items"], "{}", server.engine);
    }
}

#[tokio::test]
async fn fx_39k_nothing_is_named_like_the_id_of_another() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let key = caller.post(KEYS, &json!({ "name": "cd", "roles": ["viewer"] })).await;
        let client = caller.post(CLIENTS, &json!({ "name": "shop" })).await;
        let ids = [key.id().to_owned(), key.id().replace('-', ""), client.id().to_uppercase()];

        for id in &ids {
            for answer in [
                caller.post(KEYS, &json!({ "name": id, "roles": ["viewer"] })).await,
                caller.post(CLIENTS, &json!({ "name": id })).await,
                caller
                    .patch(&format!("{CLIENTS}/{}", client.id()), "*", &json!({ "name": id }))
                    .await,
                caller.post(ORGANIZATIONS, &json!({ "name": id, "parent_id": acme })).await,
                caller.patch(&at(acme, ""), "*", &json!({ "name": id })).await,
            ] {
                assert_eq!(problem(&answer), (400, "invalid-request"), "{id}");
                assert!(answer.detail().contains("is no id (UUID)"), "{}", answer.text);
            }
        }
    }
}
