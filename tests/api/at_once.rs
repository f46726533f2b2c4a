//! Two who change the same thing at once, on two nodes: nobody's change is lost unseen.

use keyturn::{
    domain::{Expected, Version},
    manage::{Asker, Rejection, members, organizations, resources, roles, users},
};

use crate::support::TestServer;

const ROUNDS: i64 = 20;

/// One of them has won, the other is told to look again.
fn one_won<T, U>(what: &str, outcomes: (Result<T, Rejection>, Result<U, Rejection>)) {
    match outcomes {
        (Ok(_), Err(lost)) | (Err(lost), Ok(_)) => {
            assert!(matches!(lost, Rejection::ChangedMeanwhile), "{what}: {lost:?}");
        }
        (Ok(_), Ok(_)) => panic!("{what}: one change is lost"),
        (Err(one), Err(other)) => panic!("{what}: {one:?} {other:?}"),
    }
}

#[tokio::test]
async fn of_two_who_change_the_same_state_at_once_one_is_told_to_look_again() {
    for (here, there) in TestServer::pairs_on_each_engine().await {
        let (a, b, asker) = (&here.app, &there.app, &Asker::keyturn());
        let acme = here.acme().await;
        let ada = here.user("ada@example.com", &[(acme, "viewer")]).await;
        let role = |scopes: &str| roles::Definition {
            organization_id: acme,
            name: "custom".parse().unwrap(),
            scopes: scopes.parse().unwrap(),
        };
        roles::define(a, asker, &Expected::Absent, role("read")).await.unwrap();
        let resource = |scopes: &str| resources::NewResource {
            identifier: "api".parse().unwrap(),
            scopes: scopes.parse().unwrap(),
            algorithm: keyturn::domain::Algorithm::Es256,
            jwt_type: keyturn::domain::JwtType::AccessToken,
            token_lifetime: None,
            is_default: false,
        };
        let named = |name: String| organizations::Edit {
            name: Some(name.parse().unwrap()),
            ..Default::default()
        };
        let called =
            |name: String| users::Edit { name: Some(name.parse().unwrap()), ..Default::default() };
        // Another than the one before: what changes nothing is no change.
        let given = |round, number: usize| {
            let pairs = [["viewer", "custom"], ["manager", "owner"]];
            pairs[usize::try_from(round % 2).unwrap()][number].parse().unwrap()
        };

        for round in 1..=ROUNDS {
            let seen = &Expected::OneOf(vec![Version(round)]);
            let what = |kind| format!("{} {kind} {round}", here.engine);
            let (one, other) = (format!("{round} here"), format!("{round} there"));
            let organizations = tokio::join!(
                organizations::update(a, asker, acme, seen, named(one.clone())),
                organizations::update(b, asker, acme, seen, named(other.clone()))
            );
            let users = tokio::join!(
                users::update(a, asker, ada, seen, called(one)),
                users::update(b, asker, ada, seen, called(other))
            );
            let members = tokio::join!(
                members::change_role(a, asker, acme, ada, seen, given(round, 0)),
                members::change_role(b, asker, acme, ada, seen, given(round, 1))
            );
            let roles = tokio::join!(
                roles::define(a, asker, seen, role("read")),
                roles::define(b, asker, seen, role("read write"))
            );
            let resources = tokio::join!(
                resources::register(a, asker, seen, resource("read")),
                resources::register(b, asker, seen, resource("read write"))
            );

            one_won(&what("organization"), organizations);
            one_won(&what("user"), users);
            one_won(&what("member"), members);
            one_won(&what("role"), roles);
            one_won(&what("resource"), resources);
        }
    }
}

#[tokio::test]
async fn a_member_who_is_removed_is_not_brought_back_by_another_role() {
    for (here, there) in TestServer::pairs_on_each_engine().await {
        let asker = &Asker::keyturn();
        let acme = here.acme().await;
        let ada = here.user("ada@example.com", &[]).await;
        for round in 0..ROUNDS {
            here.set_role(ada, acme, "viewer").await;
            let seen = &Expected::OneOf(vec![Version::FIRST]);

            let (removed, changed) = tokio::join!(
                members::remove(&here.app, asker, acme, ada, seen),
                members::change_role(
                    &there.app,
                    asker,
                    acme,
                    ada,
                    seen,
                    "manager".parse().unwrap()
                )
            );

            let what = format!("{} {round}", here.engine);
            let is_member = members::show(&here.app, asker, acme, ada).await.is_ok();
            assert_eq!((removed.is_ok(), changed.is_ok()), (!is_member, is_member), "{what}");
            if is_member {
                members::remove(&here.app, asker, acme, ada, &Expected::Any).await.unwrap();
            }
        }
    }
}
