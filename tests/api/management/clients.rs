//! Clients over the management API: from their making to their end, and by whom.

use keyturn::{
    domain::{OrganizationId, Owner, Reach},
    manage::api_keys::NewApiKey,
};
use serde_json::{Value, json};

use super::{CLIENTS, acme, at, owner_of, secret_of};
use crate::support::{Answer, OAUTH, TestServer, new_key, problem};

/// A token for itself.
async fn token(server: &TestServer, id: &str, secret: &str) -> Answer {
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    server.post(OAUTH, &form).await
}

fn shop() -> Value {
    json!({
        "name": "shop",
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["client_credentials"],
        "scopes": ["read"],
    })
}

fn one(path: &str, id: &str) -> String {
    format!("{path}/{id}")
}

#[tokio::test]
async fn a_client_is_made_used_changed_and_deleted() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;

        let made = caller.post(CLIENTS, &shop()).await;
        let (id, secret) = (made.id(), made.body["secret"].as_str().unwrap());
        let shown = caller.get(&one(CLIENTS, id)).await;
        let first = token(&server, id, secret).await;
        let narrow = json!({ "scopes": ["write"], "token_lifetime_seconds": 60 });
        let changed = caller.patch(&one(CLIENTS, id), made.etag(), &narrow).await;
        let second = token(&server, id, secret).await;
        let stale = caller.patch(&one(CLIENTS, id), made.etag(), &narrow).await;
        let deleted = caller.delete(&one(CLIENTS, id), changed.etag()).await;

        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        let place = made.header("location");
        assert!(place.ends_with(&one(CLIENTS, id)), "{place}");
        assert_eq!(shown.etag(), made.etag());
        assert_eq!(shown.body["secret"], Value::Null, "it is shown once");
        assert!(shown.body["secrets"][0]["is_live"] == true, "{}", shown.text);
        assert_eq!(first.body["scope"], "read", "{}", first.text);
        assert_eq!(changed.body["token_endpoint_auth_method"], "client_secret_post");
        assert_eq!(
            (&second.body["scope"], &second.body["expires_in"]),
            (&json!("write"), &json!(60))
        );
        assert_eq!(problem(&stale), (412, "changed-meanwhile"));
        assert_eq!(deleted.status, 204, "{}", deleted.text);
        assert_eq!(problem(&caller.get(&one(CLIENTS, id)).await), (404, "not-found"));
        assert_eq!(token(&server, id, secret).await.error(), (401, "invalid_client"));
    }
}

#[tokio::test]
async fn all_that_is_said_of_a_client_is_shown() {
    for server in TestServer::on_each_engine().await {
        let (acme, caller) = acme(&server).await;
        let whole = json!({
            "name": "shop",
            "organization_id": acme,
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": { "keys": [{ "kty": "OKP", "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] },
            "compat_aud": true,
            "grant_types": [
                "client_credentials",
                "refresh_token",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ],
            "scopes": ["read", "write"],
            "resources": ["api"],
            "redirect_uris": ["https://app.example.com/callback"],
            "token_lifetime_seconds": 120,
            "refresh": { "rotates": false, "lifetime_seconds": 7200, "idle_seconds": 600 },
            "proof": "any",
            "exchanges": [
                { "issuer": "https://id.example.com", "resource": "api", "impersonation": false },
            ],
        });

        let made = caller.post(CLIENTS, &whole).await;

        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        for (member, said) in whole.as_object().unwrap() {
            assert_eq!(made.body[member], *said, "{member}");
        }
        assert_eq!(made.body["secret"], Value::Null);
        let bare = json!({ "resources": null, "refresh": null, "token_lifetime_seconds": null,
            "grant_types": [], "proof": ["0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"], "exchanges": [], "redirect_uris": [] });
        let changed = caller.patch(&one(CLIENTS, made.id()), "*", &bare).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        for (member, said) in bare.as_object().unwrap() {
            assert_eq!(changed.body[member], *said, "{member}");
        }
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_reason() {
    let server = TestServer::start().await;
    let (_, caller) = acme(&server).await;
    let cases = [
        (json!({ "jwks_uri": "https://a.example/jwks" }), "go with private_key_jwt"),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "jwks, or jwks_uri"),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt",
                "jwks_uri": "http://169.254.169.254/" }),
            "address that is not public",
        ),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt",
                "jwks": { "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "AA" }] } }),
            "key",
        ),
        (json!({ "token_endpoint_auth_method": "client_secret_jwt" }), "unknown variant"),
        (
            json!({ "token_endpoint_auth_method": "none", "grant_types": ["client_credentials"] }),
            "public client",
        ),
        (json!({ "grant_types": ["password"] }), "grant_types[0]: a grant type is one of"),
        (json!({ "redirect_uris": ["http://a.example/"] }), "loopback"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "dot"),
        (json!({ "resources": [] }), "name a resource"),
        (json!({ "proof": [] }), "up to 16 thumbprints"),
        (json!({ "proof": vec!["0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"; 17] }), "up to 16"),
        (json!({ "token_lifetime_seconds": 361 }), "30 to 360"),
        (
            json!({ "refresh": { "rotates": true, "lifetime_seconds": 60, "idle_seconds": 60 } }),
            "grant",
        ),
        (json!({ "secret": "ktc_mine" }), "unknown field `secret`"),
        (json!({ "id": "0197f000-0000-7000-8000-000000000000" }), "unknown field `id`"),
    ];
    for (said, why) in cases {
        let mut body = json!({ "name": "shop" });
        body.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());

        let answer = caller.post(CLIENTS, &body).await;

        assert_eq!(problem(&answer), (400, "invalid-request"), "{said}");
        assert!(answer.detail().contains(why), "{said}: {}", answer.text);
    }
}

#[tokio::test]
async fn ca_09_secrets_are_added_and_removed_one_by_one() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        let made = caller.post(CLIENTS, &shop()).await;
        let (id, first) = (made.id(), made.body["secret"].as_str().unwrap());
        let secrets = one(CLIENTS, id) + "/secrets";

        let added = caller.post(&secrets, &json!({})).await;
        let second = added.body["secret"].as_str().unwrap().to_owned();
        for _ in 0..3 {
            assert_eq!(caller.post(&secrets, &json!({})).await.status, 200);
        }
        let sixth = caller.post(&secrets, &json!({})).await;
        let past = caller.post(&secrets, &json!({ "expires_at": "2020-01-01T00:00:00Z" })).await;
        let oldest = made.body["secrets"][0]["id"].as_str().unwrap();
        let removed = caller.act(&format!("{secrets}/{oldest}/remove"), "*").await;
        let again = caller.act(&format!("{secrets}/{oldest}/remove"), "*").await;

        assert_eq!(problem(&sixth), (409, "conflict"), "{}", server.engine);
        assert_eq!(problem(&past), (400, "invalid-request"));
        assert_eq!(removed.status, 204, "{}", removed.text);
        assert_eq!(problem(&again), (404, "not-found"));
        assert_eq!(token(&server, id, first).await.error(), (401, "invalid_client"));
        assert_eq!(token(&server, id, &second).await.error(), (200, "none"));
        let public = json!({ "token_endpoint_auth_method": "none", "grant_types": [] });
        let public = caller.patch(&one(CLIENTS, id), "*", &public).await;
        assert_eq!(public.body["secrets"], json!([]), "{}: {}", server.engine, public.text);
    }
}

#[tokio::test]
async fn a_disabled_client_works_when_it_is_enabled_again() {
    for server in TestServer::on_each_engine().await {
        let (_, caller) = acme(&server).await;
        let made = caller.post(CLIENTS, &shop()).await;
        let (id, secret) = (made.id(), made.body["secret"].as_str().unwrap());

        for (enabled, expected) in [(false, 401), (true, 200)] {
            let path = one(CLIENTS, id);
            let changed = caller.patch(&path, "*", &json!({ "enabled": enabled })).await;

            assert_eq!(changed.body["disabled_at"].is_null(), enabled, "{}", changed.text);
            assert_eq!(token(&server, id, secret).await.error().0, expected, "{}", server.engine);
        }
    }
}

/// A caller whose key is restricted as `restrict` says.
async fn restricted(
    server: &TestServer,
    owner: OrganizationId,
    restrict: impl FnOnce(NewApiKey) -> NewApiKey,
) -> crate::support::Caller {
    let new = NewApiKey {
        roles: Some("owner".parse().unwrap()),
        ..new_key(Owner::Organization(owner), "restricted")
    };
    let (_, secret) = server.make_key(restrict(new)).await;
    server.manage(&secret).await
}

#[tokio::test]
async fn kx_19_nobody_makes_a_client_that_may_do_more_than_they() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let viewer = server.manage(&secret_of(&server, acme, "viewer", Reach::Own).await).await;
        let scopes = json!({ "scopes": ["clients:read", "clients:write", "read"] });
        owner.put_new(&at(acme, "/roles/registrar"), &scopes).await;
        let some = server.manage(&secret_of(&server, acme, "registrar", Reach::Own).await).await;
        let bound = restricted(&server, acme, |new| NewApiKey {
            allowed_networks: "127.0.0.0/8".parse().unwrap(),
            ..new
        })
        .await;
        let admin = json!({ "name": "admin", "scopes": ["signing-keys:write"] });
        let made = owner.post(CLIENTS, &admin).await;
        let path = one(CLIENTS, made.id());

        let by_viewer = viewer.post(CLIENTS, &shop()).await;
        let wider = some.post(CLIENTS, &json!({ "name": "x", "scopes": ["admin"] })).await;
        let within = some.post(CLIENTS, &shop()).await;
        let from_anywhere = bound.post(CLIENTS, &shop()).await;
        let taken_over = some.post(&(path.clone() + "/secrets"), &json!({})).await;
        let renamed = some.patch(&path, "*", &json!({ "name": "other" })).await;
        let stopped = some.patch(&path, "*", &json!({ "enabled": false })).await;
        let started = some.patch(&path, "*", &json!({ "enabled": true })).await;

        assert_eq!(made.status, 201, "{}: {}", server.engine, made.text);
        assert_eq!(problem(&by_viewer), (403, "insufficient-scope"), "{}", server.engine);
        assert_eq!(within.status, 201, "{}: {}", server.engine, within.text);
        for answer in [wider, from_anywhere, taken_over, renamed, started] {
            assert_eq!(problem(&answer), (403, "forbidden"), "{}: {}", server.engine, answer.text);
        }
        assert_eq!(stopped.status, 200, "whoever may write may stop: {}", stopped.text);
    }
}

#[tokio::test]
async fn kx_18_a_client_of_another_organization_does_not_exist() {
    for server in TestServer::on_each_engine().await {
        let (acme, owner) = acme(&server).await;
        let other = server.root("other").await;
        let stranger = owner_of(&server, other).await;
        let own = server.manage(&secret_of(&server, acme, "owner", Reach::Own).await).await;
        let below = server.suborganization(acme, "below").await;
        let theirs = json!({ "name": "theirs", "organization_id": below });
        let made = owner.post(CLIENTS, &theirs).await;
        let path = one(CLIENTS, made.id());

        for caller in [&stranger, &own] {
            let answers = [
                caller.get(&path).await,
                caller.patch(&path, "*", &json!({ "enabled": false })).await,
                caller.delete(&path, "*").await,
                caller.post(&(path.clone() + "/secrets"), &json!({})).await,
                caller.post(CLIENTS, &theirs).await,
            ];
            for answer in answers {
                assert_eq!(problem(&answer), (404, "not-found"), "{}", server.engine);
            }
            assert_eq!(caller.get(CLIENTS).await.body["items"], json!([]), "{}", server.engine);
        }
        assert_eq!(owner.get(CLIENTS).await.body["items"][0]["id"], made.body["id"]);
        let of_acme = owner.get(&format!("{CLIENTS}?organization_id={acme}")).await;
        assert_eq!(of_acme.body["items"], json!([]), "it is another's");
    }
}
