//! The audit trail over the API: who sees what of it, found by what.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use keyturn::{
    domain::{Owner, Reach},
    manage::api_keys::NewApiKey,
};
use serde_json::{Value, json};

use super::{acme, column, owner_of, secret_of};
use crate::support::{Caller, TestServer, new_key, problem};

const EVENTS: &str = "/api/v1/audit-events";

async fn actions(caller: &Caller, query: &str) -> Vec<String> {
    let list = caller.get(&format!("{EVENTS}{query}")).await;
    column(&list.body, "action").into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_trail_is_found_by_key_actor_organization_action_and_time() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let (key, _) = server.key(Owner::Organization(left), "ci").await;
        server.app.clock.advance(TimeDelta::minutes(1));
        server.disable(key.id).await;

        let of_key = actions(&caller, &format!("?api_key_id={}", key.id)).await;
        let by_subject = actions(&caller, &format!("?subject=key:{}", key.id)).await;
        let of_left = actions(&caller, &format!("?organization_id={left}")).await;
        let disabled = caller.get(&format!("{EVENTS}?action=api_key.disabled")).await;
        let nobody = actions(&caller, "?actor=operator:nobody").await;
        let (before, since) = ("?until=2027-01-15T08:01:00Z", "?from=2027-01-15T08:01:00Z");
        let before = actions(&caller, &format!("{before}&api_key_id={}", key.id)).await;
        let since = actions(&caller, since).await;

        assert_eq!(of_key, ["api_key.disabled", "api_key.created"], "{}", server.engine);
        assert_eq!(by_subject, of_key);
        let expected = ["api_key.disabled", "api_key.created", "organization.created"];
        assert_eq!(of_left, expected);
        let event = &disabled.body["items"][0];
        assert_eq!(event["subject"], format!("key:{}", key.id));
        assert_eq!(
            (&event["actor"], &event["at"]),
            (&"keyturn".into(), &"2027-01-15T08:01:00Z".into())
        );
        assert_eq!(event["organization_id"], left.to_string());
        assert_eq!(event["hash"].as_str().map(str::len), Some(64));
        assert!(nobody.is_empty(), "{nobody:?}");
        assert_eq!(
            (before, since),
            (vec!["api_key.created".to_owned()], vec!["api_key.disabled".to_owned()])
        );
    }
}

#[tokio::test]
async fn what_was_done_by_a_key_is_found_with_the_request_that_did_it() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let roles = Some("owner".parse().unwrap());
        let new = NewApiKey { roles, ..new_key(Owner::Organization(acme), "admin") };
        let (admin, secret) = server.make_key(new).await;
        let caller = server.manage(&secret).await;

        let made = caller.post(super::KEYS, &json!({ "name": "ci", "roles": ["viewer"] })).await;
        let list = caller.get(&format!("{EVENTS}?actor=key:{}", admin.id)).await;

        let [event] = &list.body["items"].as_array().unwrap()[..] else { panic!("{}", list.text) };
        assert_eq!(event["action"], "api_key.created", "{}", server.engine);
        assert_eq!(event["subject"], format!("key:{}", made.id()));
        assert_eq!(event["request_id"], made.header("x-request-id"));
        assert_eq!(event["source"], "127.0.0.1");
    }
}

#[tokio::test]
async fn the_parts_of_the_trail_are_the_trail_newest_first() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        for number in 0..7 {
            server.key(Owner::Organization(acme), &format!("n{number}")).await;
        }

        let whole = caller.get(EVENTS).await;
        let (mut met, mut cursor) = (Vec::new(), String::new());
        loop {
            let part = caller.get(&format!("{EVENTS}?limit=2{cursor}")).await;
            met.extend(part.body["items"].as_array().unwrap().clone());
            let Some(next) = part.body["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }

        assert_eq!(whole.body["items"], Value::from(met.clone()), "{}", server.engine);
        let numbers: Vec<_> = met.iter().map(|event| event["number"].as_i64().unwrap()).collect();
        assert!(numbers.is_sorted_by(|newer, older| newer > older), "{numbers:?}");
        assert!(numbers.len() >= 9, "{numbers:?}");
    }
}

#[tokio::test]
async fn nobody_sees_what_happened_out_of_their_sight() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let other = server.root("other").await;
        let left = server.suborganization(other, "left").await;
        server.key(Owner::Organization(left), "deep").await;
        let stranger = owner_of(&server, other).await;
        let own = server.manage(&secret_of(&server, other, "owner", Reach::Own).await).await;
        let organizations = async |caller: &Caller| -> BTreeSet<String> {
            let list = caller.get(EVENTS).await;
            column(&list.body, "organization_id").into_iter().map(str::to_owned).collect()
        };

        let (acme, other, left) = (acme.to_string(), other.to_string(), left.to_string());
        let none = "null".to_owned();
        assert_eq!(organizations(&caller).await, [acme.clone(), none].into(), "{}", server.engine);
        assert_eq!(organizations(&stranger).await, [other.clone(), left].into());
        assert_eq!(organizations(&own).await, [other].into());
        let of_acme = stranger.get(&format!("{EVENTS}?organization_id={acme}")).await;
        assert_eq!(of_acme.body["items"], json!([]));
    }
}

#[tokio::test]
async fn what_belongs_to_no_organization_is_for_whoever_runs_the_server_and_for_its_user() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        let other = server.root("other").await;
        let stranger = owner_of(&server, other).await;
        let ada = server.user("ada@example.com", &[(other, "owner")]).await;
        let roles = Some("owner".parse().unwrap());
        let new = NewApiKey { roles, ..new_key(Owner::User(ada), "own") };
        let (key, secret) = server.make_key(new).await;
        let ada = server.manage(&secret).await;
        let of_key = format!("?api_key_id={}", key.id);

        assert!(actions(&caller, "").await.contains(&"resource.registered".to_owned()));
        assert_eq!(actions(&caller, &of_key).await, ["api_key.created"], "{}", server.engine);
        assert_eq!(actions(&ada, &of_key).await, ["api_key.created"]);
        assert!(!actions(&ada, "").await.contains(&"resource.registered".to_owned()));
        assert!(actions(&stranger, &of_key).await.is_empty());
    }
}

#[tokio::test]
async fn the_trail_needs_its_scope_and_a_question_that_makes_sense() {
    let server = TestServer::start().await;
    let (acme, caller) = acme(&server).await;
    let secret = secret_of(&server, acme, "owner", Reach::Own).await;
    let narrow = server.manage_with(&secret, &[("scope", "keys:read")]).await;

    assert_eq!(problem(&narrow.get(EVENTS).await), (403, "insufficient-scope"));
    let id = super::NOBODY;
    for query in [
        "?limit=0".to_owned(),
        "?cursor=x".to_owned(),
        "?actor=somebody".to_owned(),
        "?organization_id=acme".to_owned(),
        format!("?api_key_id={id}&subject=key:{id}"),
        format!("?action={}", "a".repeat(101)),
        format!("?subject={}", "a".repeat(601)),
        "?color=red".to_owned(),
    ] {
        let answer = caller.get(&format!("{EVENTS}{query}")).await;
        assert_eq!(problem(&answer), (400, "invalid-request"), "{query}");
    }
}

#[tokio::test]
async fn fx_25_what_a_key_does_is_found_under_its_audit_address() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = super::acme(&server).await;
        let new = keyturn::manage::api_keys::NewApiKey {
            roles: Some("owner".parse().unwrap()),
            ..crate::support::new_key(keyturn::domain::Owner::Organization(acme), "robot")
        };
        let (key, secret) = server.make_key(new).await;
        let caller = server.manage(&secret).await;
        let email = key.audit_email("keyturn.test");
        let path = format!("/api/v1/audit-events?actor_email={}", email.to_uppercase());

        let role = serde_json::json!({ "scopes": ["read"] });
        caller.put_new(&super::at(acme, "/roles/reader"), &role).await;
        let found = caller.get(&path).await;
        let place = format!("/api/v1/api-keys/{}", key.id);
        let deleted = caller.delete(&place, "*").await;
        let trail = server.audit_trail(&format!("key:{}", key.id)).await;

        assert_eq!(super::column(&found.body, "action"), ["role.defined"], "{}", found.text);
        assert_eq!(super::column(&found.body, "actor_email"), [&*email], "{}", server.engine);
        assert_eq!(deleted.status, 204, "{}", deleted.text);
        assert_eq!(trail.last().unwrap().actor_email, Some(email), "of a key that is gone, too");
    }
}
