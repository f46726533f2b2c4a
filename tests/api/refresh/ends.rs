//! What was obtained with a credential is worth no more than the credential is now.

use chrono::TimeDelta;
use keyturn::{
    domain::{ClientId, Expected, OrganizationId, Owner},
    manage::{
        Asker,
        api_keys::{self, NewApiKey},
        members,
    },
    store,
};

use super::{Shop, access_token, exchange, for_keys, refresh, refresh_token, works};
use crate::support::{TestServer, new_key};

/// A server with `acme` and `ada`, on each engine.
async fn servers() -> Vec<(TestServer, OrganizationId, keyturn::domain::UserId)> {
    let mut all = Vec::new();
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let ada = server.user("ada@example.com", &[(acme, "manager")]).await;
        all.push((server, acme, ada));
    }
    all
}

#[tokio::test]
async fn rt_05_inc_15_what_ends_a_key_ends_what_is_refreshed() {
    for (server, acme, ada) in servers().await {
        let asker = Asker::keyturn();
        for end in ["revoked", "deleted", "disabled", "rotated", "owner", "organization"] {
            let owner = if end == "owner" { Owner::User(ada) } else { Owner::Organization(acme) };
            let (key, secret) = server.make_key(NewApiKey { ..new_key(owner, "ci") }).await;
            let first = exchange(&server, &secret).await;
            let token = refresh_token(&first);
            assert!(works(&server, access_token(&first)).await, "{} {end}", server.engine);
            match end {
                "revoked" => server.revoke(key.id).await,
                "deleted" => {
                    api_keys::delete(&server.app, &asker, key.id, &Expected::Any).await.unwrap();
                }
                "disabled" => server.disable(key.id).await,
                "rotated" => drop(server.rotate(key.id, TimeDelta::zero()).await),
                "owner" => server.enable_user(ada, false).await,
                _ => server.enable_organization(acme, false).await,
            }

            let answer = refresh(&server, &token).await;
            let is_good = works(&server, access_token(&first)).await;

            assert_eq!(answer.error(), (400, "invalid_grant"), "{} {end}", server.engine);
            assert!(!is_good, "{} {end}: the access token goes on", server.engine);
            if end != "deleted" {
                server.enable_organization(acme, true).await;
                api_keys::delete(&server.app, &asker, key.id, &Expected::Any).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn rt_05_what_was_only_stopped_goes_on_when_it_may_again() {
    for (server, acme, _) in servers().await {
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
        let token = refresh_token(&exchange(&server, &secret).await);
        server.disable(key.id).await;

        let stopped = refresh(&server, &token).await;
        let asker = Asker::keyturn();
        let enabled =
            api_keys::set_enabled(&server.app, &asker, key.id, &Expected::Any, true).await;
        let going = refresh(&server, &token).await;

        assert_eq!(stopped.error(), (400, "invalid_grant"), "{}", server.engine);
        assert!(enabled.is_ok());
        assert_eq!(going.status, 200, "{}: {}", server.engine, going.text);
    }
}

#[tokio::test]
async fn rt_05_a_role_that_was_taken_is_not_refreshed() {
    for (server, acme, ada) in servers().await {
        let new = NewApiKey { roles: None, ..new_key(Owner::User(ada), "ci") };
        let (_, secret) = server.make_key(new).await;
        let first = exchange(&server, &secret).await;

        server.set_role(ada, acme, "viewer").await;
        let fewer = refresh(&server, &refresh_token(&first)).await;
        members::remove(&server.app, &Asker::keyturn(), acme, ada, &Expected::Any).await.unwrap();
        let none = refresh(&server, &refresh_token(&fewer)).await;

        let scope = fewer.body["scope"].as_str().unwrap();
        assert!(!scope.contains("keys:write") && scope.contains("keys:read"), "{scope}");
        assert_eq!(none.status, 403, "{}: {}", server.engine, none.text);
    }
}

#[tokio::test]
async fn a_key_that_is_revoked_leaves_no_family_alive_in_the_database() {
    for (server, acme, _) in servers().await {
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
        for _ in 0..3 {
            exchange(&server, &secret).await;
        }

        server.revoke(key.id).await;

        let alive = "refresh_families where ended_at is null";
        assert_eq!(server.count("refresh_families").await, 3);
        assert_eq!(server.count(alive).await, 0, "{}", server.engine);
    }
}

#[tokio::test]
async fn rt_05_a_client_that_is_disabled_or_may_refresh_no_more_is_refused() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let shop = Shop::of(&server, acme).await;
        let token = refresh_token(&shop.first(&server).await);
        let id: ClientId = shop.id.parse().unwrap();
        let change = async |edit: &dyn Fn(&mut keyturn::domain::Client)| {
            let mut tx = server.app.store.write().await.unwrap();
            let mut client = store::clients::find(&mut tx, id).await.unwrap().unwrap();
            edit(&mut client);
            assert!(store::clients::update(&mut tx, &client).await.unwrap());
            server.app.commit(tx).await.unwrap();
        };

        change(&|client| client.terms.refresh = None).await;
        let without = shop.refresh(&server, &token).await;
        change(&|client| client.terms.grants.clear()).await;
        let not_allowed = shop.refresh(&server, &token).await;
        change(&|client| client.disabled_at = Some(server.app.clock.now())).await;
        let disabled = shop.refresh(&server, &token).await;

        assert_eq!(without.error(), (400, "invalid_grant"), "{}", server.engine);
        assert_eq!(not_allowed.error(), (400, "unauthorized_client"), "{}", server.engine);
        assert_eq!(disabled.error(), (401, "invalid_client"), "{}", server.engine);
    }
}

#[tokio::test]
async fn what_the_operator_allows_no_more_is_refused() {
    for (server, other) in TestServer::pairs_on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let token = refresh_token(&exchange(&server, &secret).await);
        let off = other.second_node_with(crate::support::Options::default()).await;

        let answer = refresh(&off, &token).await;
        let elsewhere = refresh(&other, &token).await;

        assert_eq!(answer.error(), (400, "invalid_grant"), "{}", server.engine);
        assert_eq!(elsewhere.status, 200, "{}: {}", server.engine, elsewhere.text);
    }
}
