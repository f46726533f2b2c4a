//! Nobody's change is lost: who has seen an older state writes nothing, and of two at once one wins.

use keyturn::{
    domain::{
        Algorithm, ApiKey, JwtType, Membership, Organization, Owner, Resource, Role, Text, User,
        UserId, Version,
    },
    store::{Store, StoreError, Tx, api_keys, memberships, organizations, resources, roles, users},
};

use crate::{Engine, engines, id, lists::key, now, organization};

/// One of each, as it was made.
#[derive(Clone)]
struct Things {
    organization: Organization,
    role: Role,
    user: User,
    membership: Membership,
    resource: Resource,
    key: ApiKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Organization,
    Role,
    User,
    Membership,
    Resource,
    Key,
}

const ALL: [Kind; 6] =
    [Kind::Organization, Kind::Role, Kind::User, Kind::Membership, Kind::Resource, Kind::Key];

impl Things {
    fn new() -> Self {
        let acme = organization("acme", None);
        let spare = organization("spare", None);
        let user = User {
            id: UserId(id()),
            email: "ada@example.com".parse().unwrap(),
            name: Text::default(),
            created_at: now(),
            disabled_at: None,
            version: Version::FIRST,
        };
        Self {
            role: Role {
                organization_id: acme.id,
                name: "deployer".parse().unwrap(),
                scopes: "deploy".parse().unwrap(),
                version: Version::FIRST,
            },
            membership: Membership {
                organization_id: acme.id,
                user_id: user.id,
                role: "viewer".parse().unwrap(),
                created_at: now(),
                version: Version::FIRST,
            },
            resource: Resource {
                identifier: "api".parse().unwrap(),
                scopes: "read".parse().unwrap(),
                algorithm: Algorithm::Es256,
                algorithm_before: None,
                jwt_type: JwtType::AccessToken,
                token_lifetime: None,
                created_at: now(),
                default_since: None,
                version: Version::FIRST,
            },
            key: key(Owner::Organization(acme.id), "ci"),
            // Nothing else belongs to this one, so that it can be deleted.
            organization: spare,
            user,
        }
    }

    async fn make(&self, tx: &mut Tx, kind: Kind) -> Result<bool, StoreError> {
        match kind {
            Kind::Organization => {
                organizations::insert(tx, &self.organization).await.map(|()| true)
            }
            Kind::User => users::insert(tx, &self.user, None).await.map(|()| true),
            Kind::Key => api_keys::insert(tx, &self.key).await.map(|()| true),
            Kind::Role => roles::set(tx, &self.role).await,
            Kind::Membership => memberships::set(tx, &self.membership).await,
            Kind::Resource => resources::set(tx, &self.resource).await,
        }
    }

    /// Changes one of them to this word, as somebody who has seen it in this version.
    async fn change(&self, tx: &mut Tx, kind: Kind, seen: Version, word: &str) -> bool {
        let next = Version(seen.0 + 1);
        let changed = match kind {
            Kind::Organization => {
                let name = word.parse().unwrap();
                let new = Organization { name, version: seen, ..self.organization.clone() };
                organizations::update(tx, &new).await
            }
            Kind::User => {
                let name = word.parse().unwrap();
                users::update(tx, &User { name, version: seen, ..self.user.clone() }).await
            }
            Kind::Key => {
                let description = word.parse().unwrap();
                let new = ApiKey { description, version: seen, ..self.key.clone() };
                api_keys::update(tx, &new).await
            }
            Kind::Role => {
                let scopes = word.parse().unwrap();
                roles::set(tx, &Role { scopes, version: next, ..self.role.clone() }).await
            }
            Kind::Membership => {
                let role = word.parse().unwrap();
                let new = Membership { role, version: next, ..self.membership.clone() };
                memberships::set(tx, &new).await
            }
            Kind::Resource => {
                let scopes = word.parse().unwrap();
                let new = Resource { scopes, version: next, ..self.resource.clone() };
                resources::set(tx, &new).await
            }
        };
        changed.unwrap()
    }

    /// Deletes one of them, as somebody who has seen it in this version. Users are not deleted.
    async fn delete(&self, tx: &mut Tx, kind: Kind, version: Version) -> Option<bool> {
        let deleted = match kind {
            Kind::User => return None,
            Kind::Organization => {
                let seen = Organization { version, ..self.organization.clone() };
                organizations::delete(tx, &seen).await
            }
            Kind::Key => api_keys::delete(tx, &ApiKey { version, ..self.key.clone() }).await,
            Kind::Role => roles::delete(tx, &Role { version, ..self.role.clone() }).await,
            Kind::Membership => {
                let seen = Membership { version, ..self.membership.clone() };
                memberships::remove(tx, &seen).await
            }
            Kind::Resource => {
                let seen = Resource { version, ..self.resource.clone() };
                resources::remove(tx, &seen).await
            }
        };
        Some(deleted.unwrap())
    }

    /// Its version, and all of it as text.
    async fn find(&self, tx: &mut Tx, kind: Kind) -> Option<(Version, String)> {
        macro_rules! told {
            ($found:expr) => {
                $found.unwrap().map(|it| (it.version, format!("{it:?}")))
            };
        }
        match kind {
            Kind::Organization => told!(organizations::find(tx, self.organization.id).await),
            Kind::Key => told!(api_keys::find(tx, self.key.id).await),
            Kind::Resource => told!(resources::find(tx, &self.resource.identifier).await),
            Kind::Role => {
                let Role { organization_id, name, .. } = &self.role;
                told!(roles::find(tx, *organization_id, name).await)
            }
            Kind::Membership => {
                let Membership { organization_id, user_id, .. } = self.membership;
                told!(memberships::find(tx, user_id, organization_id).await)
            }
            Kind::User => {
                let found = users::person(tx, self.user.id).await;
                told!(found.map(|person| person.map(|person| person.user)))
            }
        }
    }
}

/// One of each in the database, and what they belong to.
async fn things(engine: &Engine) -> Things {
    let things = Things::new();
    let mut tx = engine.store.write().await.unwrap();
    let acme = Organization { id: things.role.organization_id, ..organization("acme", None) };
    organizations::insert(&mut tx, &acme).await.unwrap();
    for kind in ALL {
        assert!(things.make(&mut tx, kind).await.unwrap(), "{kind:?}");
    }
    tx.commit(now()).await.unwrap();
    things
}

/// A transaction of its own.
async fn change(store: &Store, things: &Things, kind: Kind, seen: Version, word: &str) -> bool {
    let mut tx = store.write().await.unwrap();
    let changed = things.change(&mut tx, kind, seen, word).await;
    if changed {
        tx.commit(now()).await.unwrap();
    }
    changed
}

async fn delete(store: &Store, things: &Things, kind: Kind, seen: Version) -> Option<bool> {
    let mut tx = store.write().await.unwrap();
    let deleted = things.delete(&mut tx, kind, seen).await;
    if deleted == Some(true) {
        tx.commit(now()).await.unwrap();
    }
    deleted
}

async fn find(store: &Store, things: &Things, kind: Kind) -> Option<(Version, String)> {
    things.find(&mut store.read().await.unwrap(), kind).await
}

#[tokio::test]
async fn who_has_seen_an_older_version_writes_nothing() {
    for engine in engines().await {
        let (store, things) = (&engine.store, things(&engine).await);
        for kind in ALL {
            let what = format!("{} {kind:?}", engine.name);
            assert!(change(store, &things, kind, Version(1), "first").await, "{what}");
            let after_first = find(store, &things, kind).await;

            let stale = change(store, &things, kind, Version(1), "second").await;
            let future = change(store, &things, kind, Version(7), "second").await;
            let deleted = delete(store, &things, kind, Version(1)).await;

            let (version, text) = find(store, &things, kind).await.unwrap();
            assert!(!stale && !future && deleted != Some(true), "{what}");
            assert_eq!(Some((version, text.clone())), after_first, "{what}");
            assert!(version == Version(2) && text.contains("first"), "{what}: {text}");
            assert!(change(store, &things, kind, Version(2), "third").await, "{what}");
        }
        for kind in ALL.into_iter().rev().filter(|kind| *kind != Kind::User) {
            let deleted = delete(store, &things, kind, Version(3)).await;
            assert_eq!(deleted, Some(true), "{} {kind:?}", engine.name);
            assert_eq!(find(store, &things, kind).await, None);
            let again = delete(store, &things, kind, Version(3)).await;
            assert_eq!(again, Some(false), "{} {kind:?}: it is gone", engine.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_change_the_same_state_at_once_exactly_one_wins() {
    for engine in engines().await {
        let (store, things) = (engine.store.clone(), things(&engine).await);
        let other = engine.other_store().await;
        for kind in ALL {
            for round in 1..=5 {
                let seen = Version(round);
                let here = {
                    let (store, things) = (store.clone(), things.clone());
                    tokio::spawn(async move { change(&store, &things, kind, seen, "here").await })
                };

                let there = change(&other, &things, kind, seen, "there").await;
                let here = here.await.unwrap();

                let what = format!("{} {kind:?} {round}", engine.name);
                let (version, text) = find(&store, &things, kind).await.unwrap();
                assert!(here != there, "{what}: {here} {there}");
                assert_eq!(version, Version(round + 1), "{what}");
                assert!(text.contains(if here { "\"here" } else { "\"there" }), "{what}: {text}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_change_and_a_deletion_at_once_exactly_one_wins() {
    for engine in engines().await {
        let (store, things) = (engine.store.clone(), things(&engine).await);
        let other = engine.other_store().await;
        for kind in ALL.into_iter().rev().filter(|kind| *kind != Kind::User) {
            let changed = {
                let (store, things) = (store.clone(), things.clone());
                tokio::spawn(async move { change(&store, &things, kind, Version(1), "here").await })
            };

            let deleted = delete(&other, &things, kind, Version(1)).await;
            let changed = changed.await.unwrap();

            let what = format!("{} {kind:?}", engine.name);
            let found = find(&store, &things, kind).await;
            assert_eq!(deleted, Some(!changed), "{what}");
            assert_eq!(found.is_some(), changed, "{what}");
        }
    }
}

/// As two people who give the same name would.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_make_the_same_thing_at_once_exactly_one_does() {
    for engine in engines().await {
        let (other, existing) = (engine.other_store().await, things(&engine).await);
        let mut here = Things::new();
        here.organization.name = "new".parse().unwrap();
        here.user.email = "new@example.com".parse().unwrap();
        here.role = Role { name: "new".parse().unwrap(), ..existing.role.clone() };
        here.key.owner = existing.key.owner;
        here.key.name = "new".parse().unwrap();
        here.resource.identifier = "new".parse().unwrap();
        here.membership.organization_id = existing.organization.id;
        here.membership.user_id = existing.user.id;
        let mut there = here.clone();
        there.organization.id = Things::new().organization.id;
        there.user.id = Things::new().user.id;
        there.key.id = Things::new().key.id;
        let make = async |store: Store, things: Things, kind| {
            let mut tx = store.write().await.unwrap();
            let made = match things.make(&mut tx, kind).await {
                Err(StoreError::Conflict) => false,
                made => made.unwrap(),
            };
            if made {
                tx.commit(now()).await.unwrap();
            }
            made
        };

        for kind in ALL {
            let (first, second) = tokio::join!(
                make(engine.store.clone(), here.clone(), kind),
                make(other.clone(), there.clone(), kind)
            );

            assert!(first != second, "{} {kind:?}: {first}", engine.name);
        }
    }
}
