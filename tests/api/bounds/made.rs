//! FX-05: what a bounded key makes or changes is bounded by it.

use chrono::{SecondsFormat, TimeDelta};
use keyturn::{
    clock::Timestamp,
    domain::{Lifetime, OrganizationId, Owner, Reach},
    manage::api_keys::NewApiKey,
};
use serde_json::{Value, json};

use super::tree;
use crate::{
    management::{acme, owner_of},
    support::{Caller, OAUTH, TestServer, new_key},
};

const CLIENTS: &str = "/api/v1/clients";

fn owners(owner: OrganizationId, name: &str) -> NewApiKey {
    let roles = Some("owner".parse().unwrap());
    NewApiKey { roles, reach: Reach::Subtree, ..new_key(Owner::Organization(owner), name) }
}

async fn caller(server: &TestServer, new: NewApiKey) -> Caller {
    server.manage(&server.make_key(new).await.1).await
}

fn shop(name: &str, more: &Value) -> Value {
    let mut new = json!({
        "name": name, "grant_types": ["client_credentials"], "scopes": ["keys:read"],
    });
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    new
}

fn at(moment: Timestamp) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[tokio::test]
async fn fx_05a_a_client_ends_with_the_key_that_made_it() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let end = server.app.clock.now() + TimeDelta::seconds(60);
        let new = NewApiKey { lifetime: Lifetime::Until(end), ..owners(acme, "short") };
        let short = caller(&server, new).await;
        let later = json!({ "expires_at": at(end + TimeDelta::seconds(1)) });
        let jwt = json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": "https://shop.example.com/jwks",
        });

        let made = short.post(CLIENTS, &shop("a", &json!({}))).await;
        let by_keys = short.post(CLIENTS, &shop("b", &jwt)).await;
        let too_late = short.post(CLIENTS, &shop("c", &later)).await;
        let path = format!("{CLIENTS}/{}", made.id());
        let put_off = short.patch(&path, "*", &later).await;
        let endless = short.patch(&path, "*", &json!({ "expires_at": null })).await;

        assert_eq!(made.body["expires_at"], at(end), "{}", made.text);
        assert_eq!(by_keys.body["expires_at"], at(end), "{}", by_keys.text);
        for refused in [too_late, put_off, endless] {
            assert_eq!(refused.status, 403, "{}: {}", server.engine, refused.text);
            assert!(refused.detail().contains("live longer"), "{}", refused.text);
        }
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", made.id()),
            ("client_secret", made.body["secret"].as_str().unwrap()),
        ];
        let in_time = server.post(OAUTH, &form).await;
        assert_eq!(in_time.status, 200, "{}", in_time.text);
        assert!(in_time.body["expires_in"].as_i64().unwrap() <= 60, "{}", in_time.text);
        server.app.clock.advance(TimeDelta::seconds(60));
        server.app.catch_up().await.unwrap();
        let over = server.post(OAUTH, &form).await;
        assert_eq!(over.error(), (401, "invalid_client"), "{}", over.text);
        assert!(over.text.contains("the client has expired"), "{}", over.text);
    }
}

#[tokio::test]
async fn fx_05b_an_ending_key_takes_no_secret_of_what_is_endless() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let endless = NewApiKey { lifetime: Lifetime::Never, ..owners(acme, "endless") };
        let endless = caller(&server, endless).await;
        let made = endless.post(CLIENTS, &shop("a", &json!({}))).await;
        let path = format!("{CLIENTS}/{}", made.id());
        let ending = owner_of(&server, acme).await;

        let refused = [
            ending.post(&format!("{path}/secrets"), &json!({})).await,
            ending.patch(&path, "*", &json!({ "scopes": [] })).await,
        ];
        let stopped = ending.patch(&path, "*", &json!({ "enabled": false })).await;

        assert_eq!(made.body["expires_at"], Value::Null, "{}", made.text);
        for answer in refused {
            assert_eq!(answer.status, 403, "{}: {}", server.engine, answer.text);
        }
        assert_eq!(stopped.status, 200, "{}", stopped.text);
    }
}

#[tokio::test]
async fn fx_05c_a_key_that_is_bound_to_addresses_gives_nothing_that_is_not() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let ada = server.user("ada@example.com", &[(acme, "viewer")]).await;
        let networks = "127.0.0.0/8".parse().unwrap();
        let bound = NewApiKey { allowed_networks: networks, ..owners(acme, "bound") };
        let bound = caller(&server, bound).await;
        let hook = json!({ "organization_id": acme, "url": "https://hooks.example.com/" });
        let made = owner.post("/api/v1/webhooks", &hook).await;
        let webhook = format!("/api/v1/webhooks/{}", made.id());
        let at = |rest: &str| format!("/api/v1/organizations/{acme}{rest}");
        let rotate = format!("{webhook}/rotate-secret");

        let refused = [
            bound.post(CLIENTS, &shop("a", &json!({}))).await,
            bound.put_new(&at("/roles/deployer"), &json!({ "scopes": ["read"] })).await,
            bound.patch(&at(&format!("/members/{ada}")), "*", &json!({ "role": "owner" })).await,
            bound.post("/api/v1/webhooks", &hook).await,
            bound.patch(&webhook, "*", &json!({ "events": ["api_key.leaked"] })).await,
            bound.act(&rotate, "*").await,
        ];
        let trust = json!({
            "name": "ci", "issuer": "https://ci.example.com", "roles": ["viewer"],
            "conditions": { "sub": ["a"] }, "allowed_networks": [],
        });
        let trust = bound.post("/api/v1/trusts", &trust).await;
        let stopped = bound.patch(&webhook, "*", &json!({ "enabled": false })).await;

        for (place, answer) in refused.iter().enumerate() {
            assert_eq!(answer.status, 403, "{} {place}: {}", server.engine, answer.text);
            assert!(answer.detail().contains("127.0.0.0/8"), "{place}: {}", answer.text);
        }
        assert_eq!(trust.body["allowed_networks"], json!(["127.0.0.0/8"]), "{}", trust.text);
        assert_eq!(stopped.status, 200, "{}", stopped.text);
    }
}

#[tokio::test]
async fn fx_05d_a_key_that_reaches_one_organization_gives_no_right_below_it() {
    for server in TestServer::on_each_engine().await {
        let tree = tree(&server).await;
        let own = |id| NewApiKey { reach: Reach::Own, ..owners(id, "own") };
        let role = |id| format!("/api/v1/organizations/{id}/roles/deployer");
        let hook = |id| json!({ "organization_id": id, "url": "https://hooks.example.com/" });

        for (id, status) in [(tree.left, 403), (tree.leaf, 201)] {
            let caller = caller(&server, own(id)).await;
            let defined = caller.put_new(&role(id), &json!({ "scopes": ["read"] })).await;
            let told = caller.post("/api/v1/webhooks", &hook(id)).await;
            assert_eq!(defined.status, status, "{}: {}", server.engine, defined.text);
            assert_eq!(told.status, status, "{}: {}", server.engine, told.text);
        }
    }
}

#[tokio::test]
async fn fx_05e_an_old_secret_is_not_put_off_beyond_the_end_that_its_key_had() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let end = server.app.clock.now() + TimeDelta::hours(1);
        let new = NewApiKey { lifetime: Lifetime::Until(end), ..owners(acme, "x") };
        let (key, old) = server.make_key(new).await;
        let path = format!("/api/v1/api-keys/{}", key.id);
        let in_days = |days| at(server.app.clock.now() + TimeDelta::days(days));
        let longer = json!({ "expires_at": in_days(90), "old_secret_dies_at": in_days(3) });

        let rotated = owner.act_with(&format!("{path}/rotate"), "*", &longer).await;
        let put = async |moment: String| {
            let body = json!({ "old_secret_dies_at": moment });
            owner.put(&format!("{path}/rotation"), "*", &body).await
        };
        let put_off = put(in_days(6)).await;
        let earlier = put(at(end - TimeDelta::minutes(30))).await;
        let back = put(at(end)).await;

        assert_eq!(rotated.body["secrets"][0]["dies_at"], at(end), "{}", rotated.text);
        assert_eq!(put_off.status, 400, "{}: {}", server.engine, put_off.text);
        assert!(put_off.detail().contains("the end that its key had"), "{}", put_off.text);
        assert_eq!(earlier.status, 200, "{}", earlier.text);
        assert_eq!(back.status, 200, "{}", back.text);
        server.app.clock.advance(TimeDelta::hours(1));
        server.app.catch_up().await.unwrap();
        assert_eq!(server.exchange("x", &old).await.status, 401, "{}", server.engine);
    }
}
