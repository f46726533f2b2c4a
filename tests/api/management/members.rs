//! `/api/v1/organizations/{id}/members`: who has which role.

use keyturn::domain::{Owner, Reach};
use serde_json::json;

use super::{NOBODY, acme, at, column, owner_of, secret_of};
use crate::support::{ISSUER, TestServer, problem};

#[tokio::test]
async fn somebody_becomes_a_member_gets_another_role_and_leaves() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let new = json!({ "email": "Ann@Example.com", "name": "Ann", "role": "viewer" });

        let made = caller.post(&at(acme, "/members"), &new).await;
        let user = made.body["user_id"].as_str().unwrap();
        let place = at(acme, &format!("/members/{user}"));
        let list = caller.get(&at(acme, "/members")).await;
        let changed = caller.patch(&place, made.etag(), &json!({ "role": "manager" })).await;
        let shown = caller.get(&place).await;
        let removed = caller.delete(&place, changed.etag()).await;
        let gone = caller.get(&place).await;
        let empty = caller.get(&at(acme, "/members")).await;

        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        assert_eq!(made.header("location"), format!("{ISSUER}{place}"));
        let expected = json!({
            "organization_id": acme, "user_id": user, "email": "ann@example.com", "name": "Ann",
            "role": "viewer", "created_at": "2027-01-15T08:00:00Z", "enabled": true,
        });
        assert_eq!(made.body, expected);
        assert_eq!(list.body["items"], json!([expected]));
        assert_eq!((changed.status.as_u16(), &changed.body["role"]), (200, &json!("manager")));
        assert_ne!(changed.etag(), made.etag());
        assert_eq!((shown.etag(), &shown.body), (changed.etag(), &changed.body));
        assert_eq!(removed.status, 204, "{}", removed.text);
        assert_eq!(problem(&gone), (404, "not-found"));
        assert_eq!(empty.body, json!({ "items": [], "next_cursor": null }));
    }
}

#[tokio::test]
async fn a_known_user_stays_the_same_one() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let ann = server.user("ann@example.com", &[(acme, "viewer")]).await;
        let new = json!({ "email": "ann@example.com", "name": "Mallory", "role": "manager" });

        let made = caller.post(&at(left, "/members"), &new).await;
        let again = caller.post(&at(left, "/members"), &new).await;

        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        assert_eq!(made.body["user_id"], ann.to_string());
        assert_eq!(made.body["name"], "", "nobody renames others by inviting them");
        assert_eq!(problem(&again), (409, "conflict"));
        assert_eq!(again.detail(), "a member of this name exists already");
        assert_eq!(column(&caller.get(&at(acme, "/members")).await.body, "role"), ["viewer"]);
    }
}

#[tokio::test]
async fn a_new_role_counts_from_the_next_token_on() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let ann = server.user("ann@example.com", &[(acme, "viewer")]).await;
        let (_, secret) = server.make_key(of_user(ann)).await;
        let place = at(acme, &format!("/members/{ann}"));
        let scope = async || {
            let form = [("pat", secret.reveal())];
            let answer = server.post("/auth/v1/token", &form).await;
            let scope = answer.body["scope"].as_str().or(answer.body["error"].as_str());
            scope.unwrap_or_default().to_owned()
        };

        let before = scope().await;
        caller.patch(&place, "*", &json!({ "role": "manager" })).await;
        let after = scope().await;
        caller.delete(&place, "*").await;
        let without = scope().await;

        assert_eq!([before, after, without], ["read", "read write", "access_denied"]);
    }
}

fn of_user(user: keyturn::domain::UserId) -> keyturn::manage::api_keys::NewApiKey {
    keyturn::manage::api_keys::NewApiKey {
        roles: None,
        ..crate::support::new_key(Owner::User(user), "laptop")
    }
}

#[tokio::test]
async fn nobody_gives_a_role_that_can_do_more_than_they() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let scopes = json!({ "scopes": ["members:read", "members:write", "read"] });
        owner.put_new(&at(acme, "/roles/inviter"), &scopes).await;
        let secret = secret_of(&server, acme, "inviter", Reach::Own).await;
        let inviter = server.manage(&secret).await;
        let invite = async |role: &str| {
            let new = json!({ "email": format!("{role}@example.com"), "role": role });
            inviter.post(&at(acme, "/members"), &new).await
        };

        let owner = invite("owner").await;
        let unknown = invite("wizard").await;
        let same = invite("inviter").await;
        let id = same.body["user_id"].as_str().unwrap_or_default();
        let place = at(acme, &format!("/members/{id}"));
        let promoted = inviter.patch(&place, "*", &json!({ "role": "owner" })).await;

        for answer in [&owner, &promoted] {
            assert_eq!(problem(answer), (403, "forbidden"), "{}", server.engine);
            assert!(answer.detail().contains("is not yours to give"), "{}", answer.text);
        }
        assert_eq!(problem(&unknown), (400, "invalid-request"));
        assert!(unknown.detail().contains("role wizard is not defined"), "{}", unknown.text);
        assert_eq!(same.status, 201, "{}", same.text);
        let emails = inviter.get(&at(acme, "/members")).await;
        assert_eq!(column(&emails.body, "email"), ["inviter@example.com"]);
    }
}

#[tokio::test]
async fn nobody_demotes_or_removes_those_who_may_more() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let scopes = json!({ "scopes": ["members:read", "members:write", "read"] });
        owner.put_new(&at(acme, "/roles/inviter"), &scopes).await;
        let ann = server.user("ann@example.com", &[(acme, "owner")]).await;
        let secret = secret_of(&server, acme, "inviter", Reach::Own).await;
        let inviter = server.manage(&secret).await;
        let place = at(acme, &format!("/members/{ann}"));

        let demoted = inviter.patch(&place, "*", &json!({ "role": "inviter" })).await;
        let removed = inviter.delete(&place, "*").await;
        let by_an_owner = owner.delete(&place, "*").await;

        assert_eq!(problem(&demoted), (403, "forbidden"), "{}", server.engine);
        assert_eq!(problem(&removed), (403, "forbidden"));
        assert_eq!(by_an_owner.status, 204, "{}", by_an_owner.text);
    }
}

#[tokio::test]
async fn members_of_what_is_out_of_reach_are_as_if_they_did_not_exist() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let left = server.suborganization(acme, "left").await;
        let ann = server.user("ann@example.com", &[(acme, "viewer")]).await;
        let caller = owner_of(&server, left).await;
        let new = json!({ "email": "bob@example.com", "role": "viewer" });
        let member = at(acme, &format!("/members/{ann}"));

        let hidden = [
            caller.get(&at(acme, "/members")).await,
            caller.post(&at(acme, "/members"), &new).await,
            caller.get(&member).await,
            caller.patch(&member, "*", &json!({ "role": "viewer" })).await,
            caller.delete(&member, "*").await,
        ];
        let inherited = caller.get(&at(left, &format!("/members/{ann}"))).await;
        let nobody = caller.get(&at(left, &format!("/members/{NOBODY}"))).await;

        for answer in hidden {
            assert_eq!(problem(&answer), (404, "not-found"), "{}", server.engine);
            assert_eq!(answer.detail(), "there is no such organization");
        }
        assert_eq!(problem(&inherited), (404, "not-found"));
        assert_eq!(inherited.text, nobody.text);
    }
}

#[tokio::test]
async fn fx_07_nothing_is_told_of_people_of_another_tree_and_nobody_of_it_is_taken_in() {
    for server in TestServer::on_each_engine().await {
        let (acme, _) = acme(&server).await;
        let other = server.root("other").await;
        let team = server.suborganization(other, "team").await;
        server.user("ann@example.com", &[(acme, "viewer")]).await;
        server.user("bob@example.com", &[(other, "viewer")]).await;
        let caller = owner_of(&server, other).await;
        let before = server.count("users").await;
        let invite = async |email: &str| {
            let new = json!({ "email": email, "name": "X", "role": "viewer" });
            caller.post(&at(team, "/members"), &new).await
        };

        let known = invite("ann@example.com").await;
        let unknown = invite("nobody@example.com").await;
        let own = invite("bob@example.com").await;

        assert_eq!(problem(&known), (403, "forbidden"), "{}", server.engine);
        assert_eq!(known.text, unknown.text);
        assert_eq!(own.status, 201, "{}", own.text);
        assert_eq!(server.count("users").await, before, "{}", server.engine);
    }
}
