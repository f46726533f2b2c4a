//! KX-19 for keys that are there: none is changed into more than the key that asks.

use chrono::TimeDelta;
use keyturn::{
    domain::{ApiKey, ApiKeyId, Expected, Lifetime, Owner, Reach, Text, Wider},
    manage::{
        Asker, Rejection,
        api_keys::{self, Edit, NewApiKey, OldSecret, Rotated, Rotation},
    },
};

use super::{asker_with, define, scope, told, tree, wider};
use crate::support::{Options, TestServer, new_key};

const ANY: &Expected = &Expected::Any;

async fn rotate(server: &TestServer, asker: &Asker, id: ApiKeyId) -> Result<Rotated, Rejection> {
    let old_secret = OldSecret::DiesAfter(TimeDelta::hours(1));
    let rotation = Rotation { old_secret, lifetime: None, force: true };
    api_keys::rotate(&server.app, asker, id, ANY, rotation).await
}

async fn extend(
    server: &TestServer,
    asker: &Asker,
    id: ApiKeyId,
    by: TimeDelta,
) -> Result<ApiKey, Rejection> {
    let end = server.app.clock.now() + by;
    api_keys::set_rotation_end(&server.app, asker, id, ANY, end).await
}

async fn found(server: &TestServer, id: ApiKeyId) -> ApiKey {
    api_keys::show(&server.app, &Asker::keyturn(), id).await.unwrap().key
}

fn described(text: &str) -> Edit {
    Edit { description: Some(text.parse().unwrap()), ..Edit::default() }
}

/// Where an operator may let the end of a key be changed.
fn lax() -> Options {
    let mut options = Options::default();
    options.settings.keys.expiry_may_change = true;
    options
}

#[tokio::test]
async fn kx_19_a_wider_key_can_be_stopped_and_not_used() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let (app, owner) = (&server.app, Owner::Organization(acme));
        let roles = Some("owner".parse().unwrap());
        let (wide, _) = server.make_key(NewApiKey { roles, ..new_key(owner, "wide") }).await;
        server.rotate(wide.id, TimeDelta::days(1)).await;
        let manager = asker_with(&server, new_key(owner, "manager")).await;

        let refused = [
            told(rotate(&server, &manager, wide.id).await),
            told(api_keys::update(app, &manager, wide.id, ANY, described("mine")).await),
            told(api_keys::set_locked(app, &manager, wide.id, ANY, true).await),
            told(extend(&server, &manager, wide.id, TimeDelta::days(2)).await),
        ];
        extend(&server, &manager, wide.id, TimeDelta::hours(1)).await.unwrap();
        api_keys::set_enabled(app, &manager, wide.id, ANY, false).await.unwrap();
        let enable = api_keys::set_enabled(app, &manager, wide.id, ANY, true).await;
        let stopped = found(&server, wide.id).await;
        api_keys::set_locked(app, &Asker::keyturn(), wide.id, ANY, true).await.unwrap();
        let unlock = api_keys::set_locked(app, &manager, wide.id, ANY, false).await;
        api_keys::set_locked(app, &Asker::keyturn(), wide.id, ANY, false).await.unwrap();
        api_keys::revoke(app, &manager, wide.id, ANY).await.unwrap();
        api_keys::delete(app, &manager, wide.id, ANY).await.unwrap();

        let why = Rejection::Wider(scope("admin")).to_string();
        assert_eq!(refused, [&*why; 4], "{}", server.engine);
        assert_eq!([wider(enable), wider(unlock)], [scope("admin"), scope("admin")]);
        assert!(stopped.disabled_at.is_some() && stopped.description == Text::default());
    }
}

#[tokio::test]
async fn a_key_within_bounds_can_be_managed_in_every_way() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let (app, owner) = (&server.app, Owner::Organization(acme));
        let (key, _) = server.key(owner, "ci").await;
        let manager = asker_with(&server, new_key(owner, "manager")).await;

        rotate(&server, &manager, key.id).await.unwrap();
        extend(&server, &manager, key.id, TimeDelta::days(2)).await.unwrap();
        api_keys::update(app, &manager, key.id, ANY, described("mine")).await.unwrap();
        for enabled in [false, true] {
            api_keys::set_enabled(app, &manager, key.id, ANY, enabled).await.unwrap();
        }
        for locked in [true, false] {
            api_keys::set_locked(app, &manager, key.id, ANY, locked).await.unwrap();
        }

        let now = found(&server, key.id).await;
        assert_eq!(now.description.as_str(), "mine", "{}", server.engine);
        assert!(now.disabled_at.is_none() && now.locked_at.is_none());
        let trail = server.audit_trail(&format!("key:{}", key.id)).await;
        let by_manager = trail.iter().filter(|event| event.actor == manager.actor).count();
        assert_eq!(by_manager, 7, "each by whom it was done");
    }
}

#[tokio::test]
async fn kx_19_no_key_is_changed_into_more_than_the_one_that_asks() {
    for server in TestServer::on_each_engine_with(lax).await {
        let tree = tree(&server).await;
        let owner = Owner::Organization(tree.acme);
        define(&server, tree.acme, "deployer", "deploy").await;
        let end = server.app.clock.now() + TimeDelta::days(10);
        let narrow = |name| NewApiKey {
            allowed_networks: "127.0.0.0/8".parse().unwrap(),
            lifetime: Lifetime::Until(end),
            ..new_key(owner, name)
        };
        let (key, _) = server.make_key(narrow("ci")).await;
        let asker = asker_with(&server, narrow("asker")).await;
        let edit = Edit::default;
        let roles = |roles: &str| Some(Some(roles.parse().unwrap()));
        let networks = |text: &str| Some(text.parse().unwrap());
        let own_networks = "127.0.0.0/8".parse().unwrap();

        let cases = [
            (Edit { roles: roles("owner"), ..edit() }, scope("admin")),
            (Edit { roles: roles("deployer viewer"), ..edit() }, scope("deploy")),
            (Edit { reach: Some(Reach::Subtree), ..edit() }, Wider::Reach),
            (Edit { reach: Some(Reach::Listed(vec![tree.left])), ..edit() }, Wider::Reach),
            (Edit { allowed_networks: networks(""), ..edit() }, Wider::Networks(own_networks)),
            (Edit { lifetime: Some(Lifetime::Never), ..edit() }, Wider::Lifetime(end)),
            (
                Edit { lifetime: Some(Lifetime::Until(end + TimeDelta::days(1))), ..edit() },
                Wider::Lifetime(end),
            ),
        ];
        for (wish, expected) in cases {
            let what = format!("{} {wish:?}", server.engine);
            let refused = api_keys::update(&server.app, &asker, key.id, ANY, wish).await;
            assert_eq!(wider(refused), expected, "{what}");
            assert_eq!(found(&server, key.id).await, key, "{what}");
        }
        let none = Edit { roles: Some(None), ..edit() };
        let none = api_keys::update(&server.app, &asker, key.id, ANY, none).await;
        assert!(matches!(none, Err(Rejection::NoRole)), "{none:?}");
        let less = Edit {
            roles: roles("viewer"),
            allowed_networks: networks("127.0.0.1"),
            lifetime: Some(Lifetime::Until(end - TimeDelta::days(1))),
            ..edit()
        };
        api_keys::update(&server.app, &asker, key.id, ANY, less).await.unwrap();
    }
}

#[tokio::test]
async fn kx_19_the_usual_lifetime_is_cut_to_the_end_of_the_key_that_asks() {
    let server = TestServer::with(lax()).await;
    let owner = Owner::Organization(server.acme().await);
    let end = server.app.clock.now() + TimeDelta::days(10);
    let living = |lifetime, name| NewApiKey { lifetime, ..new_key(owner, name) };
    let (edited, _) = server.make_key(living(Lifetime::Until(end), "edited")).await;
    let (rotated, _) = server.make_key(living(Lifetime::Until(end), "rotated")).await;
    let asker = asker_with(&server, living(Lifetime::Until(end), "asker")).await;

    let usual = Edit { lifetime: Some(Lifetime::Default), ..Edit::default() };
    let edited = api_keys::update(&server.app, &asker, edited.id, ANY, usual).await;
    let old_secret = OldSecret::DiesAfter(TimeDelta::zero());
    let usual = Rotation { old_secret, lifetime: Some(Lifetime::Default), force: true };
    let longer = Rotation { old_secret, lifetime: Some(Lifetime::Never), force: true };
    let refused = api_keys::rotate(&server.app, &asker, rotated.id, ANY, longer).await;
    let rotated = api_keys::rotate(&server.app, &asker, rotated.id, ANY, usual).await;

    assert_eq!(edited.unwrap().expires_at, Some(end));
    assert_eq!(rotated.unwrap().key.expires_at, Some(end));
    assert_eq!(wider(refused), Wider::Lifetime(end));
}

#[tokio::test]
async fn kx_18_a_key_out_of_sight_is_no_different_from_one_that_does_not_exist() {
    for server in TestServer::on_each_engine().await {
        let (tree, app) = (tree(&server).await, &server.app);
        let ada = server.user("ada@example.com", &[(tree.left, "viewer")]).await;
        let nobody = ApiKeyId(keyturn::random::Random::System.id(app.clock.now()));
        let mut hidden = vec![nobody];
        for owner in [tree.acme, tree.right, tree.leaf, tree.other] {
            hidden.push(server.key(Owner::Organization(owner), "ci").await.0.id);
        }
        hidden.push(server.key(Owner::User(ada), "ci").await.0.id);
        let asker = asker_with(&server, new_key(Owner::Organization(tree.left), "asker")).await;

        for id in hidden {
            let answers = [
                told(api_keys::show(app, &asker, id).await),
                told(api_keys::update(app, &asker, id, ANY, Edit::default()).await),
                told(api_keys::set_enabled(app, &asker, id, ANY, false).await),
                told(api_keys::set_locked(app, &asker, id, ANY, true).await),
                told(rotate(&server, &asker, id).await),
                told(extend(&server, &asker, id, TimeDelta::hours(1)).await),
                told(api_keys::revoke(app, &asker, id, ANY).await),
                told(api_keys::delete(app, &asker, id, &Expected::OneOf(vec![])).await),
            ];
            assert_eq!(answers, ["there is no such key"; 8], "{} {id}", server.engine);
        }
        let all = api_keys::Filter::default();
        let seen = api_keys::list(app, &asker, &all, keyturn::manage::Page::ALL).await.unwrap();
        let seen: Vec<_> = seen.iter().map(|listed| listed.key.name.as_str()).collect();
        assert_eq!(seen, ["asker"], "{}", server.engine);
    }
}

#[tokio::test]
async fn whoever_only_reads_changes_nothing() {
    let server = TestServer::start().await;
    let (acme, app) = (server.acme().await, &server.app);
    let (key, _) = server.key(Owner::Organization(acme), "ci").await;
    let roles = Some("viewer".parse().unwrap());
    let viewer = NewApiKey { roles, ..new_key(Owner::Organization(acme), "viewer") };
    let viewer = asker_with(&server, viewer).await;

    let answers = [
        told(api_keys::update(app, &viewer, key.id, ANY, described("mine")).await),
        told(api_keys::set_enabled(app, &viewer, key.id, ANY, false).await),
        told(api_keys::set_locked(app, &viewer, key.id, ANY, true).await),
        told(rotate(&server, &viewer, key.id).await),
        told(extend(&server, &viewer, key.id, TimeDelta::hours(1)).await),
        told(api_keys::revoke(app, &viewer, key.id, ANY).await),
        told(api_keys::delete(app, &viewer, key.id, ANY).await),
        told(api_keys::create(app, &viewer, new_key(key.owner, "new")).await),
    ];

    assert_eq!(answers, ["this needs the scope keys:write"; 8]);
    assert_eq!(found(&server, key.id).await, key);
}
