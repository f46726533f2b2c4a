//! `Idempotency-Key`: a request whose answer was lost can be sent again. Check KX-12.

use keyturn::{
    domain::{
        Authentication, ClientTerms, ExchangeRule, GrantType, OrganizationId, Owner, Reach,
        ResourceIdentifier,
    },
    manage::api_keys::NewApiKey,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{CLIENTS, KEYS, ORGANIZATIONS, USERS, acme, at, secret_of};
use crate::support::{Answer, Caller, Client, ISSUER, OAUTH, TestServer, new_key, problem};

/// A path, what to post there, and the member of the answer that names what was made.
fn things(acme: OrganizationId) -> [(String, Value, &'static str); 5] {
    let member = json!({ "email": "bob@example.com", "role": "viewer" });
    [
        (KEYS.to_owned(), json!({ "name": "ci", "roles": ["viewer"] }), "id"),
        (ORGANIZATIONS.to_owned(), json!({ "name": "left", "parent_id": acme }), "id"),
        (USERS.to_owned(), json!({ "email": "ann@example.com" }), "id"),
        (at(acme, "/members"), member, "user_id"),
        (CLIENTS.to_owned(), json!({ "name": "shop" }), "id"),
    ]
}

#[tokio::test]
async fn kx_12_the_same_request_again_makes_nothing_new() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;

        for (path, new, id) in things(acme) {
            let first = caller.post_once(&path, &path, &new).await;
            let second = caller.post_once(&path, &path, &new).await;
            let without = caller.post(&path, &new).await;

            assert_eq!(first.status, 201, "{} {path}: {}", server.engine, first.text);
            assert_eq!(second.status, 200, "{} {path}: {}", server.engine, second.text);
            assert_eq!(second.body[id], first.body[id], "{path}");
            assert_eq!(second.etag(), first.etag());
            assert_eq!(second.body["secret"], Value::Null, "a secret is shown once");
            let has_secret = [KEYS, CLIENTS].contains(&path.as_str());
            assert_eq!(first.body["secret"].is_string(), has_secret);
            assert_eq!(problem(&without), (409, "conflict"), "{path}");
        }
    }
}

#[tokio::test]
async fn kx_12_another_request_with_the_same_key_is_refused() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let new = json!({ "name": "ci", "roles": ["viewer"] });
        caller.post_once(KEYS, "one", &new).await;

        let other_body =
            caller.post_once(KEYS, "one", &json!({ "name": "cd", "roles": ["viewer"] })).await;
        let other_path = caller
            .post_once(ORGANIZATIONS, "one", &json!({ "name": "x", "parent_id": acme }))
            .await;

        for answer in [&other_body, &other_path] {
            assert_eq!(problem(answer), (422, "other-request"), "{}", server.engine);
        }
        assert_eq!(caller.get(KEYS).await.body["items"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn kx_12_a_key_means_something_to_its_caller_only() {
    for server in TestServer::on_each_engine().await {
        let (acme, one) = acme(&server).await;
        let two = server.manage(&secret_of(&server, acme, "owner", Reach::Subtree).await).await;
        let new = |name: &str| json!({ "name": name, "roles": ["viewer"] });

        let first = one.post_once(KEYS, "one", &new("ci")).await;
        let same = two.post_once(KEYS, "one", &new("ci")).await;
        let other = two.post_once(KEYS, "one", &new("cd")).await;

        assert_eq!(first.status, 201, "{}: {}", server.engine, first.text);
        assert_eq!(problem(&same), (409, "conflict"), "what another made is not repeated");
        assert_eq!(other.status, 201, "{}", other.text);
    }
}

#[tokio::test]
async fn kx_12_what_was_not_made_can_be_asked_for_again() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let new = json!({ "email": "ann@example.com", "role": "deployer" });

        let refused = caller.post_once(&at(acme, "/members"), "one", &new).await;
        caller.put_new(&at(acme, "/roles/deployer"), &json!({ "scopes": ["read"] })).await;
        let made = caller.post_once(&at(acme, "/members"), "one", &new).await;

        assert_eq!(problem(&refused), (400, "invalid-request"), "{}", server.engine);
        assert_eq!(made.status, 201, "{}", made.text);
    }
}

/// As a client does it that is told to come again.
async fn post_until_answered(caller: Caller, path: String, new: Value) -> Answer {
    loop {
        let answer = caller.post_once(&path, &path, &new).await;
        if answer.status != 503 {
            return answer;
        }
    }
}

#[tokio::test]
async fn kx_12_twenty_at_once_make_one() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;

        for (path, new, id) in things(acme) {
            let mut tasks = JoinSet::new();
            for _ in 0..20 {
                tasks.spawn(post_until_answered(caller.clone(), path.clone(), new.clone()));
            }
            let answers = tasks.join_all().await;

            let mut made = 0;
            let mut secrets = 0;
            for answer in &answers {
                let what = format!("{} {path}: {}", server.engine, answer.text);
                assert!(matches!(answer.status.as_u16(), 200 | 201), "{what}");
                assert_eq!(answer.body[id], answers[0].body[id], "{what}");
                made += usize::from(answer.status == 201);
                secrets += usize::from(answer.body["secret"].is_string());
            }
            assert_eq!(made, 1, "{} {path}", server.engine);
            let has_secret = [KEYS, CLIENTS].contains(&path.as_str());
            assert_eq!(secrets, usize::from(has_secret), "{path}");
        }
    }
}

#[tokio::test]
async fn kx_12_a_key_is_plain_and_short() {
    let server = TestServer::start().await;
    let (acme, caller) = acme(&server).await;
    let new = json!({ "name": "x", "parent_id": acme });
    let (longest, long) = ("k".repeat(255), "k".repeat(256));

    for key in ["", "a b", long.as_str()] {
        let answer = caller.post_once(ORGANIZATIONS, key, &new).await;

        assert_eq!(problem(&answer), (400, "invalid-request"), "{key:?}");
        assert!(answer.detail().contains("an Idempotency-Key is 1 to 255"), "{}", answer.text);
    }
    let fits = caller.post_once(ORGANIZATIONS, &longest, &new).await;
    assert_eq!(fits.status, 201, "{}", fits.text);
}

/// A client that acts for several sends a key for each of them.
#[tokio::test]
async fn kx_12_a_client_may_use_one_key_for_each_whom_it_acts_for() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let own: ResourceIdentifier = ISSUER.parse().unwrap();
        let rule = ExchangeRule { issuer: ISSUER.to_owned(), resource: own, impersonation: true };
        let terms = ClientTerms {
            authentication: Authentication::ClientSecretBasic,
            grants: vec![GrantType::TokenExchange],
            scopes: "clients:read clients:write organizations:read".parse().unwrap(),
            exchanges: vec![rule],
            ..ClientTerms::default()
        };
        let front: Client = server.client(acme, "front", terms).await.into();
        let mut made = Vec::new();
        for name in ["one", "other"] {
            let secret = {
                let roles = Some("owner".parse().unwrap());
                let new = new_key(Owner::Organization(acme), name);
                server.make_key(NewApiKey { roles, ..new }).await.1
            };
            let subject = server.manage(&secret).await.token;
            let form = [
                ("grant_type", GrantType::TokenExchange.as_str()),
                ("subject_token", &subject),
                ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
                ("resource", ISSUER),
            ];
            let answer = server.send(front.request(OAUTH, &form)).await;
            let token = answer.body["access_token"].as_str();
            let caller = server.manage_by(token.unwrap_or_else(|| panic!("{}", answer.text)));
            let new = json!({ "name": format!("of-{name}") });

            let first = caller.post_once(CLIENTS, "same", &new).await;
            let again = caller.post_once(CLIENTS, "same", &new).await;

            assert_eq!(first.status, 201, "{} {name}: {}", server.engine, first.text);
            assert_eq!(again.status, 200, "{} {name}: {}", server.engine, again.text);
            made.push(first.id().to_owned());
        }
        assert_ne!(made[0], made[1], "{}", server.engine);
    }
}
