//! KX-19 where two things happen at once, on two nodes.

use keyturn::{
    domain::{Expected, Owner},
    manage::{
        api_keys::{self, NewApiKey},
        members, roles,
    },
};

use super::{asker_with, define};
use crate::support::{TestServer, new_key};

const ANY: &Expected = &Expected::Any;

/// Where a role is deleted, one of the same name above it counts, and may mean more than whoever
/// gives it has.
#[tokio::test]
async fn kx_19_a_role_is_not_deleted_while_somebody_is_given_it() {
    for (here, there) in TestServer::pairs_on_each_engine().await {
        let acme = here.acme().await;
        let left = here.suborganization(acme, "left").await;
        define(&here, acme, "custom", "admin").await;
        define(&here, left, "giver", "keys:write members:write read roles:write").await;
        let ada = here.user("ada@example.com", &[]).await;
        let owner = Owner::Organization(left);
        let roles = Some("giver".parse().unwrap());
        let asker = asker_with(&here, NewApiKey { roles, ..new_key(owner, "giver") }).await;
        let custom = "custom".parse().unwrap();
        for round in 0..40 {
            define(&here, left, "custom", "read").await;
            let delete = roles::delete(&there.app, &asker, left, &custom, ANY);
            let new = NewApiKey {
                roles: Some("custom".parse().unwrap()),
                ..new_key(owner, &round.to_string())
            };

            let (key, member, deleted) = if round % 2 == 0 {
                let made = api_keys::create(&here.app, &asker, new);
                let (made, deleted) = tokio::join!(made, delete);
                (made.ok().map(|made| made.key.id), false, deleted)
            } else {
                let set = members::set_role(&here.app, &asker, ada, left, custom.clone());
                let (set, deleted) = tokio::join!(set, delete);
                (None, set.is_ok(), deleted)
            };

            let given = key.is_some() || member;
            let what = format!("{} {round}: {key:?} {member} {deleted:?}", here.engine);
            assert!(!given || deleted.is_err(), "it means `admin` now: {what}");
            if let Some(id) = key {
                api_keys::delete(&here.app, &asker, id, ANY).await.unwrap();
            }
            if member {
                members::remove(&here.app, &asker, left, ada, ANY).await.unwrap();
            }
        }
    }
}
