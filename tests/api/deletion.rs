//! What is still used is not deleted, and whoever asks is told what is in the way.

use keyturn::{
    domain::{ClientTerms, Expected, OrganizationId, Owner},
    manage::{
        Asker, Rejection,
        api_keys::{self, NewApiKey},
        clients, members, organizations, roles,
    },
};

use crate::support::{TestServer, new_key};

const ANY: &Expected = &Expected::Any;

/// What is in the way, as kind and name.
fn in_the_way(outcome: Result<(), Rejection>) -> Vec<(&'static str, String)> {
    match outcome {
        Err(Rejection::StillUsed(obstacles)) => {
            obstacles.into_iter().map(|it| (it.kind, it.name)).collect()
        }
        other => panic!("{other:?}"),
    }
}

async fn define(server: &TestServer, organization_id: OrganizationId, name: &str) {
    let (name, scopes) = (name.parse().unwrap(), "read".parse().unwrap());
    let role = roles::Definition { organization_id, name, scopes };
    roles::define(&server.app, &Asker::keyturn(), ANY, role).await.unwrap();
}

#[tokio::test]
async fn an_organization_goes_when_its_keys_and_what_lies_below_have_gone() {
    for server in TestServer::on_each_engine().await {
        let (app, asker) = (&server.app, Asker::keyturn());
        let acme = server.acme().await;
        let left = server.suborganization(acme, "left").await;
        let below = server.suborganization(left, "below").await;
        let ada = server.user("ada@example.com", &[(left, "viewer")]).await;
        define(&server, left, "custom").await;
        let (key, _) = server.key(Owner::Organization(left), "ci").await;
        server.revoke(key.id).await;
        let delete = async |id| organizations::delete(app, &asker, id, ANY).await;

        let whole = in_the_way(delete(left).await);
        delete(below).await.unwrap();
        let key_left = in_the_way(delete(left).await);
        api_keys::delete(app, &asker, key.id, ANY).await.unwrap();
        let shop = server.client(left, "shop", ClientTerms::default()).await.client;
        let client_left = in_the_way(delete(left).await);
        clients::delete(app, &asker, shop.id, ANY).await.unwrap();
        delete(left).await.unwrap();

        let obstacles = [("organization", "below".to_owned()), ("api_key", "ci".to_owned())];
        assert_eq!(whole, obstacles, "{}", server.engine);
        assert_eq!(key_left, obstacles[1..], "a revoked key is a key");
        assert_eq!(client_left, [("client", "shop".to_owned())], "{}", server.engine);
        let gone = organizations::show(app, &asker, left).await.err();
        assert!(matches!(gone, Some(Rejection::NotFound("organization"))), "{gone:?}");
        let again = server.suborganization(acme, "left").await;
        assert_ne!(again, left, "the name is free");
        let no_member = members::show(app, &asker, again, ada).await.err();
        assert!(matches!(no_member, Some(Rejection::NotFound("member"))), "{no_member:?}");
        let no_role = roles::show(app, &asker, again, &"custom".parse().unwrap()).await.err();
        assert!(matches!(no_role, Some(Rejection::NotFound("role"))), "{no_role:?}");
    }
}

#[tokio::test]
async fn no_more_than_some_of_what_is_in_the_way_is_named() {
    let server = TestServer::start().await;
    server.root("operators").await;
    let acme = server.acme().await;
    for number in 0..25 {
        server.key(Owner::Organization(acme), &number.to_string()).await;
        server.suborganization(acme, &number.to_string()).await;
    }

    let deleted = organizations::delete(&server.app, &Asker::keyturn(), acme, ANY).await;

    assert_eq!(in_the_way(deleted).len(), 40, "20 of each kind");
}

#[tokio::test]
async fn a_role_goes_when_nobody_has_it_here_or_below() {
    for server in TestServer::on_each_engine().await {
        let (app, asker) = (&server.app, Asker::keyturn());
        let acme = server.acme().await;
        let left = server.suborganization(acme, "left").await;
        for name in ["custom", "custom2", "acustom"] {
            define(&server, acme, name).await;
        }
        let owner = Owner::Organization(left);
        let with = |roles: &str, name| NewApiKey {
            roles: Some(roles.parse().unwrap()),
            ..new_key(owner, name)
        };
        let (used, _) = server.make_key(with("acustom custom viewer", "used")).await;
        let (revoked, _) = server.make_key(with("custom", "revoked")).await;
        server.make_key(with("acustom custom2", "other")).await;
        server.revoke(revoked.id).await;
        let ada = server.user("ada@example.com", &[(left, "custom")]).await;
        let custom = "custom".parse().unwrap();
        let delete = async || roles::delete(app, &asker, acme, &custom, ANY).await;

        let both = in_the_way(delete().await);
        server.disable(used.id).await;
        server.set_role(ada, left, "custom2").await;
        let key = in_the_way(delete().await);
        api_keys::delete(app, &asker, used.id, ANY).await.unwrap();
        delete().await.unwrap();

        let names = [("api_key", "used".to_owned()), ("member", "ada@example.com".to_owned())];
        assert_eq!(both, names, "{}: names that contain its name are others", server.engine);
        assert_eq!(key, names[..1], "{}", server.engine);
        let gone = roles::show(app, &asker, acme, &custom).await.err();
        assert!(matches!(gone, Some(Rejection::NotFound("role"))), "{gone:?}");
    }
}

/// Of the organization, its key and its role, in any table there is now or will be.
#[tokio::test]
async fn what_was_deleted_is_named_by_the_records_of_what_was_done_and_nothing_else() {
    for server in TestServer::on_each_engine().await {
        let (app, asker) = (&server.app, Asker::keyturn());
        let acme = server.acme().await;
        let left = server.suborganization(acme, "left").await;
        server.user("ada@example.com", &[(left, "viewer")]).await;
        define(&server, left, "custom-of-left").await;
        let (key, secret) = server.key(Owner::Organization(left), "key-of-left").await;
        server.rotate(key.id, chrono::TimeDelta::days(1)).await;
        server.exchange("key-of-left", &secret).await;
        let names = [
            left.0.simple().to_string(),
            left.to_string(),
            key.id.0.simple().to_string(),
            key.id.to_string(),
            "of-left".to_owned(),
        ];
        let records = "delete from audit_events; delete from changes; delete from outbox";
        server.settle().await;
        let before = server.dump().await;

        api_keys::delete(app, &asker, key.id, ANY).await.unwrap();
        organizations::delete(app, &asker, left, ANY).await.unwrap();
        server.sql(records).await;
        let after = server.dump().await;

        assert!(names.iter().any(|name| before.contains(name)), "{}", server.engine);
        for name in names {
            assert!(!after.contains(&name), "{}: {name}", server.engine);
        }
    }
}

#[tokio::test]
async fn of_a_deletion_and_a_new_key_at_once_one_wins_and_the_other_is_told() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let acme = server.acme().await;
        let asker = Asker::keyturn();
        for round in 0..20 {
            let below = server.suborganization(acme, &round.to_string()).await;
            let new = new_key(Owner::Organization(below), "ci");

            let (deleted, made) = tokio::join!(
                organizations::delete(&server.app, &asker, below, ANY),
                api_keys::create(&other.app, &asker, new)
            );

            let what = format!("{} {round}", server.engine);
            assert!(deleted.is_ok() != made.is_ok(), "{what}: {deleted:?} {made:?}");
            let told = [deleted.err(), made.err()].into_iter().flatten().next().unwrap();
            let says_why = matches!(
                told,
                Rejection::StillUsed(_) | Rejection::NotFound(_) | Rejection::ChangedMeanwhile
            );
            assert!(says_why, "{what}: {told:?}");
        }
    }
}
