//! `/api/v1/organizations`: a tree, seen from where one stands.

use axum::http::Method;
use chrono::TimeDelta;
use keyturn::{
    domain::{Organization, OrganizationId, Owner, Reach},
    manage::{Asker, Rejection, organizations},
    store::{self, StoreError},
};
use serde_json::json;

use super::{KEYS, NOBODY, ORGANIZATIONS, acme, at, column, owner_of, secret_of};
use crate::support::{ISSUER, TestServer, problem};

#[tokio::test]
async fn an_organization_is_made_shown_renamed_stopped_and_deleted() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;

        let made = caller.post(ORGANIZATIONS, &json!({ "name": "left", "parent_id": acme })).await;
        let place = format!("{ORGANIZATIONS}/{}", made.id());
        let shown = caller.get(&place).await;
        let renamed = caller.patch(&place, made.etag(), &json!({ "name": "right" })).await;
        let stopped = caller.patch(&place, renamed.etag(), &json!({ "enabled": false })).await;
        let going = caller.patch(&place, stopped.etag(), &json!({ "enabled": true })).await;
        let deleted = caller.delete(&place, going.etag()).await;
        let gone = caller.get(&place).await;

        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        assert_eq!(made.header("location"), format!("{ISSUER}{place}"));
        assert_eq!(made.body["name"], "left");
        assert_eq!(made.body["parent_id"], acme.to_string());
        assert_eq!(made.body["created_at"], "2027-01-15T08:00:00Z");
        assert_eq!((shown.status.as_u16(), shown.etag()), (200, made.etag()));
        assert_eq!(shown.body["path"][0], json!({ "id": acme, "name": "acme", "enabled": true }));
        assert_eq!(shown.body["path"][1]["name"], "left");
        assert_eq!(shown.body["path"].as_array().unwrap().len(), 2);
        assert_eq!((renamed.status.as_u16(), &renamed.body["name"]), (200, &json!("right")));
        assert_eq!(stopped.body["enabled"], false);
        assert_eq!(stopped.body["disabled_at"], "2027-01-15T08:00:00Z");
        assert_eq!(
            (&going.body["enabled"], &going.body["disabled_at"]),
            (&json!(true), &json!(null))
        );
        assert_eq!((deleted.status.as_u16(), deleted.text.as_str()), (204, ""));
        assert_eq!(problem(&gone), (404, "not-found"));
    }
}

#[tokio::test]
async fn one_sees_the_tree_from_where_one_stands_and_nothing_above() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        // What is made within one second has no order.
        server.app.clock.advance(TimeDelta::seconds(1));
        let leaf = server.suborganization(left, "leaf").await;
        let right = server.suborganization(acme, "right").await;
        let caller = owner_of(&server, left).await;

        let list = caller.get(ORGANIZATIONS).await;
        let below = caller.get(&format!("{ORGANIZATIONS}?parent_id={left}")).await;
        let shown = caller.get(&at(leaf, "")).await;

        let all = column(&list.body, "id");
        assert_eq!(all, [left.to_string(), leaf.to_string()], "{}", server.engine);
        assert_eq!(column(&list.body, "parent_id"), ["null".to_owned(), left.to_string()]);
        assert_eq!(column(&below.body, "id"), [leaf.to_string()]);
        let path = shown.body["path"].as_array().unwrap();
        let names: Vec<_> = path.iter().map(|step| step["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["left", "leaf"]);
        for hidden in [acme, right] {
            assert!(
                !shown.text.contains(&hidden.to_string())
                    && !list.text.contains(&hidden.to_string())
            );
        }
    }
}

#[tokio::test]
async fn what_is_out_of_reach_is_as_if_it_did_not_exist() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let leaf = server.suborganization(left, "leaf").await;
        let other = server.root("other").await;
        let below = owner_of(&server, left).await;
        let alone = server.manage(&secret_of(&server, left, "owner", Reach::Own).await).await;
        let nothing = at(OrganizationId(NOBODY.parse().unwrap()), "");
        let expected = below.get(&nothing).await;

        for (caller, hidden) in [(&below, acme), (&below, other), (&alone, leaf), (&alone, acme)] {
            let place = at(hidden, "");
            let answers = [
                caller.get(&place).await,
                caller.patch(&place, "*", &json!({ "name": "x" })).await,
                caller.patch(&place, "\"9\"", &json!({ "enabled": false })).await,
                caller.delete(&place, "*").await,
                caller.post(ORGANIZATIONS, &json!({ "name": "x", "parent_id": hidden })).await,
            ];

            for answer in answers {
                assert_eq!(problem(&answer), (404, "not-found"), "{}", server.engine);
                assert_eq!(answer.text, expected.text);
            }
        }
    }
}

#[tokio::test]
async fn a_new_tree_is_for_keys_of_the_organization_that_runs_the_server() {
    for server in TestServer::on_each_engine().await {
        let (_, first) = acme(&server).await;
        server.app.clock.advance(TimeDelta::seconds(1));
        let other = server.root("other").await;
        let other = owner_of(&server, other).await;
        let body = json!({ "name": "third" });

        let refused = other.post(ORGANIZATIONS, &body).await;
        let made = first.post(ORGANIZATIONS, &body).await;

        assert_eq!(problem(&refused), (403, "forbidden"), "{}", server.engine);
        assert_eq!((made.status.as_u16(), &made.body["parent_id"]), (201, &json!(null)));
    }
}

#[tokio::test]
async fn two_siblings_never_have_one_name() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let right = server.suborganization(acme, "right").await;

        let made = caller.post(ORGANIZATIONS, &json!({ "name": "left", "parent_id": acme })).await;
        let renamed = caller.patch(&at(right, ""), "*", &json!({ "name": "left" })).await;
        let cousin =
            caller.post(ORGANIZATIONS, &json!({ "name": "left", "parent_id": left })).await;

        for answer in [&made, &renamed] {
            assert_eq!(problem(answer), (409, "conflict"), "{}", server.engine);
            assert_eq!(answer.detail(), "an organization of this name exists already");
        }
        assert_eq!(cousin.status, 201, "{}", cousin.text);
        assert_eq!(caller.get(&at(right, "")).await.body["name"], "right");
    }
}

#[tokio::test]
async fn a_deletion_is_refused_with_all_that_is_in_the_way() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let leaf = server.suborganization(left, "leaf").await;
        let (key, _) = server.key(Owner::Organization(left), "ci").await;

        let refused = caller.delete(&at(left, ""), "*").await;
        caller.delete(&at(leaf, ""), "*").await;
        caller.delete(&format!("{KEYS}/{}", key.id), "*").await;
        let deleted = caller.delete(&at(left, ""), "*").await;

        assert_eq!(problem(&refused), (409, "conflict"), "{}", server.engine);
        let expected = json!([
            { "kind": "organization", "id": leaf, "name": "leaf" },
            { "kind": "api_key", "id": key.id, "name": "ci" },
        ]);
        assert_eq!(refused.body["obstacles"], expected);
        assert_eq!(deleted.status, 204, "{}", deleted.text);
    }
}

/// A key that is made between the look and the deletion holds the organization all the same.
#[tokio::test]
async fn a_deletion_that_came_too_late_changes_nothing() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        server.key(Owner::Organization(left), "ci").await;
        let lineage = organizations::show(&server.app, &Asker::keyturn(), left).await.unwrap();

        let mut tx = server.app.store.write().await.unwrap();
        let outcome = store::organizations::delete(&mut tx, &lineage.line[0]).await;
        drop(tx);

        let error = outcome.unwrap_err();
        assert!(matches!(error, StoreError::Dangling), "{}: {error:?}", server.engine);
        assert!(matches!(Rejection::from(error), Rejection::ChangedMeanwhile));
        assert_eq!(caller.get(&at(left, "")).await.status, 200);
    }
}

#[tokio::test]
async fn a_stopped_organization_stops_the_tokens_of_its_own_keys() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let below = owner_of(&server, left).await;

        caller.patch(&at(left, ""), "*", &json!({ "enabled": false })).await;
        let stopped = below.get(ORGANIZATIONS).await;
        caller.patch(&at(left, ""), "*", &json!({ "enabled": true })).await;
        let going = below.get(ORGANIZATIONS).await;

        assert_eq!(problem(&stopped), (401, "invalid-token"), "{}", server.engine);
        assert_eq!(going.status, 200, "{}", going.text);
    }
}

#[tokio::test]
async fn a_change_of_nothing_is_answered_with_the_state() {
    let server = TestServer::start().await;
    let (acme, caller) = acme(&server).await;

    let answer =
        caller.send(Method::PATCH, &at(acme, ""), &[("if-match", "*")], Some(&json!({}))).await;
    let again = caller.get(&at(acme, "")).await;

    assert_eq!((answer.status.as_u16(), &answer.body["name"]), (200, &json!("acme")));
    assert_eq!(answer.etag(), again.etag());
}

#[tokio::test]
async fn a_tree_has_no_more_levels_than_an_exchange_can_look_at() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let mut parent = acme.to_string();
        for level in 2..=Organization::DEEPEST {
            let new = json!({ "name": format!("level-{level}"), "parent_id": parent });
            let made = caller.post(ORGANIZATIONS, &new).await;
            assert_eq!(made.status, 201, "{} {level}: {}", server.engine, made.text);
            made.id().clone_into(&mut parent);
        }

        let new = json!({ "name": "too-deep", "parent_id": parent });
        let refused = caller.post(ORGANIZATIONS, &new).await;

        assert_eq!(refused.status, 409, "{}: {}", server.engine, refused.text);
        assert!(refused.detail().contains("at most 32 levels"), "{}", refused.text);
    }
}
