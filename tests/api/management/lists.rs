//! Lists in parts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{CLIENTS, KEYS, NOBODY, ORGANIZATIONS, USERS, acme, at, column};
use crate::support::{Caller, TestServer, problem};

/// Everything in a list, read in parts of `limit`; `meanwhile` is done between them.
async fn walk(
    caller: &Caller,
    path: &str,
    limit: usize,
    mut meanwhile: impl AsyncFnMut(usize),
) -> Vec<Value> {
    let (mut all, mut cursor, mut parts) = (Vec::new(), String::new(), 0);
    let joint = if path.contains('?') { '&' } else { '?' };
    loop {
        let part = caller.get(&format!("{path}{joint}limit={limit}{cursor}")).await;
        let items = part.body["items"].as_array().unwrap_or_else(|| panic!("{}", part.text));
        all.extend(items.iter().cloned());
        let Some(next) = part.body["next_cursor"].as_str() else { return all };
        assert_eq!(items.len(), limit, "only the last part is shorter");
        cursor = format!("&cursor={next}");
        meanwhile(parts).await;
        parts += 1;
    }
}

fn ids(items: &[Value], id: &str) -> Vec<String> {
    items.iter().map(|item| item[id].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_walk_meets_each_of_250_once_while_others_are_added() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let parent = server.suborganization(acme, "parent").await;
        let mut before = BTreeSet::new();
        for number in 0..250 {
            let id = server.suborganization(parent, &format!("n{number}")).await;
            before.insert(id.to_string());
        }
        let path = format!("{ORGANIZATIONS}?parent_id={parent}");

        let add = async |part: usize| {
            server.suborganization(parent, &format!("late {part}")).await;
        };
        let met = ids(&walk(&caller, &path, 40, add).await, "id");

        let unique: BTreeSet<_> = met.iter().cloned().collect();
        assert_eq!(unique.len(), met.len(), "{}: something came twice", server.engine);
        assert!(unique.is_superset(&before), "{}: something was left out", server.engine);
    }
}

#[tokio::test]
async fn every_list_comes_in_parts() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        for number in 0..7 {
            let name = format!("n{number}");
            server.suborganization(acme, &name).await;
            server.user(&format!("{name}@example.com"), &[(acme, "viewer")]).await;
            server.key(keyturn::domain::Owner::Organization(acme), &name).await;
            server.client(acme, &name, keyturn::domain::ClientTerms::default()).await;
        }
        let lists = [
            (ORGANIZATIONS.to_owned(), "id", 8),
            (KEYS.to_owned(), "id", 8),
            (CLIENTS.to_owned(), "id", 7),
            (USERS.to_owned(), "id", 7),
            (at(acme, "/members"), "user_id", 7),
        ];

        for (path, id, count) in lists {
            let whole = caller.get(&path).await;
            let one_by_one = walk(&caller, &path, 1, async |_| ()).await;
            let exactly = caller.get(&format!("{path}?limit={count}")).await;

            let whole_ids = column(&whole.body, id);
            assert_eq!(whole_ids.len(), count, "{} {path}", server.engine);
            assert_eq!(ids(&one_by_one, id), whole_ids, "{} {path}", server.engine);
            assert_eq!(exactly.body["next_cursor"], Value::Null, "{path}: there is no more");
        }
    }
}

#[tokio::test]
async fn a_limit_and_a_cursor_are_what_they_should_be() {
    let server = TestServer::start().await;
    let (acme, caller) = acme(&server).await;
    let lists = [
        ORGANIZATIONS.to_owned(),
        KEYS.to_owned(),
        CLIENTS.to_owned(),
        USERS.to_owned(),
        at(acme, "/members"),
        at(acme, "/roles"),
    ];

    for path in lists {
        for (query, why) in [
            ("limit=0", "a limit is 1 to 200"),
            ("limit=201", "a limit is 1 to 200"),
            ("limit=-1", "limit"),
            ("limit=99999999", "limit"),
            ("limit=x", "limit"),
            ("limit=1&limit=2", "duplicate field"),
            ("cursor=%20", "a cursor is the next_cursor of a list"),
            ("cursor=A%00", "a cursor is the next_cursor of a list"),
            ("page=2", "unknown parameter `page`"),
            ("cursor=%FF", "a cursor is the next_cursor of a list"),
        ] {
            let answer = caller.get(&format!("{path}?{query}")).await;

            assert_eq!(problem(&answer), (400, "invalid-request"), "{path}?{query}");
            assert!(answer.detail().contains(why), "{path}?{query}: {}", answer.text);
        }
        assert_eq!(caller.get(&format!("{path}?limit=200")).await.status, 200);
    }
}

#[tokio::test]
async fn a_cursor_past_the_end_is_an_end() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let last = NOBODY.replace('0', "f");

    for path in [ORGANIZATIONS, KEYS, CLIENTS, USERS] {
        let answer = caller.get(&format!("{path}?cursor={last}")).await;

        assert_eq!(answer.body, json!({ "items": [], "next_cursor": null }), "{path}");
    }
}
