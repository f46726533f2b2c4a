//! Organizations, roles, users, memberships and resources: what is stored comes back.

use chrono::TimeDelta;
use keyturn::{
    domain::{
        Algorithm, JwtType, Membership, Organization, OrganizationId, PasswordHash, Resource, Role,
        Sight, User, UserId, Version,
    },
    store::{StoreError, Tx, memberships, organizations, resources, roles, users},
};

use crate::{engines, id, now, organization};

fn user(email: &str) -> User {
    User {
        id: UserId(id()),
        email: email.parse().unwrap(),
        name: "Ada \u{2014} 'quoted'".parse().unwrap(),
        created_at: now(),
        disabled_at: None,
        version: Version::FIRST,
    }
}

#[tokio::test]
async fn an_organization_comes_back_with_its_line() {
    for engine in engines().await {
        let acme = organization("acme", None);
        let left = organization("left", Some(acme.id));
        let leaf = organization("leaf", Some(left.id));
        let mut tx = engine.store.write().await.unwrap();
        for organization in [&acme, &left, &leaf] {
            organizations::insert(&mut tx, organization).await.unwrap();
        }

        let found = organizations::find(&mut tx, left.id).await.unwrap();
        let lineage = organizations::lineage(&mut tx, leaf.id).await.unwrap().unwrap();
        let unknown = OrganizationId(id());
        let nobody = organizations::find(&mut tx, unknown).await.unwrap();
        let no_line = organizations::lineage(&mut tx, unknown).await.unwrap();

        assert_eq!(found, Some(left.clone()), "{}", engine.name);
        assert_eq!(lineage.line, [leaf, left, acme]);
        assert!(nobody.is_none() && no_line.is_none());
    }
}

#[tokio::test]
async fn siblings_have_different_names_and_so_have_roots() {
    for engine in engines().await {
        let acme = engine.organization().await;
        let below = organization("acme", Some(acme.id));
        let insert = async |organization| {
            let mut tx = engine.store.write().await.unwrap();
            let done = organizations::insert(&mut tx, &organization).await;
            if done.is_ok() {
                tx.commit(now()).await.unwrap();
            }
            done
        };

        let child = insert(below).await;
        let sibling = insert(organization("acme", Some(acme.id))).await;
        let root = insert(organization("acme", None)).await;

        assert!(child.is_ok(), "{}: {child:?}", engine.name);
        assert!(matches!(sibling, Err(StoreError::Conflict)), "{}: {sibling:?}", engine.name);
        assert!(matches!(root, Err(StoreError::Conflict)), "{}: {root:?}", engine.name);
    }
}

#[tokio::test]
async fn an_organization_is_disabled_and_enabled_again() {
    for engine in engines().await {
        let acme = engine.organization().await;
        let mut tx = engine.store.write().await.unwrap();
        let set = async |tx: &mut Tx, organization: &Organization, disabled_at| {
            let wanted = Organization { disabled_at, ..organization.clone() };
            organizations::update(tx, &wanted).await.unwrap()
        };

        let done = set(&mut tx, &acme, Some(now())).await;
        let disabled = organizations::find(&mut tx, acme.id).await.unwrap().unwrap();
        set(&mut tx, &disabled, None).await;
        let enabled = organizations::find(&mut tx, acme.id).await.unwrap().unwrap();
        let nobody = set(&mut tx, &organization("nobody", None), None).await;

        assert_eq!((done, nobody), (true, false), "{}", engine.name);
        assert_eq!((disabled.disabled_at, enabled.disabled_at), (Some(now()), None));
        assert_eq!([disabled.version, enabled.version], [Version(2), Version(3)]);
    }
}

#[tokio::test]
async fn a_role_is_inherited_and_the_nearest_definition_counts() {
    for engine in engines().await {
        let acme = engine.organization().await;
        let below = organization("below", Some(acme.id));
        let role = |organization_id, scopes: &str, version| Role {
            organization_id,
            name: "deployer".parse().unwrap(),
            scopes: scopes.parse().unwrap(),
            version: Version(version),
        };
        let mut tx = engine.store.write().await.unwrap();
        organizations::insert(&mut tx, &below).await.unwrap();

        assert!(roles::set(&mut tx, &role(acme.id, "read", 1)).await.unwrap());
        assert!(roles::set(&mut tx, &role(acme.id, "deploy read", 2)).await.unwrap());
        let inherited = organizations::lineage(&mut tx, below.id).await.unwrap().unwrap();
        assert!(roles::set(&mut tx, &role(below.id, "write", 1)).await.unwrap());
        let own = organizations::lineage(&mut tx, below.id).await.unwrap().unwrap();

        let scopes = |lineage: &keyturn::domain::Lineage| {
            lineage.roles.values().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(scopes(&inherited), ["deploy read"], "{}", engine.name);
        assert_eq!(scopes(&own), ["write"]);
        assert_eq!(roles::list(&mut tx, Sight::Everything).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_user_comes_back_with_memberships_and_password() {
    for engine in engines().await {
        let acme = engine.organization().await;
        let (ada, bob) = (user("Ada@Example.com"), user("bob@example.com"));
        let hash = PasswordHash::from_phc("$argon2id$something".to_owned());
        let membership = |role: &str, version| Membership {
            organization_id: acme.id,
            user_id: ada.id,
            role: role.parse().unwrap(),
            created_at: now(),
            version: Version(version),
        };
        let mut tx = engine.store.write().await.unwrap();

        users::insert(&mut tx, &ada, Some(&hash)).await.unwrap();
        users::insert(&mut tx, &bob, None).await.unwrap();
        memberships::set(&mut tx, &membership("viewer", 1)).await.unwrap();
        memberships::set(&mut tx, &membership("manager", 2)).await.unwrap();
        let person = users::person(&mut tx, ada.id).await.unwrap().unwrap();
        let email = "ada@example.com".parse().unwrap();
        let by_email = users::find_by_email(&mut tx, &email).await.unwrap();
        let passwords = [
            users::password_hash(&mut tx, ada.id).await,
            users::password_hash(&mut tx, bob.id).await,
        ];
        let removed = memberships::remove(&mut tx, &membership("manager", 2)).await.unwrap();
        let again = memberships::remove(&mut tx, &membership("manager", 2)).await.unwrap();

        assert_eq!(person.user, ada, "{}", engine.name);
        assert_eq!(person.memberships, [membership("manager", 2)]);
        assert_eq!(by_email, Some(ada));
        assert_eq!(passwords.map(Result::unwrap), [Some(hash), None]);
        assert_eq!((removed, again), (true, false));
    }
}

#[tokio::test]
async fn an_address_belongs_to_one_user() {
    for engine in engines().await {
        let mut tx = engine.store.write().await.unwrap();
        users::insert(&mut tx, &user("ada@example.com"), None).await.unwrap();

        let taken = users::insert(&mut tx, &user("ADA@example.com"), None).await;

        assert!(matches!(taken, Err(StoreError::Conflict)), "{}: {taken:?}", engine.name);
    }
}

#[tokio::test]
async fn a_resource_comes_back_and_is_changed_in_place() {
    for engine in engines().await {
        let resource = Resource {
            identifier: "https://api.example/?x=1".parse().unwrap(),
            scopes: "read write".parse().unwrap(),
            algorithm: Algorithm::EdDsa,
            algorithm_before: None,
            jwt_type: JwtType::AccessToken,
            token_lifetime: Some(TimeDelta::seconds(30)),
            created_at: now(),
            default_since: Some(now()),
            version: Version::FIRST,
        };
        let later = Resource {
            scopes: "read".parse().unwrap(),
            algorithm: Algorithm::Rs256,
            algorithm_before: Some(Algorithm::EdDsa),
            jwt_type: JwtType::Jwt,
            token_lifetime: None,
            created_at: now() + TimeDelta::days(1),
            default_since: None,
            version: Version(2),
            ..resource.clone()
        };
        let mut tx = engine.store.write().await.unwrap();

        resources::set(&mut tx, &resource).await.unwrap();
        let first = resources::list(&mut tx).await.unwrap();
        resources::set(&mut tx, &later).await.unwrap();
        let second = resources::list(&mut tx).await.unwrap();
        let removed = resources::remove(&mut tx, &later).await.unwrap();
        let again = resources::remove(&mut tx, &later).await.unwrap();

        let kept = Resource { created_at: now(), default_since: Some(now()), ..later };
        assert_eq!(first, [resource], "{}", engine.name);
        assert_eq!(second, [kept], "it stays the default, and as old as it is");
        assert_eq!((removed, again), (true, false));
    }
}
