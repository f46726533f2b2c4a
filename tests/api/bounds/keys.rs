//! KX-18 and KX-19 for new keys of organizations.

use chrono::TimeDelta;
use keyturn::{
    domain::{Lifetime, Networks, OrganizationId, Owner, Reach, UserId, Wider},
    manage::{
        Asker, Page, Rejection,
        api_keys::{self, Created, NewApiKey},
    },
    random::Random,
};

use super::{asker, asker_with, define, narrowed, scope, told, tree, wider};
use crate::support::{TestServer, new_key};

async fn create(server: &TestServer, asker: &Asker, new: NewApiKey) -> Result<Created, Rejection> {
    api_keys::create(&server.app, asker, new).await
}

/// A key with a name of its own.
fn any_key(owner: OrganizationId) -> NewApiKey {
    new_key(Owner::Organization(owner), &Random::System.base62(12))
}

fn with_roles(owner: OrganizationId, roles: &str) -> NewApiKey {
    NewApiKey { roles: Some(roles.parse().unwrap()), ..any_key(owner) }
}

#[tokio::test]
async fn kx_19_a_key_makes_no_key_with_a_wider_role() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        define(&server, acme, "reader", "read").await;
        define(&server, acme, "deployer", "deploy read").await;
        let manager = asker_with(&server, any_key(acme)).await;

        for roles in ["viewer", "manager", "reader", "manager reader viewer"] {
            let made = create(&server, &manager, with_roles(acme, roles)).await;
            assert_eq!(made.unwrap().key.roles, Some(roles.parse().unwrap()), "{}", server.engine);
        }
        for (roles, extra) in
            [("owner", "admin"), ("deployer", "deploy"), ("deployer viewer", "deploy")]
        {
            let refused = create(&server, &manager, with_roles(acme, roles)).await;
            assert_eq!(wider(refused), scope(extra), "{} {roles}", server.engine);
        }
        let (operator, all) = (Asker::keyturn(), api_keys::Filter::default());
        let listed = api_keys::list(&server.app, &operator, &all, Page::ALL).await;
        assert_eq!(listed.unwrap().len(), 5, "what is refused is not made");
    }
}

#[tokio::test]
async fn kx_19_a_role_counts_as_it_is_defined_where_the_new_key_belongs() {
    for server in TestServer::on_each_engine().await {
        let tree = tree(&server).await;
        define(&server, tree.acme, "custom", "read").await;
        define(&server, tree.left, "custom", "deploy read").await;
        define(&server, tree.leaf, "custom", "write").await;
        let new = NewApiKey { reach: Reach::Subtree, ..any_key(tree.acme) };
        let manager = asker_with(&server, new).await;

        let here = create(&server, &manager, with_roles(tree.acme, "custom")).await;
        let left = create(&server, &manager, with_roles(tree.left, "custom")).await;
        let right = create(&server, &manager, with_roles(tree.right, "custom")).await;
        let leaf = create(&server, &manager, with_roles(tree.leaf, "custom")).await;

        assert!(here.is_ok() && right.is_ok() && leaf.is_ok(), "{}", server.engine);
        assert_eq!(wider(left), scope("deploy"), "{}", server.engine);
    }
}

#[tokio::test]
async fn kx_19_a_key_makes_no_key_that_reaches_further() {
    for server in TestServer::on_each_engine().await {
        let tree = tree(&server).await;
        let own = asker_with(&server, any_key(tree.left)).await;
        let subtree = NewApiKey { reach: Reach::Subtree, ..any_key(tree.left) };
        let subtree = asker_with(&server, subtree).await;
        let reaches = [
            (Reach::Own, true),
            (Reach::Listed(vec![tree.left]), true),
            (Reach::Listed(vec![tree.leaf]), false),
            (Reach::Listed(vec![tree.left, tree.leaf]), false),
            (Reach::Subtree, false),
        ];

        for (reach, within_own) in reaches {
            let new = || NewApiKey { reach: reach.clone(), ..any_key(tree.left) };
            let by_subtree = create(&server, &subtree, new()).await;
            let by_own = create(&server, &own, new()).await;

            assert_eq!(by_subtree.unwrap().key.reach, reach, "{}", server.engine);
            if within_own {
                assert_eq!(by_own.unwrap().key.reach, reach, "{}", server.engine);
            } else {
                assert_eq!(wider(by_own), Wider::Reach, "{} {reach:?}", server.engine);
            }
        }
        let above = NewApiKey { reach: Reach::Listed(vec![tree.acme]), ..any_key(tree.left) };
        let above = create(&server, &subtree, above).await;
        assert!(matches!(above, Err(Rejection::OutOfReach(_))), "{above:?}");
    }
}

#[tokio::test]
async fn kx_18_an_owner_out_of_reach_is_no_different_from_one_that_does_not_exist() {
    for server in TestServer::on_each_engine().await {
        let tree = tree(&server).await;
        let ada = server.user("ada@example.com", &[(tree.left, "viewer")]).await;
        let nowhere = OrganizationId(Random::System.id(server.app.clock.now()));
        let nobody = UserId(nowhere.0);
        let own = asker_with(&server, any_key(tree.left)).await;
        let subtree = NewApiKey { reach: Reach::Subtree, ..any_key(tree.left) };
        let subtree = asker_with(&server, subtree).await;

        for (asker, hidden) in [
            (&own, vec![tree.acme, tree.right, tree.leaf, tree.other]),
            (&subtree, vec![tree.acme, tree.right, tree.other]),
        ] {
            let unknown = told(create(&server, asker, any_key(nowhere)).await);
            for organization in hidden {
                // Whatever else is wrong: that it exists is not told.
                for roles in ["viewer", "owner", "unknown"] {
                    let refused = create(&server, asker, with_roles(organization, roles)).await;
                    assert_eq!(told(refused), unknown, "{} {organization}", server.engine);
                }
            }
            let unknown = told(create(&server, asker, new_key(Owner::User(nobody), "a")).await);
            let hidden = told(create(&server, asker, new_key(Owner::User(ada), "a")).await);
            assert_eq!(hidden, unknown, "{}: an organization's key makes no user's", server.engine);
        }
    }
}

#[tokio::test]
async fn kx_19_a_key_of_listed_organizations_makes_keys_only_where_its_token_acts() {
    for server in TestServer::on_each_engine().await {
        let tree = tree(&server).await;
        let reach = Reach::Listed(vec![tree.left, tree.right]);
        let key = server.make_key(NewApiKey { reach, ..any_key(tree.acme) }).await;
        let left = tree.left.to_string();
        let asker = narrowed(&server, &key, &[("organizationId", &left)]).await;

        let there = create(&server, &asker, any_key(tree.left)).await;
        let beside = create(&server, &asker, any_key(tree.right)).await;
        let above = create(&server, &asker, any_key(tree.acme)).await;
        let subtree = NewApiKey { reach: Reach::Subtree, ..any_key(tree.left) };
        let subtree = create(&server, &asker, subtree).await;

        assert!(there.is_ok(), "{}: {there:?}", server.engine);
        for hidden in [beside, above] {
            assert!(matches!(hidden, Err(Rejection::NotFound("organization"))), "{hidden:?}");
        }
        assert_eq!(wider(subtree), Wider::Reach);
    }
}

#[tokio::test]
async fn kx_19_a_key_makes_no_key_for_other_networks() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let networks = |text: &str| -> Networks { text.parse().unwrap() };
    let from = |text: &str| NewApiKey { allowed_networks: networks(text), ..any_key(acme) };
    let own = "127.0.0.0/8 10.0.0.0/8 2001:db8::/32";
    let asker = asker_with(&server, from(own)).await;

    let unsaid = create(&server, &asker, from("")).await.unwrap();
    assert_eq!(unsaid.key.allowed_networks, networks(own), "as narrow as the one that asks");
    for inside in ["10.2.0.0/16", "10.0.0.0/8", "10.2.3.4 2001:db8:1::/48"] {
        let made = create(&server, &asker, from(inside)).await;
        assert_eq!(made.unwrap().key.allowed_networks, networks(inside));
    }
    for outside in ["0.0.0.0/0", "::/0", "10.0.0.0/7", "10.2.0.0/16 192.0.2.1", "2001:db9::1"] {
        let refused = create(&server, &asker, from(outside)).await;
        assert_eq!(wider(refused), Wider::Networks(networks(own)), "{outside}");
    }
}

#[tokio::test]
async fn kx_19_a_key_makes_no_key_that_lives_longer() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let end = server.app.clock.now() + TimeDelta::days(10);
    let living = |lifetime| NewApiKey { lifetime, ..any_key(acme) };
    let ending = server.make_key(living(Lifetime::Until(end))).await;
    server.app.clock.advance(TimeDelta::days(1));
    let asker = asker(&server, &ending).await;
    let asker_for_ever = asker_with(&server, living(Lifetime::Never)).await;

    let unsaid = create(&server, &asker, living(Lifetime::Default)).await.unwrap();
    let as_long = create(&server, &asker, living(Lifetime::Until(end))).await.unwrap();
    let second = TimeDelta::seconds(1);
    let longer = create(&server, &asker, living(Lifetime::Until(end + second))).await;
    let for_ever = create(&server, &asker, living(Lifetime::Never)).await;
    let never = create(&server, &asker_for_ever, living(Lifetime::Never)).await.unwrap();
    let default = create(&server, &asker_for_ever, living(Lifetime::Default)).await.unwrap();

    assert_eq!(unsaid.key.expires_at, Some(end), "cut to the end of the one that asks");
    assert_eq!(as_long.key.expires_at, Some(end));
    assert_eq!(wider(longer), Wider::Lifetime(end));
    assert_eq!(wider(for_ever), Wider::Lifetime(end));
    assert_eq!(never.key.expires_at, None);
    assert_eq!(default.key.expires_at, Some(server.app.clock.now() + TimeDelta::days(183)));
}

#[tokio::test]
async fn kx_19_a_narrowed_token_hands_on_none_of_keyturns_scopes_that_it_lacks() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        define(&server, acme, "writer", "read write").await;
        define(&server, acme, "reads-keys", "keys:read").await;
        let owner = server.make_key(with_roles(acme, "owner")).await;
        let writes = narrowed(&server, &owner, &[("scope", "keys:write")]).await;
        let both = narrowed(&server, &owner, &[("scope", "keys:read keys:write")]).await;
        let reads = narrowed(&server, &owner, &[("scope", "keys:read")]).await;

        let own_scope = create(&server, &writes, with_roles(acme, "reads-keys")).await;
        let built_in = create(&server, &writes, with_roles(acme, "viewer")).await;
        let elsewhere = create(&server, &writes, with_roles(acme, "writer")).await;
        let carried = create(&server, &both, with_roles(acme, "reads-keys")).await;
        let not_carried = create(&server, &both, with_roles(acme, "viewer")).await;
        let powerless = create(&server, &reads, with_roles(acme, "reads-keys")).await;

        assert_eq!(wider(own_scope), scope("keys:read"), "{}", server.engine);
        assert_eq!(wider(built_in), scope("keys:read"));
        assert!(elsewhere.is_ok(), "what is for others was never in this token: {elsewhere:?}");
        assert!(carried.is_ok(), "{carried:?}");
        assert_eq!(wider(not_carried), scope("organizations:read"));
        assert!(matches!(powerless, Err(Rejection::MissingScope("keys:write"))), "{powerless:?}");
    }
}

#[tokio::test]
async fn kx_19_whoever_may_not_make_keys_learns_nothing_of_those_made_before() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    let key = server.make_key(any_key(acme)).await;
    let (writes, reads) = (
        narrowed(&server, &key, &[]).await,
        narrowed(&server, &key, &[("scope", "keys:read")]).await,
    );
    let once = keyturn::domain::Once::new("again", &[b"request"]).unwrap();
    let new = || NewApiKey { name: "new".parse().unwrap(), ..any_key(acme) };
    api_keys::create_once(&server.app, &writes, new(), &once).await.unwrap();

    let again = api_keys::create_once(&server.app, &reads, new(), &once).await;

    assert!(matches!(again, Err(Rejection::MissingScope("keys:write"))), "{again:?}");
}
