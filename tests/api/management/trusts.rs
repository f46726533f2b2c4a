//! `/api/v1/trusts`: by which rules tokens of others are trusted, and who may say so.

use chrono::TimeDelta;
use keyturn::domain::{OrganizationId, Owner, Reach};
use keyturn::manage::api_keys::NewApiKey;
use serde_json::{Value, json};

use super::{KEYS, acme, at, column, owner_of, secret_of};
use crate::{
    foreign::Foreigner,
    support::{Caller, ISSUER, TestServer, new_key, problem},
};

const TRUSTS: &str = "/api/v1/trusts";

/// A rule that is as it should be.
fn rule(name: &str) -> Value {
    json!({
        "name": name,
        "issuer": "https://token.actions.githubusercontent.com",
        "conditions": { "repository_id": ["1296269"], "ref": ["refs/heads/main"] },
        "roles": ["viewer"],
    })
}

#[tokio::test]
async fn jb_07_a_rule_names_algorithms_of_public_keys_or_none() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;

    let any = caller.post(TRUSTS, &rule("any")).await;
    let some = with(rule("some"), "algorithms", json!(["RS256", "EdDSA", "ES256"]));
    let some = caller.post(TRUSTS, &some).await;
    let place = format!("{TRUSTS}/{}", some.id());
    let changed = caller.patch(&place, some.etag(), &json!({ "algorithms": ["RS256"] })).await;
    let back = caller.patch(&place, changed.etag(), &json!({ "algorithms": [] })).await;
    let mut refused = Vec::new();
    for name in ["HS256", "none", "rs256", ""] {
        let rule = with(rule("other"), "algorithms", json!([name]));
        refused.push(caller.post(TRUSTS, &rule).await);
    }

    assert_eq!(any.body["algorithms"], json!([]), "{}", any.text);
    assert_eq!(some.body["algorithms"], json!(["ES256", "EdDSA", "RS256"]));
    assert_eq!(changed.body["algorithms"], json!(["RS256"]));
    assert_eq!(back.body["algorithms"], json!([]));
    for answer in refused {
        assert_eq!(problem(&answer), (400, "invalid-request"), "{}", answer.text);
        assert!(answer.text.contains("ES256"), "{}", answer.text);
    }
}

fn with(mut rule: Value, name: &str, value: impl Into<Value>) -> Value {
    rule[name] = value.into();
    rule
}

/// Somebody with a key that is allowed only this.
async fn holder_of(
    server: &TestServer,
    caller: &Caller,
    acme: OrganizationId,
    scopes: &[&str],
) -> Caller {
    caller.put_new(&at(acme, "/roles/some"), &json!({ "scopes": scopes })).await;
    server.manage(&secret_of(server, acme, "some", Reach::Own).await).await
}

#[tokio::test]
async fn a_rule_is_made_shown_changed_and_deleted() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;

        let made = caller.post(TRUSTS, &rule("deploy")).await;
        let place = format!("{TRUSTS}/{}", made.id());
        let twin = caller.post(TRUSTS, &rule("deploy")).await;
        let shown = caller.get(&place).await;
        let change = json!({ "roles": ["manager"], "once": false, "enabled": false });
        let changed = caller.patch(&place, made.etag(), &change).await;
        let late = caller.patch(&place, made.etag(), &json!({ "once": true })).await;
        let no_condition = caller.send(axum::http::Method::PATCH, &place, &[], Some(&change)).await;
        let deleted = caller.delete(&place, changed.etag()).await;
        let gone = caller.get(&place).await;

        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        assert_eq!(made.header("location"), format!("{ISSUER}{place}"));
        let conditions = json!({ "ref": ["refs/heads/main"], "repository_id": ["1296269"] });
        assert_eq!(made.body["conditions"], conditions);
        assert_eq!(made.body["keys"], json!({ "from": "discovery" }));
        assert_eq!(made.body["audience"], ISSUER, "our own issuer, where nobody says otherwise");
        assert_eq!(made.body["organization_id"], acme.to_string());
        assert_eq!((&made.body["once"], &made.body["enabled"]), (&json!(true), &json!(true)));
        assert_eq!((shown.etag(), &shown.body), (made.etag(), &made.body));
        assert_eq!(problem(&twin), (409, "conflict"));
        assert_eq!(changed.body["roles"], json!(["manager"]), "{}", changed.text);
        assert_eq!(
            (&changed.body["once"], &changed.body["enabled"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(problem(&late), (412, "changed-meanwhile"));
        assert_eq!(problem(&no_condition), (428, "condition-required"));
        assert_eq!((deleted.status.as_u16(), problem(&gone)), (204, (404, "not-found")));
        let trail = server.audit_trail(&format!("trust:{}", made.id())).await;
        let actions: Vec<_> = trail.iter().map(|event| &*event.action).collect();
        assert_eq!(actions, ["trust.created", "trust.changed", "trust.deleted"]);
        assert_eq!(trail[1].detail["to"]["roles"], "manager");
    }
}

#[tokio::test]
async fn keys_may_be_pinned_or_lie_elsewhere() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let jwks: Value = serde_json::from_str(&Foreigner::new("k1").jwks()).unwrap();
    let pinned = json!({ "from": "jwks", "jwks": jwks });
    let uri = json!({ "from": "uri", "uri": "https://ci.example.com/keys" });
    let own = json!({ "from": "jwks", "jwks": { "keys": [{ "kty": "oct", "k": "AAAA" }] } });

    let made = caller.post(TRUSTS, &with(rule("deploy"), "keys", pinned.clone())).await;
    let place = format!("{TRUSTS}/{}", made.id());
    let moved = caller.patch(&place, "*", &json!({ "keys": uri })).await;
    let issuer = json!({ "issuer": "https://other.example.com", "keys": { "from": "discovery" } });
    let discovered = caller.patch(&place, "*", &issuer).await;

    assert_eq!(made.body["keys"], pinned, "{}", made.text);
    assert_eq!(moved.body["keys"], uri, "{}", moved.text);
    assert_eq!(discovered.body["keys"], json!({ "from": "discovery" }));
    for (keys, told) in [
        (own, "none of these keys"),
        (json!({ "from": "jwks", "jwks": {} }), "no public keys"),
        (json!({ "from": "jwks", "jwks": [] }), "expected a map"),
        (json!({ "from": "uri", "uri": "https://10.0.0.1/keys" }), "not public"),
        (json!({ "from": "uri", "uri": "ftp://ci.example.com/keys" }), "https://"),
        (json!({ "from": "somewhere" }), "unknown variant"),
    ] {
        let refused = caller.post(TRUSTS, &with(rule("other"), "keys", keys)).await;
        assert_eq!(problem(&refused), (400, "invalid-request"));
        assert!(refused.detail().contains(told), "{}", refused.text);
    }
}

#[tokio::test]
async fn jb_08_a_rule_that_somebody_else_could_fulfil_is_not_made() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let made = caller.post(TRUSTS, &rule("deploy")).await;
    let place = format!("{TRUSTS}/{}", made.id());

    for (name, value, told) in [
        ("conditions", json!({}), "needs a condition"),
        ("conditions", json!({ "repository": ["acme/web"] }), "taken by others"),
        ("conditions", json!({ "repository_id": ["*"] }), "says nothing"),
        ("conditions", json!({ "repository_id": [] }), "no pattern"),
        ("conditions", json!({ "repository_id": ["1"], "aud": ["x"] }), "always checked"),
        ("conditions", json!({ "repository_id": ["1"], "a..b": ["x"] }), "a claim is named"),
        ("audience", json!(""), "an audience is"),
        ("issuer", json!("ci.example.com"), "an issuer is"),
        ("issuer", json!("https://ci.example.com?x"), "an issuer is"),
        ("issuer", json!("https://127.0.0.1:1/a#b"), "an issuer is"),
        ("roles", json!([]), "needs a role"),
        ("roles", json!(["wizard"]), "role wizard is not defined"),
        ("resources", json!([]), "at least one resource"),
    ] {
        let refused = caller.post(TRUSTS, &with(rule("other"), name, value.clone())).await;
        let kept = caller.patch(&place, "*", &json!({ name: value })).await;
        for answer in [refused, kept] {
            assert_eq!(problem(&answer), (400, "invalid-request"), "{name}");
            assert!(answer.detail().contains(told), "{}", answer.text);
        }
    }
    assert_eq!(caller.get(&place).await.body, made.body);
}

#[tokio::test]
async fn nobody_trusts_others_with_more_than_they_have() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let strong = owner.post(TRUSTS, &with(rule("strong"), "roles", json!(["owner"]))).await;
        let place = format!("{TRUSTS}/{}", strong.id());
        let scopes = ["trusts:write", "trusts:read", "read"];
        let caller = holder_of(&server, &owner, acme, &scopes).await;
        let to_mine = json!({ "conditions": { "repository_id": ["666"] } });

        let more = caller.post(TRUSTS, &rule("more")).await;
        let mine = caller.post(TRUSTS, &with(rule("mine"), "roles", json!(["some"]))).await;
        let taken_over = caller.patch(&place, "*", &to_mine).await;
        let disabled = caller.patch(&place, "*", &json!({ "enabled": false })).await;
        let enabled = caller.patch(&place, "*", &json!({ "enabled": true })).await;
        let never = caller.post(TRUSTS, &rule("never")).await;
        let place_of_mine = format!("{TRUSTS}/{}", mine.id());
        let forever = caller.patch(&place_of_mine, "*", &json!({ "expires_at": null })).await;

        assert_eq!(problem(&more), (403, "forbidden"), "{}", server.engine);
        assert_eq!(mine.status, 201, "{}", mine.text);
        assert!(mine.body["expires_at"].is_string(), "it ends when the key that asked does");
        assert_eq!(problem(&taken_over), (403, "forbidden"));
        assert_eq!(disabled.status, 200, "whoever may write may take away: {}", disabled.text);
        assert_eq!(problem(&enabled), (403, "forbidden"));
        assert_eq!(problem(&never), (403, "forbidden"));
        assert_eq!(problem(&forever), (403, "forbidden"));
    }
}

#[tokio::test]
async fn a_key_bound_to_addresses_makes_rules_that_are_bound_to_them() {
    let server = TestServer::start().await;
    let (acme, _) = acme(&server).await;
    let new = NewApiKey {
        roles: Some("owner".parse().unwrap()),
        allowed_networks: "127.0.0.0/8".parse().unwrap(),
        ..new_key(Owner::Organization(acme), "here")
    };
    let (_, secret) = server.make_key(new).await;
    let caller = server.manage(&secret).await;

    let made = caller.post(TRUSTS, &rule("deploy")).await;
    let place = format!("{TRUSTS}/{}", made.id());
    let wider = caller.patch(&place, "*", &json!({ "allowed_networks": [] })).await;

    assert_eq!(made.body["allowed_networks"], json!(["127.0.0.0/8"]), "{}", made.text);
    assert_eq!(problem(&wider), (403, "forbidden"));
}

#[tokio::test]
async fn rules_need_their_scopes_and_lie_within_reach() {
    let server = TestServer::start().await;
    let (acme, owner) = acme(&server).await;
    let globex = server.root("globex").await;
    let other = owner_of(&server, globex).await;
    let made = owner.post(TRUSTS, &rule("deploy")).await;
    let place = format!("{TRUSTS}/{}", made.id());
    let reader = holder_of(&server, &owner, acme, &["trusts:read", "read"]).await;
    let in_acme = with(rule("x"), "organization_id", acme.to_string());

    let list = reader.get(TRUSTS).await;
    let no_write = [reader.post(TRUSTS, &rule("x")).await, reader.delete(&place, "*").await];
    let unknown = [
        other.get(&place).await,
        other.patch(&place, "*", &json!({ "once": false })).await,
        other.delete(&place, "*").await,
        other.post(TRUSTS, &in_acme).await,
        other.get(&format!("{TRUSTS}?organization_id={acme}")).await,
    ];
    let theirs = other.get(TRUSTS).await;

    assert_eq!(column(&list.body, "name"), ["deploy"]);
    for answer in &no_write {
        assert_eq!(problem(answer), (403, "insufficient-scope"));
    }
    for answer in &unknown {
        assert_eq!(problem(answer), (404, "not-found"));
    }
    assert!(column(&theirs.body, "name").is_empty());
}

#[tokio::test]
async fn rules_are_listed_in_parts_by_organization_and_name() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        for name in ["a", "b", "c"] {
            caller.post(TRUSTS, &rule(name)).await;
            server.app.clock.advance(TimeDelta::seconds(1));
        }
        let below = with(rule("a"), "organization_id", left.to_string());
        caller.post(TRUSTS, &below).await;

        let first = caller.get(&format!("{TRUSTS}?limit=2")).await;
        let cursor = first.body["next_cursor"].as_str().unwrap();
        let rest = caller.get(&format!("{TRUSTS}?limit=2&cursor={cursor}")).await;
        let of_left = caller.get(&format!("{TRUSTS}?organization_id={left}")).await;
        let named = caller.get(&format!("{TRUSTS}?name=a")).await;

        assert_eq!(column(&first.body, "name"), ["a", "b"], "{}", server.engine);
        assert_eq!(column(&rest.body, "name"), ["c", "a"]);
        assert!(rest.body["next_cursor"].is_null());
        assert_eq!(column(&of_left.body, "organization_id"), [left.to_string()]);
        assert_eq!(column(&named.body, "name"), ["a", "a"]);
    }
}

#[tokio::test]
async fn a_rule_stands_in_the_way_of_its_role_and_its_organization() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let role = at(acme, "/roles/deployer");
        caller.put_new(&role, &json!({ "scopes": ["read"] })).await;
        let below = with(rule("deploy"), "organization_id", left.to_string());
        let made = caller.post(TRUSTS, &with(below, "roles", json!(["deployer"]))).await;

        let role_kept = caller.delete(&role, "*").await;
        let organization_kept = caller.delete(&at(left, ""), "*").await;
        caller.delete(&format!("{TRUSTS}/{}", made.id()), "*").await;
        let role_gone = caller.delete(&role, "*").await;
        let organization_gone = caller.delete(&at(left, ""), "*").await;

        for kept in [role_kept, organization_kept] {
            assert_eq!(problem(&kept), (409, "conflict"), "{}", server.engine);
            let obstacle = &kept.body["obstacles"][0];
            assert_eq!((&obstacle["kind"], &obstacle["id"]), (&json!("trust"), &json!(made.id())));
        }
        assert_eq!((role_gone.status.as_u16(), organization_gone.status.as_u16()), (204, 204));
    }
}

#[tokio::test]
async fn an_organization_has_so_many_rules_and_no_more() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    for number in 0..200 {
        let made = caller.post(TRUSTS, &rule(&format!("r{number}"))).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }

    let refused = caller.post(TRUSTS, &rule("one more")).await;
    let keys = caller.get(KEYS).await;

    assert_eq!(problem(&refused), (409, "conflict"));
    assert!(refused.detail().contains("200 per organization"), "{}", refused.text);
    assert_eq!(keys.status, 200);
}
