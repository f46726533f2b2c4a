//! API keys, their secrets, and signing keys: what is stored comes back, and who is first wins.

use chrono::TimeDelta;
use keyturn::{
    domain::{
        Algorithm, ApiKey, ApiKeyId, ApiKeySecret, Change, OrganizationId, Owner, ProofDemand,
        Reach, Secret, SecretId, Sight, SigningKey, Text, User, UserId, Version, WhenLeaked,
    },
    random::Random,
    store::{
        Page, StoreError, Tx, api_key_secrets,
        api_keys::{self, Filter},
        organizations, signing_keys, users,
    },
};

use crate::{engines, id, now, organization};

fn key(owner: Owner, name: &str) -> ApiKey {
    ApiKey {
        id: ApiKeyId(id()),
        owner,
        name: name.parse().unwrap(),
        description: "what for; \u{e9} 'quoted'".parse().unwrap(),
        roles: Some("deployer viewer".parse().unwrap()),
        reach: Reach::Listed(vec![OrganizationId(id()), OrganizationId(id())]),
        allowed_networks: "192.0.2.0/24 2001:db8::/32".parse().unwrap(),
        created_at: now(),
        expires_at: Some(now() + TimeDelta::days(1)),
        disabled_at: None,
        locked_at: None,
        revoked_at: None,
        when_leaked: WhenLeaked::Disable,
        proof: ProofDemand::None,
        version: Version::FIRST,
    }
}

async fn add_secret(tx: &mut Tx, key: &ApiKey) -> ApiKeySecret {
    let secret = Secret::generate(&"ktk".parse().unwrap(), &Random::System);
    let id = SecretId(id());
    api_key_secrets::insert(tx, id, key.id, secret.hash(), now()).await.unwrap()
}

async fn add_user(tx: &mut Tx) -> UserId {
    let user = User {
        id: UserId(id()),
        email: "ada@example.com".parse().unwrap(),
        name: Text::default(),
        created_at: now(),
        disabled_at: None,
        version: Version::FIRST,
    };
    users::insert(tx, &user, None).await.unwrap();
    user.id
}

#[tokio::test]
async fn a_key_comes_back_whoever_owns_it() {
    for engine in engines().await {
        let acme = Owner::Organization(engine.organization().await.id);
        let mut tx = engine.store.write().await.unwrap();
        let ada = Owner::User(add_user(&mut tx).await);
        let bare = ApiKey { roles: None, reach: Reach::Own, expires_at: None, ..key(ada, "ci") };
        let keys = [key(acme, "ci"), bare, key(acme, "other")];

        for key in &keys {
            api_keys::insert(&mut tx, key).await.unwrap();
        }

        for key in &keys {
            let found = api_keys::find(&mut tx, key.id).await.unwrap();
            assert_eq!(found.as_ref(), Some(key), "{}", engine.name);
            let by_name = api_keys::named(&mut tx, &key.name).await.unwrap();
            assert!(by_name.contains(key), "{}: {by_name:?}", engine.name);
        }
        let other = "nobody".parse().unwrap();
        assert!(api_keys::named(&mut tx, &other).await.unwrap().is_empty());
        let (all, sight) = (Filter::default(), Sight::Everything);
        let listed = api_keys::list(&mut tx, sight, &all, Page::ALL, now()).await.unwrap();
        assert_eq!(listed.len(), 3);
    }
}

#[tokio::test]
async fn a_name_is_taken_once_by_each_owner() {
    for engine in engines().await {
        let acme = Owner::Organization(engine.organization().await.id);
        let mut tx = engine.store.write().await.unwrap();
        let ada = Owner::User(add_user(&mut tx).await);
        for owner in [acme, ada] {
            api_keys::insert(&mut tx, &key(owner, "ci")).await.unwrap();
        }
        tx.commit(now()).await.unwrap();

        for owner in [acme, ada] {
            let mut tx = engine.store.write().await.unwrap();
            let taken = api_keys::insert(&mut tx, &key(owner, "ci")).await;
            assert!(matches!(taken, Err(StoreError::Conflict)), "{}: {taken:?}", engine.name);
        }
    }
}

#[tokio::test]
async fn the_first_revocation_wins() {
    for engine in engines().await {
        let acme = Owner::Organization(engine.organization().await.id);
        let key = key(acme, "ci");
        let mut tx = engine.store.write().await.unwrap();
        api_keys::insert(&mut tx, &key).await.unwrap();

        let revoked = |at| ApiKey { revoked_at: Some(at), ..key.clone() };
        let first = api_keys::update(&mut tx, &revoked(now())).await.unwrap();
        let later = now() + TimeDelta::days(1);
        let second = api_keys::update(&mut tx, &revoked(later)).await.unwrap();
        let nobody = ApiKey { id: ApiKeyId(id()), ..key.clone() };
        let nobody = api_keys::update(&mut tx, &nobody).await.unwrap();

        let kept = api_keys::find(&mut tx, key.id).await.unwrap().unwrap();
        assert_eq!((first, second, nobody), (true, false, false), "{}", engine.name);
        assert_eq!(kept.revoked_at, Some(now()));
    }
}

#[tokio::test]
async fn a_change_of_a_key_names_every_secret_it_is_known_by() {
    for engine in engines().await {
        let acme = Owner::Organization(engine.organization().await.id);
        let key = key(acme, "ci");
        let mut tx = engine.store.write().await.unwrap();
        api_keys::insert(&mut tx, &key).await.unwrap();
        let secrets = [add_secret(&mut tx, &key).await, add_secret(&mut tx, &key).await];
        tx.commit(now()).await.unwrap();
        let mut expected = secrets.map(|secret| Change::secret(&secret.hash)).to_vec();
        expected.sort_by_key(|change| format!("{change:?}"));

        for step in 0..4 {
            let mut tx = engine.store.write().await.unwrap();
            let was = api_keys::find(&mut tx, key.id).await.unwrap().unwrap();
            let done = match step {
                0 => ApiKey { disabled_at: Some(now()), ..was },
                1 => ApiKey { expires_at: None, ..was },
                2 => ApiKey { roles: Some("viewer".parse().unwrap()), ..was },
                _ => ApiKey { revoked_at: Some(now()), ..was },
            };
            let done = api_keys::update(&mut tx, &done).await;
            let mut told = tx.commit(now()).await.unwrap();
            told.sort_by_key(|change| format!("{change:?}"));
            assert!(done.unwrap(), "{} {step}", engine.name);
            assert_eq!(told, expected, "{} {step}", engine.name);
        }
        let mut tx = engine.store.read().await.unwrap();
        let kept = api_keys::find(&mut tx, key.id).await.unwrap().unwrap();
        assert_eq!((kept.disabled_at, kept.expires_at), (Some(now()), None));
        assert_eq!(kept.roles, Some("viewer".parse().unwrap()));
    }
}

#[tokio::test]
async fn keys_are_counted_over_the_whole_tree_without_the_revoked() {
    for engine in engines().await {
        let acme = engine.organization().await;
        let below = organization("below", Some(acme.id));
        let beside = organization("beside", None);
        let mut tx = engine.store.write().await.unwrap();
        for organization in [&below, &beside] {
            organizations::insert(&mut tx, organization).await.unwrap();
        }
        for owner in [acme.id, below.id, beside.id] {
            for name in ["one", "two"] {
                let key = key(Owner::Organization(owner), name);
                api_keys::insert(&mut tx, &key).await.unwrap();
                if name == "two" && owner == below.id {
                    let revoked = ApiKey { revoked_at: Some(now()), ..key };
                    api_keys::update(&mut tx, &revoked).await.unwrap();
                }
            }
        }

        let whole = api_keys::count_in_tree(&mut tx, acme.id).await.unwrap();
        let part = api_keys::count_in_tree(&mut tx, below.id).await.unwrap();

        assert_eq!((whole, part), (3, 1), "{}", engine.name);
    }
}

#[tokio::test]
async fn a_secret_leads_to_its_key_and_has_a_place_of_its_own() {
    for engine in engines().await {
        let acme = Owner::Organization(engine.organization().await.id);
        let (ci, other) = (key(acme, "ci"), key(acme, "other"));
        let mut tx = engine.store.write().await.unwrap();
        api_keys::insert(&mut tx, &ci).await.unwrap();
        api_keys::insert(&mut tx, &other).await.unwrap();
        let mut secrets = Vec::new();
        for key in [&ci, &other, &ci] {
            secrets.push(add_secret(&mut tx, key).await);
        }
        tx.commit(now()).await.unwrap();

        let found = api_key_secrets::find(&engine.store, &secrets[1].hash).await.unwrap().unwrap();
        let unknown = Secret::generate(&"ktk".parse().unwrap(), &Random::System).hash();
        let nobody = api_key_secrets::find(&engine.store, &unknown).await.unwrap();

        assert_eq!((found.key, found.secret), (other, secrets[1].clone()), "{}", engine.name);
        assert!(nobody.is_none());
        let mut places: Vec<_> = secrets.iter().map(|secret| secret.status_index).collect();
        places.dedup();
        assert_eq!(places.len(), 3, "no place is given twice");
        let mut tx = engine.store.read().await.unwrap();
        let of_ci = api_key_secrets::of_key(&mut tx, ci.id).await.unwrap();
        assert_eq!(of_ci.len(), 2);
    }
}

#[tokio::test]
async fn the_end_of_a_secret_is_what_was_said_last() {
    for engine in engines().await {
        let acme = Owner::Organization(engine.organization().await.id);
        let key = key(acme, "ci");
        let mut tx = engine.store.write().await.unwrap();
        api_keys::insert(&mut tx, &key).await.unwrap();
        let secret = add_secret(&mut tx, &key).await;

        let mut ends = Vec::new();
        for hours in [2, 3, 1] {
            let at = now() + TimeDelta::hours(hours);
            api_key_secrets::set_end(&mut tx, &secret, at, at).await.unwrap();
            let kept = api_key_secrets::of_key(&mut tx, key.id).await.unwrap();
            ends.push((kept[0].dies_at.unwrap() - now()).num_hours());
        }

        assert_eq!(ends, [2, 3, 1], "{}", engine.name);
    }
}

#[tokio::test]
async fn two_keys_never_have_the_same_secret() {
    for engine in engines().await {
        let acme = Owner::Organization(engine.organization().await.id);
        let key = key(acme, "ci");
        let mut tx = engine.store.write().await.unwrap();
        api_keys::insert(&mut tx, &key).await.unwrap();
        let secret = add_secret(&mut tx, &key).await;

        let id = SecretId(id());
        let twin = api_key_secrets::insert(&mut tx, id, key.id, secret.hash, now()).await;

        assert!(matches!(twin, Err(StoreError::Conflict)), "{}: {twin:?}", engine.name);
    }
}

fn signing_key(algorithm: Algorithm, generation: i64) -> SigningKey {
    SigningKey {
        signing_key_id: id().to_string(),
        algorithm,
        generation,
        wrapped: vec![0, 1, 255],
        wrapped_by: "0123456789abcdef".to_owned(),
        created_at: now(),
        activates_at: now() + TimeDelta::hours(1),
        retires_at: None,
        gone_at: None,
        revoked_at: None,
    }
}

#[tokio::test]
async fn a_signing_key_comes_back_and_its_life_can_be_written() {
    for engine in engines().await {
        let (old, new) = (signing_key(Algorithm::Es256, 1), signing_key(Algorithm::Es256, 2));
        let mut tx = engine.store.write().await.unwrap();
        for key in [&new, &old] {
            signing_keys::insert(&mut tx, key).await.unwrap();
        }

        let lived = SigningKey {
            activates_at: now(),
            retires_at: Some(now() + TimeDelta::days(1)),
            gone_at: Some(now() + TimeDelta::days(2)),
            revoked_at: Some(now() + TimeDelta::days(3)),
            ..old
        };
        signing_keys::set_life(&mut tx, &lived).await.unwrap();

        let kept = signing_keys::list(&mut tx).await.unwrap();
        assert!(kept == [lived, new], "{}: {kept:?}", engine.name);
        let last = signing_keys::last_generation(&mut tx, Algorithm::Es256).await.unwrap();
        let none = signing_keys::last_generation(&mut tx, Algorithm::Rs256).await.unwrap();
        assert_eq!((last, none), (Some(kept[1].generation), None));
        assert_eq!(tx.commit(now()).await.unwrap(), [Change::SigningKeys]);
    }
}

#[tokio::test]
async fn jw_04_a_generation_is_made_once() {
    for engine in engines().await {
        let mut tx = engine.store.write().await.unwrap();
        signing_keys::insert(&mut tx, &signing_key(Algorithm::Es256, 1)).await.unwrap();
        signing_keys::insert(&mut tx, &signing_key(Algorithm::Rs256, 1)).await.unwrap();

        let again = signing_keys::insert(&mut tx, &signing_key(Algorithm::Es256, 1)).await;

        assert!(matches!(again, Err(StoreError::Conflict)), "{}: {again:?}", engine.name);
    }
}

#[tokio::test]
async fn what_keyturn_never_writes_is_named_when_it_is_read() {
    for engine in engines().await {
        let acme = Owner::Organization(engine.organization().await.id);
        let key = key(acme, "ci");
        let mut tx = engine.store.write().await.unwrap();
        api_keys::insert(&mut tx, &key).await.unwrap();
        tx.commit(now()).await.unwrap();
        engine.sql("update api_keys set reach = 'everything'").await;

        let mut tx = engine.store.read().await.unwrap();
        let corrupt = api_keys::find(&mut tx, key.id).await;

        let named = matches!(corrupt, Err(StoreError::Corrupt("api_keys.reach")));
        assert!(named, "{}: {corrupt:?}", engine.name);
    }
}
