//! FX-05: what a secret makes that is being rotated out ends with it, not with its key.

use chrono::TimeDelta;
use keyturn::{
    domain::{Lifetime, Owner, Reach},
    manage::api_keys::NewApiKey,
};
use serde_json::json;

use crate::{
    management::acme,
    support::{TestServer, new_key},
};

#[tokio::test]
async fn fx_05h_a_secret_that_is_rotated_out_makes_nothing_that_outlives_it() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let new = NewApiKey {
            roles: Some("owner".parse().unwrap()),
            reach: Reach::Subtree,
            lifetime: Lifetime::Never,
            ..new_key(Owner::Organization(acme), "leaked")
        };
        let (key, old) = server.make_key(new).await;
        let grace = TimeDelta::hours(1);
        let end = server.app.clock.now() + grace;
        let fresh = server.rotate(key.id, grace).await;
        let (old, fresh) = (server.manage(&old).await, server.manage(&fresh).await);
        let path = format!("/api/v1/api-keys/{}", key.id);
        let client = json!({ "name": "c", "grant_types": ["client_credentials"], "scopes": [] });
        let week = json!({ "old_secret_dies_at": (end + TimeDelta::days(3)).to_rfc3339() });

        let made = old.post("/api/v1/api-keys", &json!({ "name": "n", "roles": ["viewer"] })).await;
        let registered = old.post("/api/v1/clients", &client).await;
        let refused = [
            old.act_with(&format!("{path}/rotate"), "*", &json!({})).await,
            old.put(&format!("{path}/rotation"), "*", &week).await,
            old.patch(&path, "*", &json!({ "description": "mine" })).await,
            old.post(
                "/api/v1/api-keys",
                &json!({ "name": "m", "roles": ["viewer"], "expires_at": null }),
            )
            .await,
        ];
        let force = json!({ "force": true });
        let rotated = fresh.act_with(&format!("{path}/rotate"), "*", &force).await;

        for made in [made, registered] {
            assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
            let ends = made.body["expires_at"].as_str().unwrap();
            let ends = chrono::DateTime::parse_from_rfc3339(ends).unwrap();
            assert!(ends <= end, "{}: {}", server.engine, made.text);
        }
        for (place, answer) in refused.iter().enumerate() {
            assert_eq!(answer.status, 403, "{} {place}: {}", server.engine, answer.text);
            assert!(answer.detail().contains("live longer"), "{place}: {}", answer.text);
        }
        assert_eq!(rotated.status, 200, "{}: {}", server.engine, rotated.text);
    }
}
