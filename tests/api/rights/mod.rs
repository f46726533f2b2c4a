//! What a token may do: checks KX-09 and KX-19. Rights only ever shrink.

mod bounds;

use keyturn::{
    domain::{
        ApiKey, ApiKeyId, Expected, Membership, OrganizationId, Owner, Reach, Secret, UserId,
        Version,
    },
    manage::{
        Asker, Rejection,
        api_keys::{self, NewApiKey},
        members, resources, roles,
    },
    random::Random,
    store,
};
use serde_json::json;

use crate::{
    doors::PERSONAL,
    support::{Answer, TestServer, new_key},
};

/// A tree of `acme` over `left` and `right`, and `leaf` below `left`.
struct Tree {
    acme: OrganizationId,
    left: OrganizationId,
    right: OrganizationId,
    leaf: OrganizationId,
}

async fn tree(server: &TestServer) -> Tree {
    let acme = server.acme().await;
    let left = server.suborganization(acme, "left").await;
    let right = server.suborganization(acme, "right").await;
    let leaf = server.suborganization(left, "leaf").await;
    Tree { acme, left, right, leaf }
}

async fn key(server: &TestServer, owner: Owner, roles: &str, reach: Reach) -> (ApiKeyId, Secret) {
    let roles = (!roles.is_empty()).then(|| roles.parse().unwrap());
    let new = NewApiKey { roles, reach, ..new_key(owner, &Random::System.base62(8)) };
    let (key, secret) = server.make_key(new).await;
    (key.id, secret)
}

/// Exchanges a key with more in its form.
async fn ask(server: &TestServer, secret: &Secret, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("pat", secret.reveal())];
    form.extend(more);
    server.post(PERSONAL, &form).await
}

async fn ask_in(server: &TestServer, secret: &Secret, organization: OrganizationId) -> Answer {
    ask(server, secret, &[("organizationId", &organization.to_string())]).await
}

/// The scopes granted, or why not.
fn outcome(answer: &Answer) -> &str {
    let scope = answer.body["scope"].as_str();
    scope.unwrap_or_else(|| answer.body["error"].as_str().unwrap_or_default())
}

async fn define(server: &TestServer, organization: OrganizationId, name: &str, scopes: &str) {
    let role = roles::Definition {
        organization_id: organization,
        name: name.parse().unwrap(),
        scopes: scopes.parse().unwrap(),
    };
    roles::define(&server.app, &Asker::keyturn(), &Expected::Any, role).await.unwrap();
}

#[tokio::test]
async fn kx_09_a_key_acts_where_it_reaches() {
    for server in TestServer::on_each_engine().await {
        let Tree { acme, left, right, leaf } = tree(&server).await;
        let other = server.root("other").await;
        let places = [acme, left, right, leaf, other];
        let cases = [
            (acme, Reach::Own, [true, false, false, false, false]),
            (acme, Reach::Subtree, [true, true, true, true, false]),
            (acme, Reach::Listed(vec![left, leaf]), [false, true, false, true, false]),
            (left, Reach::Own, [false, true, false, false, false]),
            (left, Reach::Subtree, [false, true, false, true, false]),
            (left, Reach::Listed(vec![leaf]), [false, false, false, true, false]),
        ];

        for (owner, reach, expected) in cases {
            let what = format!("{} {reach:?}", server.engine);
            let owner = Owner::Organization(owner);
            let (_, secret) = key(&server, owner, "viewer", reach).await;
            for (place, reached) in places.iter().zip(expected) {
                let answer = ask_in(&server, &secret, *place).await;
                let expected = if reached { "read" } else { "access_denied" };
                assert_eq!(outcome(&answer), expected, "{what} in {place}");
                if reached {
                    assert_eq!(server.claims(&answer).await["org"], place.to_string());
                } else {
                    assert_eq!(answer.status, 403);
                }
            }
        }
    }
}

#[tokio::test]
async fn kx_09_without_a_wish_a_key_acts_in_its_own_organization_or_the_first_listed() {
    for server in TestServer::on_each_engine().await {
        let Tree { acme, left, leaf, .. } = tree(&server).await;
        let owner = Owner::Organization(acme);
        let make = async |reach| key(&server, owner, "viewer", reach).await.1;
        let subtree = make(Reach::Subtree).await;
        let listed = make(Reach::Listed(vec![leaf, left])).await;
        let with_own = make(Reach::Listed(vec![leaf, acme])).await;

        let subtree = ask(&server, &subtree, &[]).await;
        let listed = ask(&server, &listed, &[]).await;
        let with_own = ask(&server, &with_own, &[]).await;

        assert_eq!(server.claims(&subtree).await["org"], acme.to_string(), "{}", server.engine);
        assert_eq!(server.claims(&listed).await["org"], leaf.to_string());
        assert_eq!(server.claims(&with_own).await["org"], acme.to_string());
    }
}

#[tokio::test]
async fn kx_09_a_key_can_only_be_given_what_lies_below_its_owner() {
    for server in TestServer::on_each_engine().await {
        let Tree { acme, left, right, .. } = tree(&server).await;
        let create = async |owner, reach| {
            let new = NewApiKey { reach, ..new_key(Owner::Organization(owner), "ci") };
            api_keys::create(&server.app, &Asker::keyturn(), new).await.map(drop)
        };

        let above = create(left, Reach::Listed(vec![acme])).await;
        let beside = create(left, Reach::Listed(vec![left, right])).await;

        assert!(matches!(above, Err(Rejection::OutOfReach(id)) if id == acme), "{above:?}");
        assert!(matches!(beside, Err(Rejection::OutOfReach(id)) if id == right), "{beside:?}");
    }
}

#[tokio::test]
async fn kx_09_a_role_is_inherited_and_means_what_it_meant_where_it_was_given() {
    for server in TestServer::on_each_engine().await {
        let Tree { acme, left, leaf, .. } = tree(&server).await;
        server.resource("api", "deploy read write").await;
        define(&server, acme, "deployer", "deploy read").await;
        let below = key(&server, Owner::Organization(leaf), "deployer", Reach::Own).await.1;
        let above = key(&server, Owner::Organization(acme), "deployer", Reach::Subtree).await.1;

        let inherited = ask(&server, &below, &[]).await;
        define(&server, left, "deployer", "deploy read write").await;
        let redefined = ask(&server, &below, &[]).await;
        let from_above = ask_in(&server, &above, leaf).await;
        define(&server, acme, "deployer", "read").await;
        let narrowed = ask_in(&server, &above, leaf).await;

        assert_eq!(outcome(&inherited), "deploy read", "{}", server.engine);
        assert_eq!(outcome(&redefined), "deploy read write", "the nearest definition counts");
        assert_eq!(outcome(&from_above), "deploy read", "nobody below widens it");
        assert_eq!(outcome(&narrowed), "read");
    }
}

#[tokio::test]
async fn kx_09_a_users_key_does_what_the_user_may_do_now() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let ada = server.user("ada@example.com", &[(acme, "viewer")]).await;
        let (_, secret) = key(&server, Owner::User(ada), "", Reach::Own).await;
        let asker = Asker::keyturn();

        let viewer = ask(&server, &secret, &[]).await;
        server.set_role(ada, acme, "manager").await;
        let manager = ask(&server, &secret, &[]).await;
        members::remove(&server.app, &asker, acme, ada, &Expected::Any).await.unwrap();
        let nobody = ask(&server, &secret, &[]).await;
        server.set_role(ada, acme, "viewer").await;
        server.enable_user(ada, false).await;
        let disabled = ask(&server, &secret, &[]).await;
        server.enable_user(ada, true).await;
        let again = ask(&server, &secret, &[]).await;

        assert_eq!(outcome(&viewer), "read", "{}", server.engine);
        let claims = server.claims(&viewer).await;
        assert_eq!((&claims["roles"], &claims["user_id"]), (&json!(["viewer"]), &json!(ada)));
        assert_ne!(claims["sub"], ada.to_string(), "AT-06");
        assert_eq!(outcome(&manager), "read write");
        assert_eq!(server.claims(&manager).await["roles"], json!(["manager"]));
        assert_eq!(nobody.error(), (403, "access_denied"));
        assert_eq!(disabled.error(), (401, "invalid_client"));
        assert_eq!(outcome(&again), "read");
    }
}

#[tokio::test]
async fn kx_09_a_users_key_never_exceeds_its_user_nor_says_so() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let ada = server.user("ada@example.com", &[(acme, "viewer")]).await;
        let (_, secret) = key(&server, Owner::User(ada), "manager viewer", Reach::Own).await;

        let before = ask(&server, &secret, &[]).await;
        server.set_role(ada, acme, "owner").await;
        let after = ask(&server, &secret, &[]).await;

        assert_eq!(outcome(&before), "read", "{}", server.engine);
        assert_eq!(server.claims(&before).await["roles"], json!(["viewer"]));
        assert_eq!(outcome(&after), "read write", "the key's roles bound it");
        assert_eq!(server.claims(&after).await["roles"], json!(["manager", "viewer"]));
    }
}

#[tokio::test]
async fn kx_09_roles_held_elsewhere_do_not_count_here() {
    for server in TestServer::on_each_engine().await {
        let Tree { acme, left, right, leaf } = tree(&server).await;
        let roles = [(acme, "owner"), (left, "viewer")];
        let ada = server.user("ada@example.com", &roles).await;
        let own = key(&server, Owner::User(ada), "", Reach::Own).await.1;
        let subtree = key(&server, Owner::User(ada), "", Reach::Subtree).await.1;

        let own_left = ask_in(&server, &own, left).await;
        let own_right = ask_in(&server, &own, right).await;
        let subtree_left = ask_in(&server, &subtree, left).await;
        let subtree_leaf = ask_in(&server, &subtree, leaf).await;

        assert_eq!(outcome(&own_left), "read", "{}", server.engine);
        assert_eq!(server.claims(&own_left).await["roles"], json!(["viewer"]));
        assert_eq!(own_right.error(), (403, "access_denied"));
        assert_eq!(outcome(&subtree_left), "read write", "an owner above is one here");
        assert_eq!(server.claims(&subtree_leaf).await["roles"], json!(["owner", "viewer"]));
    }
}

#[tokio::test]
async fn kx_09_a_disabled_organization_takes_everything_below_with_it() {
    for server in TestServer::on_each_engine().await {
        let Tree { acme, left, right, leaf } = tree(&server).await;
        let root = key(&server, Owner::Organization(acme), "viewer", Reach::Subtree).await.1;
        let below = key(&server, Owner::Organization(leaf), "viewer", Reach::Own).await.1;

        server.enable_organization(left, false).await;
        let in_leaf = ask_in(&server, &root, leaf).await;
        let in_right = ask_in(&server, &root, right).await;
        let of_leaf = ask(&server, &below, &[]).await;
        server.enable_organization(left, true).await;
        let again = ask(&server, &below, &[]).await;

        assert_eq!(in_leaf.error(), (403, "access_denied"), "{}", server.engine);
        assert_eq!(in_leaf.body["error_description"], "the organization is disabled");
        assert_eq!(outcome(&in_right), "read");
        assert_eq!(of_leaf.error(), (401, "invalid_client"));
        assert_eq!(outcome(&again), "read");
    }
}

#[tokio::test]
async fn kx_09_new_roles_take_effect_with_the_same_secret() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (id, secret) = key(&server, acme, "manager", Reach::Own).await;

        let before = ask(&server, &secret, &[]).await;
        let roles = Some(Some("viewer".parse().unwrap()));
        let edit = api_keys::Edit { roles, ..Default::default() };
        let asker = Asker::keyturn();
        api_keys::update(&server.app, &asker, id, &Expected::Any, edit).await.unwrap();
        let after = ask(&server, &secret, &[]).await;

        assert_eq!(
            (outcome(&before), outcome(&after)),
            ("read write", "read"),
            "{}",
            server.engine
        );
        assert_eq!(server.claims(&after).await["roles"], json!(["viewer"]));
    }
}

#[tokio::test]
async fn kx_09_fx_40_a_token_has_no_scope_that_its_resource_does_not_know() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        server.resource("urn:reads", "read").await;
        server.resource("urn:other", "other").await;
        let (_, secret) = key(&server, acme, "owner", Reach::Own).await;
        let cases = [
            (vec![("resource", "urn:reads")], "read"),
            (vec![("resource", "urn:other")], ""),
            (vec![("resource", "urn:reads"), ("scope", "read")], "read"),
            (vec![("resource", "urn:reads"), ("scope", "write")], "invalid_scope"),
            (vec![("scope", "write")], "write"),
            (vec![("scope", "admin")], "invalid_scope"),
        ];

        for (form, expected) in cases {
            let answer = ask(&server, &secret, &form).await;

            assert_eq!(outcome(&answer), expected, "{} {form:?}", server.engine);
            if answer.status == 200 && expected.is_empty() {
                assert!(server.claims(&answer).await["scope"].is_null(), "no empty claim");
                assert_eq!(answer.body["scope"], "", "fx_40: it is told that it got nothing");
            }
        }
    }
}

#[tokio::test]
async fn ri_01_ri_02_ri_04_a_token_is_for_one_registered_resource() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        server.resource("https://api.example/v1", "read").await;
        let (_, secret) = key(&server, acme, "viewer", Reach::Own).await;
        let (uri, api) = ("https://api.example/v1", "api");
        let cases = [
            (vec![("resource", uri)], "read"),
            (vec![("audience", uri)], "read"),
            (vec![("audience", api)], "read"),
            (vec![("resource", uri), ("audience", uri)], "read"),
            (vec![("resource", uri), ("audience", api)], "invalid_target"),
            (vec![("resource", "https://api.example/v1/")], "invalid_target"),
            (vec![("resource", "https://api.example/v1#f")], "invalid_target"),
            (vec![("resource", "HTTPS://API.example:443/v1")], "read"),
            (vec![("resource", api)], "invalid_target"),
            (vec![("audience", "API")], "invalid_target"),
            (vec![("audience", "unknown")], "invalid_target"),
            (vec![("audience", "api read")], "invalid_target"),
        ];

        for (form, expected) in cases {
            let answer = ask(&server, &secret, &form).await;
            assert_eq!(outcome(&answer), expected, "{} {form:?}", server.engine);
        }
        let uri = uri.parse().unwrap();
        let asker = Asker::keyturn();
        resources::remove(&server.app, &asker, &uri, &Expected::Any).await.unwrap();
        let removed = ask(&server, &secret, &[("resource", "https://api.example/v1")]).await;
        assert_eq!(removed.error(), (400, "invalid_target"));
    }
}

#[tokio::test]
async fn kx_09_what_changes_elsewhere_takes_effect_here() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let acme = server.acme().await;
        let ada: UserId = server.user("ada@example.com", &[(acme, "manager")]).await;
        let (_, secret) = key(&server, Owner::User(ada), "", Reach::Own).await;
        other.app.catch_up().await.unwrap();
        assert_eq!(outcome(&ask(&other, &secret, &[]).await), "read write");

        server.set_role(ada, acme, "viewer").await;
        other.app.catch_up().await.unwrap();
        let viewer = ask(&other, &secret, &[]).await;
        server.resource("api", "write").await;
        other.app.catch_up().await.unwrap();
        let nothing = ask(&other, &secret, &[]).await;
        server.enable_organization(acme, false).await;
        other.app.catch_up().await.unwrap();
        let disabled = ask(&other, &secret, &[]).await;

        assert_eq!(outcome(&viewer), "read", "{}", server.engine);
        assert_eq!(outcome(&nothing), "");
        assert_eq!(disabled.error(), (403, "access_denied"));
    }
}

/// The exchange has judged the key and waits for its use to be written, which the open transaction
/// holds up: `SQLite` has one writer.
#[tokio::test]
async fn kx_08_kx_09_what_changes_while_a_use_is_written_counts() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let ada = server.user("ada@example.com", &[(acme, "manager")]).await;
    let (id, secret) = key(&server, Owner::User(ada), "", Reach::Own).await;
    assert_eq!(outcome(&ask(&server, &secret, &[]).await), "read write");

    let mut tx = server.app.store.write().await.unwrap();
    let was = store::memberships::find(&mut tx, ada, acme).await.unwrap().unwrap();
    let (role, version) = ("viewer".parse().unwrap(), Version(was.version.0 + 1));
    let viewer = Membership { role, version, ..was };
    assert!(store::memberships::set(&mut tx, &viewer).await.unwrap());
    let (narrowed, ()) = tokio::join!(ask(&server, &secret, &[]), async {
        server.app.commit(tx).await.unwrap();
    });
    let mut tx = server.app.store.write().await.unwrap();
    let key = store::api_keys::find(&mut tx, id).await.unwrap().unwrap();
    let key = ApiKey { revoked_at: Some(key.created_at), ..key };
    assert!(store::api_keys::update(&mut tx, &key).await.unwrap());
    let (revoked, ()) = tokio::join!(ask(&server, &secret, &[]), async {
        server.app.commit(tx).await.unwrap();
    });

    assert_eq!(outcome(&narrowed), "read");
    assert_eq!(server.claims(&narrowed).await["roles"], json!(["viewer"]));
    assert_eq!(revoked.error(), (401, "invalid_client"));
}
