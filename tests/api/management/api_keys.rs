//! `/api/v1/api-keys`: a key from its making to its end. Checks KX-10, KX-11 and KX-18.

use chrono::TimeDelta;
use keyturn::domain::{Owner, Secret};
use keyturn::manage::api_keys::NewApiKey;
use serde_json::{Value, json};

use super::{KEYS, NOBODY, acme, column, owner_of};
use crate::support::{Answer, Caller, ISSUER, TestServer, new_key, problem};

fn secret(answer: &Answer) -> Secret {
    answer.body["secret"].as_str().unwrap().parse().unwrap()
}

/// Whether the secret gets a token: `ok`, or why not.
async fn works(server: &TestServer, secret: &Secret) -> String {
    let answer = server.post("/auth/v1/token", &[("pat", secret.reveal())]).await;
    answer.body["error_description"].as_str().unwrap_or("ok").to_owned()
}

#[tokio::test]
async fn a_key_is_made_with_all_that_can_be_asked_for() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let new = json!({
            "name": "deploy", "description": "nightly", "organization_id": acme,
            "roles": ["viewer", "manager"], "reach": [left],
            "allowed_networks": ["10.2.0.0/16", "2001:db8::1"],
            "expires_at": "2027-02-01T12:00:00.7+02:00", "when_leaked": "disable",
        });

        let made = caller.post(KEYS, &new).await;
        let shown = caller.get(&format!("{KEYS}/{}", made.id())).await;

        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        assert_eq!(made.header("location"), format!("{ISSUER}{KEYS}/{}", made.id()));
        assert_eq!(made.header("cache-control"), "no-store");
        let mut body = made.body.clone();
        let members = body.as_object_mut().unwrap();
        members.remove("secret");
        assert_eq!((shown.etag(), &shown.body), (made.etag(), &body));
        let secret_id = &body["secrets"][0]["id"];
        let expected = json!({
            "id": made.id(), "name": "deploy", "description": "nightly", "organization_id": acme,
            "user_id": null, "roles": ["manager", "viewer"], "reach": [left],
            "allowed_networks": ["10.2.0.0/16", "2001:db8::1/128"], "status": "active",
            "created_at": "2027-01-15T08:00:00Z", "expires_at": "2027-02-01T10:00:00Z",
            "disabled_at": null, "locked_at": null, "revoked_at": null, "when_leaked": "disable",
            "proof": "none", "audit_email": body["audit_email"], "last_used": null,
            "secrets": [{ "id": secret_id, "created_at": "2027-01-15T08:00:00Z",
                "dies_at": null, "is_live": true, "last_used": null }],
        });
        assert_eq!(body, expected, "{}", server.engine);
    }
}

#[tokio::test]
async fn a_key_that_says_little_belongs_where_the_token_acts() {
    let server = TestServer::start().await;
    let (acme, caller) = acme(&server).await;

    let made = caller.post(KEYS, &json!({ "name": "ci", "roles": ["viewer"] })).await;

    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.body["organization_id"], acme.to_string());
    assert_eq!((&made.body["reach"], &made.body["when_leaked"]), (&json!("own"), &json!("revoke")));
    assert_eq!(made.body["allowed_networks"], json!([]));
    assert_eq!(made.body["expires_at"], "2027-07-17T08:00:00Z", "183 days");
}

#[tokio::test]
async fn kx_11_the_secret_is_in_one_answer_and_nowhere_else() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;

        let made = caller.post(KEYS, &json!({ "name": "ci", "roles": ["viewer"] })).await;
        let place = format!("{KEYS}/{}", made.id());
        let others = [
            caller.get(&place).await,
            caller.get(KEYS).await,
            caller.patch(&place, "*", &json!({ "description": "x" })).await,
            caller.act(&format!("{place}/disable"), "*").await,
            caller.act(&format!("{place}/enable"), "*").await,
            caller.act_with(&format!("{place}/rotate"), "*", &json!({})).await,
        ];

        let secret = made.body["secret"].as_str().unwrap();
        assert_eq!(made.text.matches(secret).count(), 1, "{}", server.engine);
        for answer in others {
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert!(!answer.text.contains(secret), "{}", answer.text);
        }
        assert!(!server.dump().await.contains(&secret.to_lowercase()), "{}", server.engine);
    }
}

#[tokio::test]
async fn a_key_is_stopped_locked_changed_and_ended() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        let made = caller.post(KEYS, &json!({ "name": "ci", "roles": ["viewer"] })).await;
        let (place, secret) = (format!("{KEYS}/{}", made.id()), secret(&made));
        let act = async |action: &str, tag: &str| {
            let answer = caller.act(&format!("{place}/{action}"), tag).await;
            assert_eq!(answer.status, 200, "{} {action}: {}", server.engine, answer.text);
            answer
        };

        let disabled = act("disable", made.etag()).await;
        let stopped = works(&server, &secret).await;
        let enabled = act("enable", disabled.etag()).await;
        let going = works(&server, &secret).await;
        let locked = act("lock", enabled.etag()).await;
        let refused = [
            caller.patch(&place, "*", &json!({ "description": "x" })).await,
            caller.act(&format!("{place}/revoke"), "*").await,
            caller.act(&format!("{place}/disable"), "*").await,
            caller.act_with(&format!("{place}/rotate"), "*", &json!({})).await,
            caller.delete(&place, "*").await,
        ];
        let unlocked = act("unlock", locked.etag()).await;
        let change = json!({ "description": "x", "roles": ["manager"], "when_leaked": "notify",
            "reach": "subtree", "allowed_networks": ["127.0.0.1"] });
        let changed = caller.patch(&place, unlocked.etag(), &change).await;
        let revoked = act("revoke", changed.etag()).await;
        let ended = works(&server, &secret).await;
        let again = act("revoke", "*").await;
        let deleted = caller.delete(&place, "*").await;
        let gone = caller.get(&place).await;

        assert_eq!(disabled.body["status"], "disabled", "{}", server.engine);
        assert_eq!([stopped, going], ["the key is disabled", "ok"]);
        assert_eq!(locked.body["locked_at"], "2027-01-15T08:00:00Z");
        for answer in refused {
            assert_eq!(problem(&answer), (409, "conflict"));
            assert_eq!(answer.detail(), "the key is locked: unlock it first");
        }
        assert_eq!(changed.status, 200, "{}", changed.text);
        for (name, value) in change.as_object().unwrap() {
            let shown = if name == "allowed_networks" { &json!(["127.0.0.1/32"]) } else { value };
            assert_eq!(changed.body[name], *shown, "{name}");
        }
        assert_eq!(revoked.body["status"], "revoked");
        assert_eq!((again.etag(), ended.as_str()), (revoked.etag(), "the key was revoked"));
        assert_eq!((deleted.status.as_u16(), problem(&gone)), (204, (404, "not-found")));
        assert_eq!(works(&server, &secret).await, "unknown key or wrong secret");
    }
}

#[tokio::test]
async fn kx_10_two_secrets_work_while_a_key_is_rotated() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        let made = caller.post(KEYS, &json!({ "name": "ci", "roles": ["viewer"] })).await;
        let (place, old) = (format!("{KEYS}/{}", made.id()), secret(&made));

        let rotated = caller.act_with(&format!("{place}/rotate"), made.etag(), &json!({})).await;
        let new = secret(&rotated);
        let both = [works(&server, &old).await, works(&server, &new).await];
        let end = json!({ "old_secret_dies_at": "2027-01-15T07:00:00Z" });
        let finished = caller.put(&format!("{place}/rotation"), rotated.etag(), &end).await;
        let one = [works(&server, &old).await, works(&server, &new).await];
        let over = caller.put(&format!("{place}/rotation"), "*", &end).await;

        assert_eq!(rotated.status, 200, "{}: {}", server.engine, rotated.text);
        for member in ["id", "name", "roles", "expires_at"] {
            assert_eq!(rotated.body[member], made.body[member], "{member}");
        }
        let secrets = rotated.body["secrets"].as_array().unwrap();
        assert_eq!(secrets.len(), 2);
        assert_eq!(secrets[0]["id"], made.body["secrets"][0]["id"], "oldest first");
        assert_eq!(secrets[0]["dies_at"], "2027-01-16T08:00:00Z", "in 24 hours");
        assert_eq!(secrets[1]["dies_at"], Value::Null);
        assert_eq!(both, ["ok", "ok"]);
        assert_eq!(finished.status, 200, "{}", finished.text);
        assert_eq!(finished.body["secrets"][0]["is_live"], false);
        assert_ne!(one[0], "ok");
        assert_eq!(one[1], "ok");
        assert_eq!(problem(&over), (409, "conflict"));
    }
}

#[tokio::test]
async fn kx_10_an_old_secret_lives_seven_days_at_most() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let made = caller.post(KEYS, &json!({ "name": "ci", "roles": ["viewer"] })).await;
    let place = format!("{KEYS}/{}", made.id());
    let until = |at: &str| json!({ "old_secret_dies_at": at });

    let too_long =
        caller.act_with(&format!("{place}/rotate"), "*", &until("2027-01-22T08:00:01Z")).await;
    let longest =
        caller.act_with(&format!("{place}/rotate"), "*", &until("2027-01-22T08:00:00Z")).await;
    let longer =
        caller.put(&format!("{place}/rotation"), "*", &until("2027-01-22T08:00:01Z")).await;

    for answer in [&too_long, &longer] {
        assert_eq!(problem(answer), (400, "invalid-request"));
        assert!(answer.detail().contains("7 days at most"), "{}", answer.text);
    }
    assert_eq!(longest.body["secrets"][0]["dies_at"], "2027-01-22T08:00:00Z", "{}", longest.text);
}

#[tokio::test]
async fn an_expired_key_is_rotated_with_a_new_end() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let end = server.app.clock.now() + TimeDelta::seconds(60);
        let lifetime = keyturn::domain::Lifetime::Until(end);
        let (key, _) = server
            .make_key(NewApiKey { lifetime, ..new_key(Owner::Organization(acme), "ci") })
            .await;
        server.app.clock.advance(TimeDelta::seconds(60));
        server.app.catch_up().await.unwrap();
        let caller = owner_of(&server, acme).await;
        let rotate = format!("{KEYS}/{}/rotate", key.id);

        let without = caller.act_with(&rotate, "*", &json!({})).await;
        let with = json!({ "expires_at": "2027-02-01T00:00:00Z" });
        let with = caller.act_with(&rotate, "*", &with).await;

        assert_eq!(problem(&without), (409, "conflict"), "{}", server.engine);
        assert_eq!(with.status, 200, "{}: {}", server.engine, with.text);
        assert_eq!(with.body["status"], "active");
        assert_eq!(works(&server, &secret(&with)).await, "ok");
    }
}

#[tokio::test]
async fn a_list_shows_the_keys_that_are_asked_for() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let make = async |name: &str, more: Value| {
            let mut new = json!({ "name": name, "roles": ["viewer"] });
            new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            // What is made within one second has no order.
            server.app.clock.advance(TimeDelta::seconds(1));
            let made = caller.post(KEYS, &new).await;
            assert_eq!(made.status, 201, "{}", made.text);
            format!("{KEYS}/{}", made.id())
        };
        make("early", json!({ "expires_at": "2027-01-20T00:00:00Z" })).await;
        make("below", json!({ "organization_id": left })).await;
        let disabled = make("disabled", json!({})).await;
        let revoked = make("revoked", json!({})).await;
        caller.act(&format!("{disabled}/disable"), "*").await;
        caller.act(&format!("{revoked}/revoke"), "*").await;
        let admin = caller.get(KEYS).await.body["items"][0]["name"].as_str().unwrap().to_owned();
        let cases = [
            (String::new(), vec![admin.as_str(), "early", "below", "disabled", "revoked"]),
            ("?status=disabled".to_owned(), vec!["disabled"]),
            ("?status=revoked".to_owned(), vec!["revoked"]),
            ("?status=expired".to_owned(), vec![]),
            ("?status=active".to_owned(), vec![&admin, "early", "below"]),
            ("?name=early".to_owned(), vec!["early"]),
            (format!("?organization_id={left}"), vec!["below"]),
            (format!("?organization_id={NOBODY}"), vec![]),
            ("?expires_by=2027-01-20T00:00:00Z".to_owned(), vec!["early"]),
            ("?unused_since=2027-01-15T08:00:00Z".to_owned(), vec![]),
            ("?unused_since=2027-01-15T08:00:02Z&name=early".to_owned(), vec!["early"]),
            ("?unused_since=2027-01-15T08:00:01Z&name=early".to_owned(), vec![]),
            ("?owner=organization&status=active&name=below".to_owned(), vec!["below"]),
        ];

        for (query, expected) in cases {
            let answer = caller.get(&format!("{KEYS}{query}")).await;

            assert_eq!(answer.status, 200, "{query}: {}", answer.text);
            assert_eq!(column(&answer.body, "name"), expected, "{} {query}", server.engine);
        }
    }
}

async fn of_user(server: &TestServer, email: &str, name: &str) -> Caller {
    let first = server.root(name).await;
    let user = server.user(email, &[(first, "owner")]).await;
    let new = NewApiKey { roles: None, ..new_key(Owner::User(user), name) };
    let (_, secret) = server.make_key(new).await;
    server.manage(&secret).await
}

#[tokio::test]
async fn kx_18_a_key_of_a_user_is_the_users_whose_key_asks() {
    for server in TestServer::on_each_engine().await {
        let (_, owner) = acme(&server).await;
        let ann = of_user(&server, "ann@example.com", "ann").await;
        let bob = of_user(&server, "bob@example.com", "bob").await;

        let made = ann.post(KEYS, &json!({ "name": "own", "owner": "user" })).await;
        let list = ann.get(&format!("{KEYS}?owner=user")).await;
        let place = format!("{KEYS}/{}", made.id());
        let hidden = [bob.get(&place).await, owner.delete(&place, "*").await];
        let not_a_user = owner.post(KEYS, &json!({ "name": "x", "owner": "user" })).await;

        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        assert_eq!(made.body["organization_id"], Value::Null);
        let users = column(&list.body, "user_id");
        assert_eq!(users, [made.body["user_id"].as_str().unwrap(); 2], "{}", server.engine);
        for answer in hidden {
            assert_eq!(problem(&answer), (404, "not-found"), "{}", server.engine);
        }
        assert_eq!(problem(&not_a_user), (400, "invalid-request"));
    }
}

/// The database of this server has one connection: whoever waits for a second one waits in vain.
#[tokio::test]
async fn a_user_makes_keys_after_the_memory_has_grown_stale() {
    let server = TestServer::start().await;
    acme(&server).await;
    let ann = of_user(&server, "ann@example.com", "ann").await;
    server.app.clock.advance(TimeDelta::seconds(60));

    let made = ann.post(KEYS, &json!({ "name": "own", "owner": "user" })).await;

    assert_eq!(made.status, 201, "{}", made.text);
}

#[tokio::test]
async fn kx_18_inc_18_nobody_names_the_owner_or_what_only_the_server_knows() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;

    for member in ["user_id", "id", "secret", "created_at", "status", "locked_at", "version"] {
        let mut new = json!({ "name": "ci", "roles": ["viewer"] });
        new[member] = json!(NOBODY);

        let answer = caller.post(KEYS, &new).await;

        assert_eq!(problem(&answer), (400, "invalid-request"), "{member}");
        assert!(answer.detail().contains(&format!("unknown field `{member}`")), "{}", answer.text);
    }
}

#[tokio::test]
async fn the_end_of_a_key_is_fixed_where_the_server_says_so() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let made = caller.post(KEYS, &json!({ "name": "ci", "roles": ["viewer"] })).await;
    let place = format!("{KEYS}/{}", made.id());

    let moved = caller.patch(&place, "*", &json!({ "expires_at": "2027-02-01T00:00:00Z" })).await;
    let same = caller.patch(&place, "*", &json!({ "expires_at": made.body["expires_at"] })).await;

    assert_eq!(problem(&moved), (409, "conflict"));
    assert!(moved.detail().contains("api_keys.expiry_may_change"), "{}", moved.text);
    assert_eq!(same.status, 200, "{}", same.text);
}

#[tokio::test]
async fn fx_21_rotating_again_asks_before_it_ends_the_secret_in_use() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let owner = keyturn::domain::Owner::Organization(acme);
        let (key, first) = server.key(owner, "ci").await;
        let place = format!("{KEYS}/{}/rotate", key.id);
        caller.act_with(&place, "*", &json!({})).await;
        server.exchange("ci", &first).await;

        let asked = caller.act_with(&place, "*", &json!({})).await;
        let works = server.exchange("ci", &first).await;
        let forced = caller.act_with(&place, "*", &json!({ "force": true })).await;
        let ended = server.exchange("ci", &first).await;

        assert_eq!(problem(&asked), (409, "would-end"), "{}", server.engine);
        assert_eq!(asked.body["would_end"][0]["kind"], "secret", "{}", asked.text);
        assert!(asked.detail().contains("the old secret of key ci"), "{}", asked.text);
        assert_eq!(works.status, 200, "{}: nothing was changed", server.engine);
        assert_eq!(forced.status, 200, "{}", forced.text);
        assert_eq!(ended.status, 401);
    }
}

#[tokio::test]
async fn fx_08_whoami_tells_who_asks_where_and_what_they_may_do() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let team = server.suborganization(acme, "team").await;
        let side = server.suborganization(acme, "side").await;
        let ann = server.user("ann@example.com", &[(team, "manager"), (side, "viewer")]).await;
        let owner = keyturn::domain::Owner::User(ann);
        let new = keyturn::manage::api_keys::NewApiKey {
            roles: None,
            ..crate::support::new_key(owner, "laptop")
        };
        let (key, secret) = server.make_key(new).await;
        let caller = server.manage(&secret).await;

        let told = caller.get("/api/v1/whoami").await;

        assert_eq!(told.status, 200, "{}: {}", server.engine, told.text);
        assert_eq!(told.body["actor"], format!("key:{}", key.id));
        assert_eq!(told.body["user_id"], ann.to_string());
        assert_eq!(told.body["organization_id"], team.to_string(), "joined first");
        assert_eq!(told.body["organization"], "team");
        assert_eq!(told.body["runs_server"], false);
        assert!(told.body["scopes"].as_array().unwrap().contains(&json!("keys:write")));
    }
}

#[tokio::test]
async fn fx_08_a_key_of_a_user_reaches_what_its_user_reaches_unless_it_is_narrowed() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let below = server.suborganization(acme, "below").await;
        let ann = server.user("ann@example.com", &[(acme, "owner")]).await;
        let owner = keyturn::domain::Owner::User(ann);
        let new = keyturn::manage::api_keys::NewApiKey {
            roles: None,
            reach: keyturn::domain::Reach::usual(owner),
            ..crate::support::new_key(owner, "laptop")
        };
        let caller = server.manage(&server.make_key(new).await.1).await;

        let body = json!({ "name": "second", "owner": "user" });
        let made = caller.post(KEYS, &body).await;
        let secret = made.body["secret"].as_str().unwrap_or_default().to_owned();
        let form = [("pat", &*secret), ("organizationId", &below.to_string())];
        let token = server.post("/auth/v1/token", &form).await;

        assert_eq!(made.body["reach"], "subtree", "{}: {}", server.engine, made.text);
        assert_eq!(token.status, 200, "{}", token.text);
    }
}
