//! What a token may do is decided anew each time: what its key loses, it loses at once.

use chrono::TimeDelta;
use keyturn::{
    domain::{ApiKey, Expected, Owner, Reach, Scopes, Secret},
    manage::{
        Asker,
        api_keys::{self, Edit, NewApiKey},
        members, roles,
    },
};

use keyturn::signing::VerifiedToken;

use super::{asks_with, define, token};
use crate::support::{TestServer, new_key};

const ANY: &Expected = &Expected::Any;

/// What a token that carries this may do now; `None`: nothing.
async fn may(server: &TestServer, carried: &VerifiedToken) -> Option<Scopes> {
    let asker = asks_with(server, carried).await?;
    Some(asker.authority.bounds().unwrap().scopes.clone())
}

fn scopes(text: &str) -> Scopes {
    text.parse().unwrap()
}

async fn make(server: &TestServer, owner: Owner, roles: &str, reach: Reach) -> (ApiKey, Secret) {
    let roles = (!roles.is_empty()).then(|| roles.parse().unwrap());
    server.make_key(NewApiKey { roles, reach, ..new_key(owner, "ci") }).await
}

const MANAGER: &str = "keys:read keys:write organizations:read usage:read";
const VIEWER: &str = "keys:read organizations:read usage:read";

#[tokio::test]
async fn kx_19_a_key_that_loses_a_role_loses_it_in_tokens_that_carry_it() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let key = make(&server, Owner::Organization(acme), "manager", Reach::Own).await;
        let carried = token(&server, &key, &[]).await;

        let before = may(&server, &carried).await;
        let edit = Edit { roles: Some(Some("viewer".parse().unwrap())), ..Edit::default() };
        api_keys::update(&server.app, &Asker::keyturn(), key.0.id, ANY, edit).await.unwrap();
        let after = may(&server, &carried).await;

        assert_eq!(before, Some(scopes(MANAGER)), "{}", server.engine);
        assert_eq!(after, Some(scopes(VIEWER)));
    }
}

#[tokio::test]
async fn kx_19_a_role_that_means_less_gives_less_at_once_and_one_that_means_more_does_not() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        define(&server, acme, "custom", "keys:read keys:write").await;
        let key = make(&server, Owner::Organization(acme), "custom", Reach::Own).await;
        let carried = token(&server, &key, &[]).await;

        define(&server, acme, "custom", "keys:read").await;
        let less = may(&server, &carried).await;
        define(&server, acme, "custom", "keys:read keys:write members:write").await;
        let more = may(&server, &carried).await;

        assert_eq!(less, Some(scopes("keys:read")), "{}", server.engine);
        assert_eq!(more, Some(scopes("keys:read keys:write")), "no more than the token carries");
    }
}

#[tokio::test]
async fn kx_19_a_key_that_works_no_more_leaves_its_tokens_nothing() {
    for server in TestServer::on_each_engine().await {
        let (acme, app, asker) = (server.acme().await, &server.app, Asker::keyturn());
        let mut carried = Vec::new();
        let mut ids = Vec::new();
        for name in ["disabled", "revoked", "deleted", "expired"] {
            let key = server.key(Owner::Organization(acme), name).await;
            carried.push(token(&server, &key, &[]).await);
            ids.push(key.0.id);
        }
        for carried in &carried {
            assert_eq!(may(&server, carried).await, Some(scopes(MANAGER)), "{}", server.engine);
        }

        api_keys::set_enabled(app, &asker, ids[0], ANY, false).await.unwrap();
        api_keys::revoke(app, &asker, ids[1], ANY).await.unwrap();
        api_keys::delete(app, &asker, ids[2], ANY).await.unwrap();
        for carried in &carried[..3] {
            assert_eq!(may(&server, carried).await, None, "{}", server.engine);
        }
        assert_eq!(may(&server, &carried[3]).await, Some(scopes(MANAGER)));
        app.clock.advance(TimeDelta::days(183));
        app.catch_up().await.unwrap();
        assert_eq!(may(&server, &carried[3]).await, None);
        api_keys::set_enabled(app, &asker, ids[0], ANY, true).await.unwrap();
        assert_eq!(may(&server, &carried[0]).await, None, "it has expired as well");
    }
}

#[tokio::test]
async fn kx_19_a_disabled_owner_leaves_tokens_nothing() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let below = server.suborganization(acme, "below").await;
        let ada = server.user("ada@example.com", &[(below, "manager")]).await;
        let of_below = make(&server, Owner::Organization(below), "manager", Reach::Own).await;
        let of_ada =
            server.make_key(NewApiKey { roles: None, ..new_key(Owner::User(ada), "of ada") }).await;
        let above = server
            .make_key(NewApiKey {
                reach: Reach::Subtree,
                ..new_key(Owner::Organization(acme), "above")
            })
            .await;
        let id = below.to_string();
        let carried = [
            token(&server, &of_below, &[]).await,
            token(&server, &of_ada, &[]).await,
            token(&server, &above, &[("organizationId", &id)]).await,
        ];
        let all = async || {
            [
                may(&server, &carried[0]).await,
                may(&server, &carried[1]).await,
                may(&server, &carried[2]).await,
            ]
        };

        let before = all().await;
        server.enable_organization(acme, false).await;
        let root_disabled = all().await;
        server.enable_organization(acme, true).await;
        server.enable_organization(below, false).await;
        let disabled = all().await;
        server.enable_organization(below, true).await;
        server.enable_user(ada, false).await;
        let user_disabled = all().await;

        let some = || Some(scopes(MANAGER));
        assert_eq!(before, [some(), some(), some()], "{}", server.engine);
        assert_eq!(root_disabled, [None, None, None]);
        assert_eq!(disabled, [None, None, None]);
        assert_eq!(user_disabled, [some(), None, some()]);
    }
}

#[tokio::test]
async fn kx_19_a_token_has_no_more_than_its_user_now() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let ada = server.user("ada@example.com", &[(acme, "owner")]).await;
        let key = make(&server, Owner::User(ada), "", Reach::Own).await;
        let carried = token(&server, &key, &[]).await;
        let asker = Asker::keyturn();

        server.set_role(ada, acme, "viewer").await;
        let viewer = may(&server, &carried).await;
        members::remove(&server.app, &asker, acme, ada, ANY).await.unwrap();
        let nobody = may(&server, &carried).await;

        assert_eq!(viewer, Some(scopes(VIEWER)), "{}", server.engine);
        assert_eq!(nobody, None);
    }
}

#[tokio::test]
async fn kx_19_a_key_that_no_longer_reaches_where_its_token_acts_may_nothing_there() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let below = server.suborganization(acme, "below").await;
        let key = make(&server, Owner::Organization(acme), "manager", Reach::Subtree).await;
        let id = below.to_string();
        let carried = token(&server, &key, &[("organizationId", &id)]).await;
        assert_eq!(carried.organization_id, below);

        let edit = Edit { reach: Some(Reach::Own), ..Edit::default() };
        api_keys::update(&server.app, &Asker::keyturn(), key.0.id, ANY, edit).await.unwrap();

        assert_eq!(may(&server, &carried).await, None, "{}", server.engine);
    }
}

#[tokio::test]
async fn kx_19_another_node_knows_of_it_from_the_feed() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let acme = server.acme().await;
        let ada = server.user("ada@example.com", &[(acme, "owner")]).await;
        define(&server, acme, "custom", "keys:read keys:write").await;
        let of_ada = make(&server, Owner::User(ada), "", Reach::Own).await;
        let of_acme = make(&server, Owner::Organization(acme), "custom", Reach::Own).await;
        let of_ada = token(&server, &of_ada, &[]).await;
        let of_acme_id = of_acme.0.id;
        let of_acme = token(&server, &of_acme, &[]).await;
        other.app.catch_up().await.unwrap();
        assert!(may(&other, &of_ada).await.is_some() && may(&other, &of_acme).await.is_some());

        server.set_role(ada, acme, "viewer").await;
        let custom = "custom".parse().unwrap();
        define(&server, acme, "custom", "keys:read").await;
        other.app.catch_up().await.unwrap();
        let learned = [may(&other, &of_ada).await, may(&other, &of_acme).await];
        server.revoke(of_acme_id).await;
        other.app.catch_up().await.unwrap();
        let revoked = may(&other, &of_acme).await;

        assert_eq!(learned, [Some(scopes(VIEWER)), Some(scopes("keys:read"))], "{}", server.engine);
        assert_eq!(revoked, None);
        let asker = Asker::keyturn();
        roles::delete(&server.app, &asker, acme, &custom, ANY).await.unwrap();
    }
}
