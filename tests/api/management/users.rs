//! `/api/v1/users`: everybody, for whoever runs the server.

use serde_json::json;

use super::{NOBODY, USERS, acme, column, owner_of};
use crate::support::{ISSUER, TestServer, problem};

#[tokio::test]
async fn a_user_is_made_shown_renamed_stopped_and_let_go_on() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let membership = json!({ "organization_id": acme, "role": "viewer" });
        let new = json!({ "email": "Ann@Example.com", "name": " Ann ", "membership": membership });

        let made = caller.post(USERS, &new).await;
        let place = format!("{USERS}/{}", made.id());
        let shown = caller.get(&place).await;
        let renamed = caller.patch(&place, made.etag(), &json!({ "name": "Ännchen" })).await;
        let stopped = caller.patch(&place, renamed.etag(), &json!({ "enabled": false })).await;
        let going = caller.patch(&place, stopped.etag(), &json!({ "enabled": true })).await;
        let list = caller.get(USERS).await;

        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        assert_eq!(made.header("location"), format!("{ISSUER}{place}"));
        let expected = json!({
            "id": made.id(), "email": "ann@example.com", "name": "Ann", "enabled": true,
            "created_at": "2027-01-15T08:00:00Z", "disabled_at": null,
        });
        assert_eq!(made.body, expected);
        assert_eq!((shown.status.as_u16(), shown.etag()), (200, made.etag()));
        assert_eq!(shown.body["memberships"][0]["organization_id"], acme.to_string());
        assert_eq!(shown.body["memberships"][0]["role"], "viewer");
        assert_eq!((renamed.status.as_u16(), &renamed.body["name"]), (200, &json!("Ännchen")));
        assert_eq!(stopped.body["enabled"], false);
        assert_eq!(stopped.body["disabled_at"], "2027-01-15T08:00:00Z");
        assert_eq!(going.body["enabled"], true);
        assert_eq!(column(&list.body, "email"), ["ann@example.com"]);
        assert_eq!(list.body["items"][0]["memberships"][0]["role"], "viewer");
    }
}

#[tokio::test]
async fn an_address_belongs_to_one_user() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        caller.post(USERS, &json!({ "email": "ann@example.com" })).await;

        let again = caller.post(USERS, &json!({ "email": "ANN@example.com" })).await;

        assert_eq!(problem(&again), (409, "conflict"), "{}", server.engine);
        assert_eq!(again.detail(), "a user of this name exists already");
    }
}

#[tokio::test]
async fn users_are_for_keys_of_the_organization_that_runs_the_server() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let ann = server.user("ann@example.com", &[(left, "viewer")]).await;
        let caller = owner_of(&server, left).await;
        let place = format!("{USERS}/{ann}");

        let answers = [
            caller.get(USERS).await,
            caller.post(USERS, &json!({ "email": "bob@example.com" })).await,
            caller.get(&place).await,
            caller.patch(&place, "*", &json!({ "enabled": false })).await,
        ];

        for answer in answers {
            assert_eq!(problem(&answer), (403, "forbidden"), "{}", server.engine);
            assert!(answer.detail().contains("the whole server"), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_user_who_cannot_be_a_member_is_not_made() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let make = async |organization: &str, role: &str| {
            let membership = json!({ "organization_id": organization, "role": role });
            let new = json!({ "email": "ann@example.com", "membership": membership });
            caller.post(USERS, &new).await
        };

        let nowhere = make(NOBODY, "viewer").await;
        let unknown = make(&acme.to_string(), "wizard").await;

        assert_eq!(problem(&nowhere), (404, "not-found"), "{}", server.engine);
        assert_eq!(nowhere.detail(), "there is no such organization");
        assert_eq!(problem(&unknown), (400, "invalid-request"));
        assert_eq!(caller.get(USERS).await.body["items"], json!([]));
    }
}

#[tokio::test]
async fn there_is_no_password_in_this_api() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;

    let new = json!({ "email": "ann@example.com", "password": "correct horse" });
    let answer = caller.post(USERS, &new).await;

    assert_eq!(problem(&answer), (400, "invalid-request"));
    assert!(answer.detail().contains("unknown field `password`"), "{}", answer.text);
    assert!(!answer.text.contains("correct horse"));
}

#[tokio::test]
async fn nobody_is_no_user() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let place = format!("{USERS}/{NOBODY}");

    let shown = caller.get(&place).await;
    let changed = caller.patch(&place, "*", &json!({ "name": "x" })).await;

    assert_eq!(problem(&shown), (404, "not-found"));
    assert_eq!(problem(&changed), (404, "not-found"));
}
