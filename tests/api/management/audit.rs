//! Who did what over the API: each change has an event with the key, the address and the request.

use keyturn::domain::{Actor, ApiKeyId, AuditEvent, Owner, Reach};
use keyturn::manage::api_keys::NewApiKey;
use serde_json::{Value, json};

use super::{KEYS, NOBODY, ORGANIZATIONS, USERS, acme, at};
use crate::support::{Answer, Caller, TestServer, new_key, problem};

/// `acme`, and a caller whose key is known.
async fn known(server: &TestServer) -> (keyturn::domain::OrganizationId, ApiKeyId, Caller) {
    let (acme, _) = acme(server).await;
    let roles = Some("owner".parse().unwrap());
    let new = new_key(Owner::Organization(acme), "admin");
    let (key, secret) = server.make_key(NewApiKey { roles, reach: Reach::Subtree, ..new }).await;
    (acme, key.id, server.manage(&secret).await)
}

/// That this answer's change is the last of the trail of its subject.
async fn assert_recorded(
    server: &TestServer,
    by: ApiKeyId,
    answer: &Answer,
    subject: &str,
    action: &str,
) -> AuditEvent {
    assert!(answer.status.is_success(), "{action}: {}", answer.text);
    let last = server.audit_trail(subject).await.pop().unwrap_or_else(|| panic!("no {action}"));
    assert_eq!((last.action.as_ref(), &last.actor), (action, &Actor::ApiKey(by)));
    assert_eq!(last.source, Some("127.0.0.1".parse().unwrap()), "{action}");
    let request_id = last.request_id.map(|id| id.to_string()).unwrap_or_default();
    assert_eq!(request_id, answer.header("x-request-id"), "{action}");
    last
}

#[tokio::test]
async fn every_change_of_the_tree_and_its_people_is_recorded() {
    for server in TestServer::on_each_engine().await {
        let (acme, by, caller) = known(&server).await;
        let recorded = async |answer: &Answer, subject: &str, action: &str| {
            assert_recorded(&server, by, answer, subject, action).await
        };

        let made = caller.post(ORGANIZATIONS, &json!({ "name": "left", "parent_id": acme })).await;
        let (place, left) =
            (format!("{ORGANIZATIONS}/{}", made.id()), format!("organization:{}", made.id()));
        recorded(&made, &left, "organization.created").await;
        let answer = caller.patch(&place, "*", &json!({ "name": "new" })).await;
        let event = recorded(&answer, &left, "organization.renamed").await;
        assert_eq!(event.detail, json!({ "from": "left", "to": "new" }));
        let answer = caller.patch(&place, "*", &json!({ "enabled": false })).await;
        recorded(&answer, &left, "organization.disabled").await;
        let answer = caller.delete(&place, "*").await;
        recorded(&answer, &left, "organization.deleted").await;

        let member = json!({ "email": "ann@example.com", "role": "viewer" });
        let answer = caller.post(&at(acme, "/members"), &member).await;
        let user = answer.body["user_id"].as_str().unwrap();
        let (member, subject) = (at(acme, &format!("/members/{user}")), format!("user:{user}"));
        let event = recorded(&answer, &subject, "member.role_set").await;
        assert_eq!(event.organization_id, Some(acme));
        let answer = caller.patch(&member, "*", &json!({ "role": "manager" })).await;
        let event = recorded(&answer, &subject, "member.role_set").await;
        assert_eq!(event.detail, json!({ "from": "viewer", "to": "manager" }));
        let answer = caller.delete(&member, "*").await;
        recorded(&answer, &subject, "member.removed").await;
        let answer =
            caller.patch(&format!("{USERS}/{user}"), "*", &json!({ "enabled": false })).await;
        recorded(&answer, &subject, "user.disabled").await;

        let role = at(acme, "/roles/deployer");
        let answer = caller.put_new(&role, &json!({ "scopes": ["read"] })).await;
        recorded(&answer, "role:deployer", "role.defined").await;
        let answer = caller.delete(&role, "*").await;
        recorded(&answer, "role:deployer", "role.deleted").await;
    }
}

#[tokio::test]
async fn every_change_of_a_key_is_recorded_without_its_secret() {
    for server in TestServer::on_each_engine().await {
        let (_, by, caller) = known(&server).await;
        let made = caller.post(KEYS, &json!({ "name": "ci", "roles": ["viewer"] })).await;
        let (place, subject) = (format!("{KEYS}/{}", made.id()), format!("key:{}", made.id()));
        assert_recorded(&server, by, &made, &subject, "api_key.created").await;

        let described = caller.patch(&place, "*", &json!({ "description": "x" })).await;
        assert_recorded(&server, by, &described, &subject, "api_key.updated").await;
        let rotated = caller.act_with(&format!("{place}/rotate"), "*", &json!({})).await;
        assert_recorded(&server, by, &rotated, &subject, "api_key.rotated").await;
        for (action, event) in [
            ("disable", "api_key.disabled"),
            ("enable", "api_key.enabled"),
            ("lock", "api_key.locked"),
            ("unlock", "api_key.unlocked"),
            ("revoke", "api_key.revoked"),
        ] {
            let answer = caller.act(&format!("{place}/{action}"), "*").await;
            assert_recorded(&server, by, &answer, &subject, event).await;
        }
        let deleted = caller.delete(&place, "*").await;
        assert_recorded(&server, by, &deleted, &subject, "api_key.deleted").await;

        let all: Vec<Value> =
            server.audit_trail(&subject).await.into_iter().map(|event| event.detail).collect();
        let text = json!(all).to_string();
        for answer in [&made, &rotated] {
            assert!(!text.contains(answer.body["secret"].as_str().unwrap()), "{}", server.engine);
        }
    }
}

#[tokio::test]
async fn what_was_refused_is_not_recorded_as_done() {
    for server in TestServer::on_each_engine().await {
        let (acme, _, caller) = known(&server).await;
        let subject = format!("organization:{acme}");
        let before = server.audit_trail(&subject).await.len();

        let stale = caller.patch(&at(acme, ""), "\"9\"", &json!({ "name": "new" })).await;
        let bad = caller.patch(&at(acme, ""), "*", &json!({ "name": "\u{202e}" })).await;
        let absent = caller.delete(&format!("{ORGANIZATIONS}/{NOBODY}"), "*").await;

        assert_eq!([problem(&stale).0, problem(&bad).0, problem(&absent).0], [412, 400, 404]);
        assert_eq!(server.audit_trail(&subject).await.len(), before, "{}", server.engine);
    }
}
