//! A token that manages is worth no more than its key is now: on this node, and on another.

use chrono::TimeDelta;
use keyturn::domain::{Lifetime, OrganizationId, Owner, Reach};
use keyturn::manage::api_keys::NewApiKey;
use serde_json::json;

use super::{KEYS, ORGANIZATIONS, acme, at, owner_of};
use crate::support::{Caller, TestServer, new_key, problem};

/// A key of `acme`, where it is found, and its holder.
async fn holder(server: &TestServer, acme: OrganizationId, name: &str) -> (String, Caller) {
    let owner = Owner::Organization(acme);
    let roles = Some("owner".parse().unwrap());
    let new = NewApiKey { roles, reach: Reach::Subtree, ..new_key(owner, name) };
    let (key, secret) = server.make_key(new).await;
    (format!("{KEYS}/{}", key.id), server.manage(&secret).await)
}

#[tokio::test]
async fn a_key_that_works_no_more_manages_no_more() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let (acme, owner) = acme(&server).await;

        for end in ["revoke", "disable", "delete"] {
            let (place, holder) = holder(&server, acme, end).await;
            let elsewhere = other.manage_by(&holder.token);
            let before = (holder.get(ORGANIZATIONS).await, elsewhere.get(ORGANIZATIONS).await);
            let ended = match end {
                "delete" => owner.delete(&place, "*").await,
                action => owner.act(&format!("{place}/{action}"), "*").await,
            };
            let after = holder.get(ORGANIZATIONS).await;
            let after_elsewhere = elsewhere.get(ORGANIZATIONS).await;

            assert!(before.0.status == 200 && before.1.status == 200, "{end} {}", before.1.text);
            assert!(ended.status.is_success(), "{end}: {}", ended.text);
            assert_eq!(problem(&after), (401, "invalid-token"), "{} {end}", server.engine);
            assert_eq!(
                problem(&after_elsewhere),
                (401, "invalid-token"),
                "{} {end}",
                server.engine
            );
        }
    }
}

#[tokio::test]
async fn a_disabled_key_manages_again_once_it_is_enabled() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let (place, holder) = holder(&server, acme, "ci").await;
        let elsewhere = other.manage_by(&holder.token);

        owner.act(&format!("{place}/disable"), "*").await;
        let stopped = elsewhere.get(ORGANIZATIONS).await;
        owner.act(&format!("{place}/enable"), "*").await;
        let going = elsewhere.get(ORGANIZATIONS).await;

        assert_eq!(problem(&stopped), (401, "invalid-token"), "{}", server.engine);
        assert_eq!(going.status, 200, "{}", going.text);
    }
}

#[tokio::test]
async fn a_key_that_may_less_than_its_token_says_may_less() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let (place, holder) = holder(&server, acme, "ci").await;
        let elsewhere = other.manage_by(&holder.token);
        let new = json!({ "name": "x", "parent_id": acme });

        let narrowed =
            owner.patch(&place, "*", &json!({ "roles": ["viewer"], "reach": "own" })).await;
        let here = holder.post(ORGANIZATIONS, &new).await;
        let there = elsewhere.post(ORGANIZATIONS, &new).await;

        assert_eq!(narrowed.status, 200, "{}: {}", server.engine, narrowed.text);
        assert_eq!(problem(&here), (403, "insufficient-scope"), "{}", server.engine);
        assert_eq!(problem(&there), (403, "insufficient-scope"), "{}", server.engine);
    }
}

#[tokio::test]
async fn what_is_changed_on_one_node_is_seen_on_the_other() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let elsewhere = other.manage_by(&owner.token);
        let before = elsewhere.get(&at(left, "")).await;

        let renamed = owner.patch(&at(left, ""), before.etag(), &json!({ "name": "new" })).await;
        let late = elsewhere.patch(&at(left, ""), before.etag(), &json!({ "name": "old" })).await;
        let seen = elsewhere.get(&at(left, "")).await;

        assert_eq!(renamed.status, 200, "{}: {}", server.engine, renamed.text);
        assert_eq!(problem(&late), (412, "changed-meanwhile"), "{}", server.engine);
        assert_eq!((seen.etag(), &seen.body["name"]), (renamed.etag(), &json!("new")));
    }
}

#[tokio::test]
async fn a_stopped_organization_stops_its_managers_on_the_other_node_once_that_has_looked() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let manager = owner_of(&server, left).await;
        let elsewhere = other.manage_by(&manager.token);

        owner.patch(&at(left, ""), "*", &json!({ "enabled": false })).await;
        let here = manager.get(ORGANIZATIONS).await;
        other.app.catch_up().await.unwrap();
        let there = elsewhere.get(ORGANIZATIONS).await;

        assert_eq!(problem(&here), (401, "invalid-token"), "{}", server.engine);
        assert_eq!(problem(&there), (401, "invalid-token"), "{}", server.engine);
    }
}

#[tokio::test]
async fn an_expired_key_manages_no_more_though_its_token_would_live_on() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let end = server.app.clock.now() + TimeDelta::seconds(60);
        let roles = Some("owner".parse().unwrap());
        let lifetime = Lifetime::Until(end);
        let new = NewApiKey { roles, lifetime, ..new_key(Owner::Organization(acme), "ci") };
        let (_, secret) = server.make_key(new).await;
        let holder = server.manage(&secret).await;

        server.app.clock.advance(TimeDelta::seconds(59));
        server.app.catch_up().await.unwrap();
        let before = holder.get(ORGANIZATIONS).await;
        server.app.clock.advance(TimeDelta::seconds(1));
        server.app.catch_up().await.unwrap();
        let after = holder.get(ORGANIZATIONS).await;

        assert_eq!(before.status, 200, "{}", before.text);
        assert_eq!(problem(&after), (401, "invalid-token"), "{}", server.engine);
    }
}
