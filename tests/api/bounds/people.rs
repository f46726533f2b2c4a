//! KX-18 and KX-19 for keys of users, for members and for roles.

use keyturn::{
    domain::{
        ApiKey, Expected, OrganizationId, Owner, Reach, RoleName, Secret, Text, UserId, Wider,
    },
    manage::{
        Asker, Rejection,
        api_keys::{self, Created, NewApiKey, OldSecret, Rotation},
        members::{self, NewMember},
        roles::{self, Definition},
    },
    random::Random,
};

use super::{asker, asker_with, define, narrowed, scope, told, tree, wider};
use crate::support::{TestServer, new_key};

const ANY: &Expected = &Expected::Any;

/// A key of this user that may do all its user may, or no more than these roles.
fn of(user: UserId, roles: &str, reach: Reach) -> NewApiKey {
    let roles = (!roles.is_empty()).then(|| roles.parse().unwrap());
    NewApiKey { roles, reach, ..new_key(Owner::User(user), &Random::System.base62(12)) }
}

async fn make(server: &TestServer, new: NewApiKey) -> (ApiKey, Secret) {
    server.make_key(new).await
}

async fn create(server: &TestServer, asker: &Asker, new: NewApiKey) -> Result<Created, Rejection> {
    api_keys::create(&server.app, asker, new).await
}

async fn acting_in(
    server: &TestServer,
    key: &(ApiKey, Secret),
    organization: OrganizationId,
) -> Asker {
    narrowed(server, key, &[("organizationId", &organization.to_string())]).await
}

async fn rotate(server: &TestServer, asker: &Asker, key: &ApiKey) -> Result<(), Rejection> {
    let old_secret = OldSecret::DiesAfter(chrono::TimeDelta::zero());
    let rotation = Rotation { old_secret, lifetime: None, force: true };
    api_keys::rotate(&server.app, asker, key.id, ANY, rotation).await.map(drop)
}

#[tokio::test]
async fn kx_18_a_users_key_makes_keys_of_this_user_only() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let ada = server.user("ada@example.com", &[(acme, "owner")]).await;
        let bob = server.user("bob@example.com", &[(acme, "viewer")]).await;
        let nobody = UserId(Random::System.id(server.app.clock.now()));
        let asker = asker_with(&server, of(ada, "", Reach::Own)).await;

        let own = create(&server, &asker, of(ada, "", Reach::Own)).await;
        let others = create(&server, &asker, of(bob, "viewer", Reach::Own)).await;
        let unknown = create(&server, &asker, of(nobody, "viewer", Reach::Own)).await;

        assert_eq!(own.unwrap().key.owner, Owner::User(ada), "{}", server.engine);
        assert_eq!(told(others), "there is no such user");
        assert_eq!(told(unknown), "there is no such user");
    }
}

#[tokio::test]
async fn kx_19_a_users_key_makes_none_with_roles_it_lacks() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let ada = server.user("ada@example.com", &[(acme, "owner")]).await;
        let bounded = asker_with(&server, of(ada, "manager", Reach::Own)).await;
        let both = asker_with(&server, of(ada, "manager viewer", Reach::Own)).await;

        let same = create(&server, &bounded, of(ada, "manager", Reach::Own)).await;
        let all = create(&server, &bounded, of(ada, "", Reach::Own)).await;
        let other = create(&server, &bounded, of(ada, "owner", Reach::Own)).await;
        let one_of_two = create(&server, &both, of(ada, "viewer", Reach::Own)).await;

        assert!(same.is_ok(), "{}: {same:?}", server.engine);
        assert_eq!(wider(all), Wider::AllRoles);
        assert_eq!(wider(other), Wider::Role(RoleName::owner()));
        assert!(one_of_two.is_ok(), "{one_of_two:?}");
    }
}

#[tokio::test]
async fn kx_19_a_users_key_makes_none_that_reaches_further() {
    for server in TestServer::on_each_engine().await {
        let tree = tree(&server).await;
        let roles = [(tree.acme, "manager"), (tree.left, "manager"), (tree.other, "manager")];
        let ada = server.user("ada@example.com", &roles).await;
        let listed = |ids: &[OrganizationId]| Reach::Listed(ids.to_vec());
        let cases = [
            (Reach::Subtree, Reach::Subtree, true),
            (Reach::Subtree, Reach::Own, true),
            (Reach::Subtree, listed(&[tree.leaf, tree.other]), true),
            (Reach::Own, Reach::Own, true),
            (Reach::Own, listed(&[tree.left]), true),
            (Reach::Own, listed(&[tree.leaf]), false),
            (Reach::Own, Reach::Subtree, false),
            (listed(&[tree.left, tree.leaf]), listed(&[tree.left]), true),
            (listed(&[tree.left, tree.leaf]), listed(&[tree.leaf, tree.left]), true),
            (listed(&[tree.left]), listed(&[tree.left, tree.other]), false),
            (listed(&[tree.left]), listed(&[tree.leaf]), false),
            (listed(&[tree.left]), Reach::Own, false),
            (listed(&[tree.left]), Reach::Subtree, false),
        ];

        for (own, wish, within) in cases {
            let what = format!("{} {own:?} {wish:?}", server.engine);
            let key = make(&server, of(ada, "", own)).await;
            let asker = acting_in(&server, &key, tree.left).await;

            let made = create(&server, &asker, of(ada, "", wish)).await;

            if within {
                assert!(made.is_ok(), "{what}: {made:?}");
            } else {
                assert_eq!(wider(made), Wider::Reach, "{what}");
            }
        }
    }
}

/// An owner far away and a manager here: what counts is what the key that asks may do there too.
#[tokio::test]
async fn kx_19_a_users_key_makes_none_that_may_do_more_elsewhere() {
    for server in TestServer::on_each_engine().await {
        let tree = tree(&server).await;
        define(&server, tree.left, "custom", "keys:read keys:write read").await;
        define(&server, tree.other, "custom", "audit:read keys:read keys:write read").await;
        let roles = [(tree.left, "custom"), (tree.other, "custom")];
        let ada = server.user("ada@example.com", &roles).await;
        let key = make(&server, of(ada, "custom", Reach::Own)).await;
        let left = acting_in(&server, &key, tree.left).await;
        let other = acting_in(&server, &key, tree.other).await;
        let here = || of(ada, "custom", Reach::Listed(vec![tree.left]));

        let from_left = create(&server, &left, of(ada, "custom", Reach::Own)).await;
        let from_other = create(&server, &other, of(ada, "custom", Reach::Own)).await;
        let only_here = create(&server, &left, here()).await;
        let secret_from_left = rotate(&server, &left, &key.0).await;
        let secret_from_other = rotate(&server, &other, &key.0).await;

        let refused = scope("audit:read");
        assert_eq!(wider(from_left), refused, "{}: the token lacks it", server.engine);
        assert!(from_other.is_ok(), "{from_other:?}");
        assert!(only_here.is_ok(), "{only_here:?}");
        assert_eq!(wider(secret_from_left), refused);
        assert!(secret_from_other.is_ok(), "{secret_from_other:?}");
    }
}

/// A role given above reaches a listed organization, and not the same one by `own`.
#[tokio::test]
async fn kx_19_a_users_key_gains_nothing_by_naming_an_organization() {
    for server in TestServer::on_each_engine().await {
        let tree = tree(&server).await;
        let roles = [(tree.acme, "owner"), (tree.left, "manager")];
        let ada = server.user("ada@example.com", &roles).await;
        let key = make(&server, of(ada, "", Reach::Own)).await;
        let asker = acting_in(&server, &key, tree.left).await;

        let listed = of(ada, "", Reach::Listed(vec![tree.left]));
        let listed = create(&server, &asker, listed).await;

        assert_eq!(wider(listed), scope("admin"), "{}", server.engine);
    }
}

#[tokio::test]
async fn kx_19_a_users_key_makes_keys_of_organizations_within_its_users_rights() {
    for server in TestServer::on_each_engine().await {
        let tree = tree(&server).await;
        let ada = server.user("ada@example.com", &[(tree.left, "manager")]).await;
        let asker = asker_with(&server, of(ada, "", Reach::Subtree)).await;
        let with = |owner, roles: &str| NewApiKey {
            roles: Some(roles.parse().unwrap()),
            ..new_key(Owner::Organization(owner), &Random::System.base62(12))
        };

        let here = create(&server, &asker, with(tree.left, "manager")).await;
        let below = create(&server, &asker, with(tree.leaf, "viewer")).await;
        let wide = create(&server, &asker, with(tree.leaf, "owner")).await;
        let above = create(&server, &asker, with(tree.acme, "viewer")).await;

        assert!(here.is_ok() && below.is_ok(), "{}: {here:?} {below:?}", server.engine);
        assert_eq!(wider(wide), scope("admin"));
        assert_eq!(told(above), "there is no such organization");
    }
}

/// Somebody who may do all but what only owners may.
async fn steward(server: &TestServer, organization: OrganizationId, reach: Reach) -> Asker {
    let scopes = "keys:read members:read members:write organizations:read read roles:read \
                  roles:write usage:read";
    define(server, organization, "steward", scopes).await;
    let owner = Owner::Organization(organization);
    let roles = Some("steward".parse().unwrap());
    asker_with(server, NewApiKey { roles, reach, ..new_key(owner, "steward") }).await
}

fn member(organization_id: OrganizationId, email: &str, role: &str) -> NewMember {
    let (email, role) = (email.parse().unwrap(), role.parse().unwrap());
    NewMember { email, name: Text::default(), organization_id, role }
}

#[tokio::test]
async fn kx_19_nobody_gives_a_member_a_role_wider_than_their_own() {
    for server in TestServer::on_each_engine().await {
        let (tree, app) = (tree(&server).await, &server.app);
        define(&server, tree.acme, "deployer", "deploy").await;
        let ada = server.user("ada@example.com", &[(tree.acme, "viewer")]).await;
        let steward = steward(&server, tree.acme, Reach::Subtree).await;
        let role = |name: &str| -> RoleName { name.parse().unwrap() };
        let add = |new| members::add(app, &steward, new);
        let change = |name| members::change_role(app, &steward, tree.acme, ada, ANY, role(name));

        let same = add(member(tree.leaf, "bob@example.com", "steward")).await;
        let less = add(member(tree.acme, "bob@example.com", "viewer")).await;
        for (name, extra) in [("owner", "admin"), ("manager", "keys:write"), ("deployer", "deploy")]
        {
            let added = add(member(tree.right, "ada@example.com", name)).await;
            let changed = change(name).await;
            let set = members::set_role(app, &steward, ada, tree.acme, role(name)).await;
            for refused in [wider(added), wider(changed), wider(set)] {
                assert_eq!(refused, scope(extra), "{} {name}", server.engine);
            }
        }
        let unknown = change("nobody").await;
        let person = members::show(app, &steward, tree.acme, ada).await.unwrap();
        let elsewhere = members::show(app, &steward, tree.right, ada).await;
        let changed = change("steward").await.unwrap();

        assert!(same.is_ok() && less.is_ok(), "{}: {same:?} {less:?}", server.engine);
        assert!(matches!(unknown, Err(Rejection::UnknownRole(_))), "{unknown:?}");
        assert_eq!(person.membership.role, RoleName::viewer(), "nothing was changed");
        assert!(matches!(elsewhere, Err(Rejection::NotFound("member"))), "{elsewhere:?}");
        assert_eq!(changed.membership.role, role("steward"));
    }
}

#[tokio::test]
async fn kx_19_nobody_takes_a_role_from_those_who_may_more() {
    for server in TestServer::on_each_engine().await {
        let (tree, app) = (tree(&server).await, &server.app);
        let ada = server.user("ada@example.com", &[(tree.left, "owner")]).await;
        let steward = steward(&server, tree.acme, Reach::Subtree).await;
        let bob = server.user("bob@example.com", &[(tree.left, "steward")]).await;
        let viewer = RoleName::viewer;

        let refused = [
            wider(members::change_role(app, &steward, tree.left, ada, ANY, viewer()).await),
            wider(members::set_role(app, &steward, ada, tree.left, viewer()).await),
            wider(members::remove(app, &steward, tree.left, ada, ANY).await),
        ];
        members::change_role(app, &steward, tree.left, bob, ANY, viewer()).await.unwrap();
        members::remove(app, &steward, tree.left, bob, ANY).await.unwrap();

        assert_eq!(refused, [scope("admin"), scope("admin"), scope("admin")], "{}", server.engine);
        let kept = members::show(app, &steward, tree.left, ada).await.unwrap();
        assert_eq!(kept.membership.role, RoleName::owner());
    }
}

#[tokio::test]
async fn kx_19_a_role_below_counts_as_it_is_defined_there() {
    for server in TestServer::on_each_engine().await {
        let (tree, app) = (tree(&server).await, &server.app);
        let steward = steward(&server, tree.acme, Reach::Subtree).await;
        define(&server, tree.left, "steward", "deploy").await;

        let redefined = member(tree.leaf, "bob@example.com", "steward");
        let redefined = members::add(app, &steward, redefined).await;
        let inherited = member(tree.right, "bob@example.com", "steward");
        let inherited = members::add(app, &steward, inherited).await;

        assert_eq!(wider(redefined), scope("deploy"), "{}", server.engine);
        assert!(inherited.is_ok(), "{inherited:?}");
    }
}

#[tokio::test]
async fn kx_18_members_out_of_reach_are_no_different_from_those_of_nowhere() {
    for server in TestServer::on_each_engine().await {
        let (tree, app) = (tree(&server).await, &server.app);
        let ada = server.user("ada@example.com", &[(tree.acme, "viewer")]).await;
        let nowhere = OrganizationId(Random::System.id(app.clock.now()));
        let steward = steward(&server, tree.left, Reach::Own).await;
        let viewer = RoleName::viewer;

        for organization in [tree.acme, tree.leaf, tree.other, nowhere] {
            let page = keyturn::manage::Page::ALL;
            let answers = [
                told(members::list(app, &steward, organization, page).await),
                told(members::show(app, &steward, organization, ada).await),
                told(
                    members::add(app, &steward, member(organization, "b@x.org", "viewer"))
                        .await
                        .map(drop),
                ),
                told(members::set_role(app, &steward, ada, organization, viewer()).await),
                told(
                    members::change_role(app, &steward, organization, ada, ANY, viewer())
                        .await
                        .map(drop),
                ),
                told(members::remove(app, &steward, organization, ada, ANY).await),
            ];
            assert_eq!(answers, ["there is no such organization"; 6], "{}", server.engine);
        }
        let users = server.audit_trail("user").await;
        assert!(users.is_empty(), "nobody was made on the way");
    }
}

#[tokio::test]
async fn kx_19_nobody_defines_a_role_that_means_more_than_they_have() {
    for server in TestServer::on_each_engine().await {
        let (tree, app) = (tree(&server).await, &server.app);
        let steward = steward(&server, tree.acme, Reach::Subtree).await;
        let wish = |organization_id, name: &str, scopes: &str| Definition {
            organization_id,
            name: name.parse().unwrap(),
            scopes: scopes.parse().unwrap(),
        };
        let define = |new| roles::define(app, &steward, ANY, new);

        let less = define(wish(tree.leaf, "custom", "keys:read read")).await;
        let more = define(wish(tree.leaf, "custom", "keys:read keys:write read")).await;
        let elsewhere = define(wish(tree.acme, "custom", "deploy")).await;
        let own = define(wish(tree.acme, "steward", "members:write roles:write write")).await;
        let built_in = define(wish(tree.acme, "owner", "read")).await;
        let hidden = define(wish(tree.other, "custom", "read")).await;
        let custom = "custom".parse().unwrap();
        let kept = roles::show(app, &steward, tree.leaf, &custom).await.unwrap();

        assert!(less.is_ok(), "{}: {less:?}", server.engine);
        assert_eq!(wider(more), scope("keys:write"));
        assert_eq!(wider(elsewhere), scope("deploy"));
        assert_eq!(wider(own), scope("write"), "least of all their own role");
        assert!(matches!(built_in, Err(Rejection::BuiltInRole(_))), "{built_in:?}");
        assert_eq!(told(hidden), "there is no such organization");
        assert_eq!(kept.scopes.to_string(), "keys:read read");
    }
}

#[tokio::test]
async fn kx_19_a_narrowed_token_gives_members_and_roles_none_of_keyturns_scopes_it_lacks() {
    let server = TestServer::start().await;
    let (acme, app) = (server.acme().await, &server.app);
    let ada = server.user("ada@example.com", &[(acme, "owner")]).await;
    let key = make(&server, of(ada, "", Reach::Own)).await;
    let wishes = [("scope", "members:write roles:write")];
    let narrow = narrowed(&server, &key, &wishes).await;
    let full = asker(&server, &key).await;
    let role = |scopes: &str| Definition {
        organization_id: acme,
        name: "custom".parse().unwrap(),
        scopes: scopes.parse().unwrap(),
    };

    let by_narrow = [
        wider(members::add(app, &narrow, member(acme, "b@x.org", "viewer")).await.map(drop)),
        wider(roles::define(app, &narrow, ANY, role("keys:read")).await.map(drop)),
    ];
    roles::define(app, &narrow, ANY, role("members:write read")).await.unwrap();
    members::add(app, &full, member(acme, "b@x.org", "owner")).await.unwrap();

    assert_eq!(by_narrow, [scope("keys:read"), scope("keys:read")]);
}
