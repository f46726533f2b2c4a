//! Nobody overwrites what they have not seen: `If-Match` and `ETag` (RFC 9110, section 13.1.1).

use axum::http::Method;
use keyturn::domain::Owner;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{CLIENTS, KEYS, NOBODY, ORGANIZATIONS, USERS, acme, at};
use crate::support::{TestServer, problem};

#[tokio::test]
async fn every_change_has_to_say_what_it_has_seen() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let description: Value = serde_json::from_str(&keyturn::http::api_description()).unwrap();
    let ours = |path: &&String| {
        [CLIENTS, KEYS, ORGANIZATIONS, USERS].iter().any(|it| path.starts_with(it))
    };
    let mut changes = 0;

    for path in description["paths"].as_object().unwrap().keys().filter(ours) {
        for (method, operation) in description["paths"][path].as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let is_condition = |it: &Value| it["name"] == "If-Match" && it["required"] == true;
            if !parameters.iter().any(is_condition) {
                assert!(method != "patch" && method != "delete", "{method} {path}: no If-Match");
                continue;
            }
            let uri = path.replace("{id}", NOBODY).replace("{user_id}", NOBODY);
            let uri = uri.replace("{name}", "deployer");
            let method: Method = method.to_uppercase().parse().unwrap();

            let answer = caller.send(method.clone(), &uri, &[], Some(&json!({}))).await;

            assert_eq!(problem(&answer), (428, "condition-required"), "{method} {uri}");
            changes += 1;
        }
    }
    assert!(changes >= 15, "only {changes} operations change something");
}

#[tokio::test]
async fn a_tag_that_is_not_the_latest_changes_nothing() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let ann = server.user("ann@example.com", &[(acme, "viewer")]).await;
        let (key, _) = server.key(Owner::Organization(acme), "ci").await;
        caller.put_new(&at(acme, "/roles/deployer"), &json!({ "scopes": ["read"] })).await;
        let things = [
            (at(acme, ""), Method::PATCH, json!({ "name": "new" })),
            (at(acme, &format!("/members/{ann}")), Method::PATCH, json!({ "role": "manager" })),
            (at(acme, "/roles/deployer"), Method::PUT, json!({ "scopes": [] })),
            (format!("{USERS}/{ann}"), Method::PATCH, json!({ "name": "Ann" })),
            (format!("{KEYS}/{}", key.id), Method::PATCH, json!({ "description": "new" })),
        ];

        for (place, method, change) in things {
            let before = caller.get(&place).await;
            let with = async |tag: &str| {
                caller.send(method.clone(), &place, &[("if-match", tag)], Some(&change)).await
            };
            let never = [
                r#""99""#,
                r#"W/"99""#,
                r#""99-gzip""#,
                "1",
                r#""x""#,
                r#""""#,
                r#"*, "99""#,
                r#""*""#,
                "",
            ];
            for tag in never {
                let answer = with(tag).await;
                assert_eq!(problem(&answer), (412, "changed-meanwhile"), "{place} {tag}");
            }
            let same = caller.get(&place).await;
            let one_of = with(&format!("\"99\", {}", before.etag())).await;
            let stale = with(before.etag()).await;
            let any = with("*").await;
            let deleted = caller.delete(&place, before.etag()).await;

            assert_eq!((same.etag(), &same.body), (before.etag(), &before.body), "{place}");
            assert_eq!(one_of.status, 200, "{} {place}: {}", server.engine, one_of.text);
            assert_eq!(problem(&stale), (412, "changed-meanwhile"), "{place}");
            assert_eq!(any.status, 200, "{place}: {}", any.text);
            assert_ne!(before.etag(), one_of.etag(), "{place}");
            if !place.starts_with(USERS) {
                assert_eq!(problem(&deleted), (412, "changed-meanwhile"), "{place}");
            }
        }
    }
}

#[tokio::test]
async fn fx_35_a_tag_that_a_compressing_proxy_has_changed_is_the_tag_of_its_version() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let (key, _) = server.key(Owner::Organization(acme), "ci").await;
        let place = format!("{KEYS}/{}", key.id);

        for change in ["W/\"#\"", "\"#-gzip\"", "W/\"#-gzip\"", "\"#-br\"", "\"#;gzip\""] {
            let before = caller.get(&place).await;
            let version = before.etag().trim_matches('"').to_owned();
            let tag = change.replace('#', &version);
            let new = json!({ "description": tag });
            let headers = [("if-match", tag.as_str())];
            let changed = caller.send(Method::PATCH, &place, &headers, Some(&new)).await;
            let stale = caller.send(Method::PATCH, &place, &headers, Some(&new)).await;

            assert_eq!(changed.status, 200, "{} {tag}: {}", server.engine, changed.text);
            assert_eq!(problem(&stale), (412, "changed-meanwhile"), "{tag}");
        }
    }
}

#[tokio::test]
async fn of_a_hundred_changes_of_one_state_one_is_made() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let (key, _) = server.key(Owner::Organization(acme), "ci").await;
        let ann = server.user("ann@example.com", &[]).await;
        let things = [
            (at(left, ""), "name"),
            (format!("{KEYS}/{}", key.id), "description"),
            (format!("{USERS}/{ann}"), "name"),
        ];

        for (place, member) in things {
            let tag = caller.get(&place).await.etag().to_owned();
            let mut tasks = JoinSet::new();
            for number in 0..100 {
                let (caller, place, tag) = (caller.clone(), place.clone(), tag.clone());
                let change = json!({ member: format!("new {number}") });
                tasks.spawn(async move { (number, caller.patch(&place, &tag, &change).await) });
            }
            let outcomes = tasks.join_all().await;

            let mut winners = Vec::new();
            for (number, answer) in &outcomes {
                if answer.status == 200 {
                    winners.push(number);
                } else {
                    // A machine that stands still may let a request wait too long for the database.
                    let told = problem(answer);
                    assert!(matches!(told, (412 | 503, _)), "{place}: {told:?}");
                }
            }
            assert_eq!(winners.len(), 1, "{} {place}", server.engine);
            let now = caller.get(&place).await;
            assert_eq!(now.body[member], format!("new {}", winners[0]), "{}", server.engine);
        }
    }
}
