//! What is deleted is gone with all that is nothing without it, and nothing else is.

use keyturn::{
    domain::{
        ApiKey, ApiKeySecret, Change, Membership, Organization, OrganizationId, Owner, Role,
        Secret, SecretId, Text, User, UserId, Version,
    },
    random::Random,
    store::{
        Page, StoreError, Tx, api_key_secrets, api_keys, memberships, organizations, roles, users,
    },
};

use crate::{Engine, engines, id, lists::key, now, organization};

async fn add_key(tx: &mut Tx, owner: OrganizationId, name: &str) -> (ApiKey, [ApiKeySecret; 2]) {
    let key = key(Owner::Organization(owner), name);
    api_keys::insert(tx, &key).await.unwrap();
    let secrets = [add_secret(tx, &key).await, add_secret(tx, &key).await];
    (key, secrets)
}

async fn add_secret(tx: &mut Tx, key: &ApiKey) -> ApiKeySecret {
    let hash = Secret::generate(&"ktk".parse().unwrap(), &Random::System).hash();
    api_key_secrets::insert(tx, SecretId(id()), key.id, hash, now()).await.unwrap()
}

/// How many rows each table has.
async fn rows(engine: &Engine, tables: &[&str]) -> Vec<String> {
    let mut counts = Vec::new();
    for table in tables {
        let count = format!("select cast(count(*) as text) from {table}");
        counts.push(engine.texts(&count).await.remove(0));
    }
    counts
}

#[tokio::test]
async fn a_deleted_key_leaves_no_secret_and_every_node_forgets_it() {
    for engine in engines().await {
        let acme = engine.organization().await.id;
        let mut tx = engine.store.write().await.unwrap();
        let (key, secrets) = add_key(&mut tx, acme, "ci").await;
        let (other, _) = add_key(&mut tx, acme, "other").await;
        tx.commit(now()).await.unwrap();

        let mut tx = engine.store.write().await.unwrap();
        let deleted = api_keys::delete(&mut tx, &key).await.unwrap();
        let mut told = tx.commit(now()).await.unwrap();

        let mut expected = secrets.each_ref().map(|secret| Change::secret(&secret.hash)).to_vec();
        for changes in [&mut told, &mut expected] {
            changes.sort_by_key(|change| format!("{change:?}"));
        }
        assert!(deleted && told == expected, "{}: {told:?}", engine.name);
        let left = rows(&engine, &["api_keys", "api_key_secrets"]).await;
        assert_eq!(left, ["1", "2"], "{}", engine.name);
        for secret in &secrets {
            let found = api_key_secrets::find(&engine.store, &secret.hash).await.unwrap();
            assert!(found.is_none());
        }
        let mut tx = engine.store.write().await.unwrap();
        assert_eq!(api_keys::find(&mut tx, other.id).await.unwrap(), Some(other));
        let (_, anew) = add_key(&mut tx, acme, "ci").await;
        let highest = secrets[1].status_index.max(4);
        assert!(anew[0].status_index > highest, "its name is free, its place in the list is not");
    }
}

#[tokio::test]
async fn a_deleted_organization_leaves_neither_roles_nor_members() {
    for engine in engines().await {
        let acme = engine.organization().await;
        let other = organization("other", None);
        let user = User {
            id: UserId(id()),
            email: "ada@example.com".parse().unwrap(),
            name: Text::default(),
            created_at: now(),
            disabled_at: None,
            version: Version::FIRST,
        };
        let mut tx = engine.store.write().await.unwrap();
        organizations::insert(&mut tx, &other).await.unwrap();
        users::insert(&mut tx, &user, None).await.unwrap();
        for organization in [&acme, &other] {
            belongs(&mut tx, organization, &user).await;
        }
        tx.commit(now()).await.unwrap();

        let mut tx = engine.store.write().await.unwrap();
        let deleted = organizations::delete(&mut tx, &acme).await.unwrap();
        let told = tx.commit(now()).await.unwrap();

        assert!(deleted, "{}", engine.name);
        assert!(told.contains(&Change::User { id: user.id }), "whose rights have shrunk");
        assert!(told.contains(&Change::Organizations));
        let left = rows(&engine, &["organizations", "roles", "memberships", "users"]).await;
        assert_eq!(left, ["1", "1", "1", "1"], "{}", engine.name);
        let mut tx = engine.store.read().await.unwrap();
        let members = memberships::of_organization(&mut tx, other.id, Page::ALL).await.unwrap();
        assert_eq!(members.len(), 1, "what is elsewhere stays");
    }
}

/// A role that the organization defines, and the user as a member who has it.
async fn belongs(tx: &mut Tx, organization: &Organization, user: &User) {
    let role = Role {
        organization_id: organization.id,
        name: "deployer".parse().unwrap(),
        scopes: "deploy".parse().unwrap(),
        version: Version::FIRST,
    };
    let membership = Membership {
        organization_id: organization.id,
        user_id: user.id,
        role: role.name.clone(),
        created_at: now(),
        version: Version::FIRST,
    };
    assert!(roles::set(tx, &role).await.unwrap());
    assert!(memberships::set(tx, &membership).await.unwrap());
}

#[tokio::test]
async fn an_organization_that_something_belongs_to_stays() {
    for engine in engines().await {
        let acme = engine.organization().await;
        let below = organization("below", Some(acme.id));
        let mut tx = engine.store.write().await.unwrap();
        organizations::insert(&mut tx, &below).await.unwrap();
        add_key(&mut tx, below.id, "ci").await;
        tx.commit(now()).await.unwrap();

        for organization in [&acme, &below] {
            let mut tx = engine.store.write().await.unwrap();
            let refused = organizations::delete(&mut tx, organization).await;
            let is_refused = matches!(refused, Err(StoreError::Dangling));
            assert!(is_refused, "{}: {refused:?}", engine.name);
        }

        assert_eq!(rows(&engine, &["organizations", "api_keys"]).await, ["2", "1"]);
    }
}
