//! Over the API nobody makes what can do more than they: check KX-19.

use keyturn::domain::{Lifetime, Owner, Reach};
use keyturn::manage::api_keys::NewApiKey;
use serde_json::{Value, json};

use super::{KEYS, acme, at, secret_of};
use crate::support::{Answer, Caller, TestServer, new_key, problem};

/// A manager of `acme` alone, from 127.0.0.0/8, until February.
async fn manager(server: &TestServer, acme: keyturn::domain::OrganizationId) -> Caller {
    let until = "2027-02-01T00:00:00Z".parse().unwrap();
    let new = NewApiKey {
        allowed_networks: "127.0.0.0/8".parse().unwrap(),
        lifetime: Lifetime::Until(until),
        ..new_key(Owner::Organization(acme), "manager")
    };
    server.manage(&server.make_key(new).await.1).await
}

/// A key within what the manager has, but for these members.
fn key_with(more: &Value) -> Value {
    let mut new = json!({ "name": "ci", "roles": ["viewer"] });
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    new
}

fn assert_wider(answer: &Answer, why: &str) {
    assert_eq!(problem(answer), (403, "forbidden"), "{}", answer.text);
    assert!(answer.detail().starts_with("this would go beyond what you may"), "{}", answer.text);
    assert!(answer.detail().contains(why), "{}", answer.text);
}

#[tokio::test]
async fn kx_19_a_key_makes_none_that_is_wider_than_itself() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let manager = manager(&server, acme).await;
        let wider = [
            (json!({ "roles": ["owner"] }), "is not yours to give"),
            (json!({ "reach": "subtree" }), "reach further"),
            (json!({ "expires_at": null }), "live longer"),
            (json!({ "expires_at": "2027-02-01T00:00:01Z" }), "live longer"),
            (json!({ "allowed_networks": ["10.0.0.0/8"] }), "127.0.0.0/8"),
            (json!({ "allowed_networks": ["0.0.0.0/0"] }), "127.0.0.0/8"),
        ];

        for (more, why) in wider {
            assert_wider(&manager.post(KEYS, &key_with(&more)).await, why);
        }
        let made = manager.post(KEYS, &key_with(&json!({}))).await;
        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        assert_eq!(made.body["allowed_networks"], json!(["127.0.0.0/8"]), "as far as its maker");
        assert_eq!(made.body["expires_at"], "2027-02-01T00:00:00Z", "as long as its maker");
    }
}

#[tokio::test]
async fn kx_19_a_key_widens_none_and_wakes_none_that_is_wider() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let manager = manager(&server, acme).await;
        let made = manager.post(KEYS, &key_with(&json!({}))).await;
        let place = format!("{KEYS}/{}", made.id());
        let wide = owner.post(KEYS, &json!({ "name": "wide", "roles": ["owner"] })).await;
        let wide = format!("{KEYS}/{}", wide.id());

        assert_wider(
            &manager.patch(&place, "*", &json!({ "roles": ["owner"] })).await,
            "is not yours to give",
        );
        assert_wider(&manager.patch(&place, "*", &json!({ "reach": "subtree" })).await, "further");
        assert_wider(
            &manager.patch(&place, "*", &json!({ "allowed_networks": [] })).await,
            "127.0.0.0/8",
        );
        // Its secret would do what the manager cannot.
        assert_wider(&manager.act_with(&format!("{wide}/rotate"), "*", &json!({})).await, "");
        let stopped = manager.act(&format!("{wide}/disable"), "*").await;
        assert_eq!(stopped.status, 200, "who sees danger may stop it: {}", stopped.text);
        assert_wider(&manager.act(&format!("{wide}/enable"), "*").await, "");
    }
}

#[tokio::test]
async fn kx_19_a_narrowed_token_gives_no_more_than_it_carries() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let scopes = json!({ "scopes": ["keys:write"] });
        owner.put_new(&at(acme, "/roles/maker"), &scopes).await;
        let secret = secret_of(&server, acme, "owner", Reach::Subtree).await;
        let narrowed = server.manage_with(&secret, &[("scope", "keys:write")]).await;

        let wider = narrowed.post(KEYS, &key_with(&json!({}))).await;
        let same = narrowed.post(KEYS, &key_with(&json!({ "roles": ["maker"] }))).await;

        assert_wider(&wider, "is not yours to give");
        assert_eq!(same.status, 201, "{}: {}", server.engine, same.text);
    }
}

#[tokio::test]
async fn kx_19_a_token_acts_in_the_organization_it_was_asked_for() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let secret = secret_of(&server, acme, "owner", Reach::Subtree).await;
        let inside = [("organizationId", left.to_string())];
        let inside: Vec<_> = inside.iter().map(|(name, id)| (*name, id.as_str())).collect();
        let caller = server.manage_with(&secret, &inside).await;

        let above = caller.get(&at(acme, "")).await;
        let here = caller.get(&at(left, "")).await;
        let users = caller.get(super::USERS).await;
        let made = caller.post(KEYS, &key_with(&json!({}))).await;

        assert_eq!(problem(&above), (404, "not-found"), "{}", server.engine);
        assert_eq!(here.status, 200, "{}", here.text);
        assert_eq!(problem(&users), (403, "forbidden"));
        assert_eq!(made.body["organization_id"], left.to_string(), "{}", made.text);
    }
}

#[tokio::test]
async fn kx_19_a_key_of_an_organization_out_of_reach_does_not_exist() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let (key, _) = server.key(Owner::Organization(left), "ci").await;
        let manager = manager(&server, acme).await;
        let place = format!("{KEYS}/{}", key.id);
        let nothing = manager.get(&format!("{KEYS}/{}", super::NOBODY)).await;

        let answers = [
            manager.get(&place).await,
            manager.patch(&place, "*", &json!({ "description": "x" })).await,
            manager.patch(&place, "\"9\"", &json!({ "description": "x" })).await,
            manager.act(&format!("{place}/revoke"), "*").await,
            manager.act_with(&format!("{place}/rotate"), "*", &json!({})).await,
            manager.delete(&place, "*").await,
        ];
        let there = manager.post(KEYS, &key_with(&json!({ "organization_id": left }))).await;

        for answer in answers {
            assert_eq!(problem(&answer), (404, "not-found"), "{}", server.engine);
            assert_eq!(answer.text, nothing.text);
        }
        assert_eq!(problem(&there), (404, "not-found"));
        assert_eq!(there.detail(), "there is no such organization");
        assert_eq!(owner.get(&place).await.status, 200);
    }
}
