//! `/api/v1/organizations/{id}/roles`: what roles mean, and where that was said.

use keyturn::domain::{Owner, Reach};
use keyturn::manage::api_keys::NewApiKey;
use serde_json::{Value, json};

use super::{acme, at, column, owner_of, secret_of};
use crate::support::{Answer, ISSUER, TestServer, new_key, problem};

/// The role of this name in a list.
fn named<'a>(list: &'a Answer, name: &str) -> &'a Value {
    let items = list.body["items"].as_array().unwrap();
    items.iter().find(|role| role["name"] == name).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_role_is_defined_changed_and_deleted() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let place = at(acme, "/roles/deployer");

        let made = caller.put_new(&place, &json!({ "scopes": ["write", "read", "read"] })).await;
        let shown = caller.get(&place).await;
        let again = caller.put_new(&place, &json!({ "scopes": [] })).await;
        let changed = caller.put(&place, made.etag(), &json!({ "scopes": ["read"] })).await;
        let late = caller.put(&place, made.etag(), &json!({ "scopes": [] })).await;
        let deleted = caller.delete(&place, changed.etag()).await;
        let gone = caller.get(&place).await;
        let changed_gone = caller.put(&place, changed.etag(), &json!({ "scopes": [] })).await;

        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        assert_eq!(made.header("location"), format!("{ISSUER}{place}"));
        let expected =
            json!({ "organization_id": acme, "name": "deployer", "scopes": ["read", "write"] });
        assert_eq!(made.body, expected);
        assert_eq!((shown.etag(), &shown.body), (made.etag(), &expected));
        assert_eq!(problem(&again), (409, "conflict"));
        assert_eq!((changed.status.as_u16(), &changed.body["scopes"]), (200, &json!(["read"])));
        assert_ne!(changed.etag(), made.etag());
        assert_eq!(problem(&late), (412, "changed-meanwhile"));
        assert_eq!((deleted.status.as_u16(), problem(&gone)), (204, (404, "not-found")));
        assert_eq!(problem(&changed_gone), (412, "changed-meanwhile"));
    }
}

#[tokio::test]
async fn a_list_says_where_each_role_was_defined() {
    for server in TestServer::on_each_engine().await {
        let (acme, top) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let leaf = server.suborganization(left, "leaf").await;
        for (organization, role, scope) in [
            (acme, "above", "read"),
            (acme, "both", "read"),
            (left, "both", "write"),
            (left, "here", "read"),
        ] {
            let place = at(organization, &format!("/roles/{role}"));
            top.put_new(&place, &json!({ "scopes": [scope] })).await;
        }
        let caller = owner_of(&server, left).await;

        let list = caller.get(&at(leaf, "/roles")).await;
        let own = caller.get(&at(left, "/roles")).await;
        let from_top = top.get(&at(leaf, "/roles")).await;
        let inherited = caller.get(&at(leaf, "/roles/here")).await;

        let names = ["above", "both", "here", "manager", "owner", "viewer"];
        assert_eq!(column(&list.body, "name"), names, "{}", server.engine);
        let above = json!({ "name": "above", "scopes": ["read"], "origin": "inherited",
            "organization_id": null });
        assert_eq!(*named(&list, "above"), above, "defined above what the caller may know of");
        assert_eq!(named(&from_top, "above")["organization_id"], acme.to_string());
        let both = json!({ "name": "both", "scopes": ["write"], "origin": "inherited",
            "organization_id": left });
        assert_eq!(*named(&list, "both"), both);
        assert_eq!(named(&own, "both")["origin"], "own");
        assert_eq!(named(&own, "both")["organization_id"], left.to_string());
        assert_eq!(named(&list, "viewer")["origin"], "built_in");
        assert_eq!(named(&list, "viewer")["organization_id"], Value::Null);
        assert!(!list.text.contains(&acme.to_string()));
        assert_eq!(problem(&inherited), (404, "not-found"), "shown where it is defined");
    }
}

#[tokio::test]
async fn a_list_of_roles_comes_in_parts() {
    let server = TestServer::start().await;
    let (acme, caller) = acme(&server).await;
    for name in ["a", "b", "z"] {
        caller.put_new(&at(acme, &format!("/roles/{name}")), &json!({ "scopes": [] })).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);

    loop {
        let more = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let part = caller.get(&at(acme, &format!("/roles?limit=2{more}"))).await;
        seen.extend(column(&part.body, "name").into_iter().map(str::to_owned));
        cursor = part.body["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }

    assert_eq!(seen, ["a", "b", "manager", "owner", "viewer", "z"]);
}

#[tokio::test]
async fn a_role_in_use_is_not_deleted_and_says_who_has_it() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let place = at(acme, "/roles/deployer");
        caller.put_new(&place, &json!({ "scopes": ["read"] })).await;
        let roles = Some("deployer".parse().unwrap());
        let new = NewApiKey { roles, ..new_key(Owner::Organization(left), "ci") };
        let (key, _) = server.make_key(new).await;
        let ann = server.user("ann@example.com", &[(left, "deployer")]).await;

        let refused = caller.delete(&place, "*").await;

        assert_eq!(problem(&refused), (409, "conflict"), "{}", server.engine);
        let expected = json!([
            { "kind": "api_key", "id": key.id, "name": "ci" },
            { "kind": "member", "id": ann, "name": "ann@example.com" },
        ]);
        assert_eq!(refused.body["obstacles"], expected);
    }
}

#[tokio::test]
async fn a_role_can_hold_only_what_is_the_callers_to_give() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let scopes = json!({ "scopes": ["roles:write", "roles:read", "read"] });
        owner.put_new(&at(acme, "/roles/namer"), &scopes).await;
        let namer = server.manage(&secret_of(&server, acme, "namer", Reach::Own).await).await;

        let wider =
            namer.put_new(&at(acme, "/roles/x"), &json!({ "scopes": ["keys:write"] })).await;
        let own = namer.put(&at(acme, "/roles/namer"), "*", &json!({ "scopes": ["admin"] })).await;
        let built_in = owner.put_new(&at(acme, "/roles/viewer"), &json!({ "scopes": [] })).await;

        for answer in [&wider, &own] {
            assert_eq!(problem(answer), (403, "forbidden"), "{}", server.engine);
        }
        assert_eq!(problem(&built_in), (400, "invalid-request"));
        assert_eq!(built_in.detail(), "role viewer is built in and means the same everywhere");
    }
}

#[tokio::test]
async fn roles_of_what_is_out_of_reach_are_as_if_they_did_not_exist() {
    let server = TestServer::start().await;
    let (acme, top) = acme(&server).await;
    let left = server.suborganization(acme, "left").await;
    let place = at(acme, "/roles/deployer");
    top.put_new(&place, &json!({ "scopes": ["read"] })).await;
    let caller = owner_of(&server, left).await;

    let answers = [
        caller.get(&at(acme, "/roles")).await,
        caller.get(&place).await,
        caller.put(&place, "*", &json!({ "scopes": [] })).await,
        caller.put_new(&at(acme, "/roles/new"), &json!({ "scopes": [] })).await,
        caller.delete(&place, "*").await,
    ];

    for answer in answers {
        assert_eq!(problem(&answer), (404, "not-found"));
        assert_eq!(answer.detail(), "there is no such organization");
    }
}

#[tokio::test]
async fn what_is_no_role_says_why() {
    let server = TestServer::start().await;
    let (acme, caller) = acme(&server).await;
    let many: Vec<_> = (0..101).map(|number| format!("s{number}")).collect();
    let most: Vec<_> = many[..100].iter().map(|_| "read").collect();
    let long = "x".repeat(65);
    let cases = [
        ("Deployer", json!({ "scopes": [] }), "a role is 1 to 64 of"),
        ("a%20b", json!({ "scopes": [] }), "a role is 1 to 64 of"),
        ("a%00b", json!({ "scopes": [] }), "a role is 1 to 64 of"),
        (long.as_str(), json!({ "scopes": [] }), "a role is 1 to 64 of"),
        ("x", json!({ "scopes": ["a b"] }), "scopes[0]: a scope is 1 to 200"),
        ("x", json!({ "scopes": [""] }), "scopes[0] is blank"),
        ("x", json!({ "scopes": ["a\u{0}"] }), "printable ASCII"),
        ("x", json!({ "scopes": ["a\"b"] }), "printable ASCII"),
        ("x", json!({ "scopes": ["l\u{e9}se"] }), "printable ASCII"),
        ("x", json!({ "scopes": many }), "a list of 100 items at most"),
        ("x", json!({ "scopes": "read" }), "expected a sequence"),
        ("x", json!({}), "missing field `scopes`"),
        ("x", json!({ "scopes": [], "name": "y" }), "unknown field `name`"),
    ];

    for (name, body, why) in cases {
        let answer = caller.put_new(&at(acme, &format!("/roles/{name}")), &body).await;

        assert_eq!(problem(&answer), (400, "invalid-request"), "{name} {body}");
        assert!(answer.detail().contains(why), "{name} {body}: {}", answer.text);
    }
    let place = at(acme, &format!("/roles/{}", &long[..64]));
    let fits = caller.put_new(&place, &json!({ "scopes": most })).await;
    assert_eq!(fits.status, 201, "{}", fits.text);
}
