//! Lists of keys and organizations: filtered, page by page, and never what is out of sight.

use chrono::TimeDelta;
use keyturn::{
    domain::{
        ApiKey, ApiKeyId, Below, Networks, Organization, OrganizationId, Owner, ProofDemand, Reach,
        Secret, SecretId, Sight, Status, Text, User, UserId, Version, WhenLeaked,
    },
    random::Random,
    store::{
        Page, Tx, api_key_secrets,
        api_keys::{self, Filter},
        last_used, organizations, users,
    },
};

use crate::{Engine, engines, id, now, organization};

/// A key that may do what a viewer may, for ever.
pub(crate) fn key(owner: Owner, name: &str) -> ApiKey {
    ApiKey {
        id: ApiKeyId(id()),
        owner,
        name: name.parse().unwrap(),
        description: Text::default(),
        roles: Some("viewer".parse().unwrap()),
        reach: Reach::Own,
        allowed_networks: Networks::default(),
        created_at: now(),
        expires_at: None,
        disabled_at: None,
        locked_at: None,
        revoked_at: None,
        when_leaked: WhenLeaked::Revoke,
        proof: ProofDemand::None,
        version: Version::FIRST,
    }
}

fn user() -> User {
    User {
        id: UserId(id()),
        email: "ada@example.com".parse().unwrap(),
        name: Text::default(),
        created_at: now(),
        disabled_at: None,
        version: Version::FIRST,
    }
}

/// `acme` over `below` over `deep`, and `beside`.
async fn tree(tx: &mut Tx) -> [Organization; 4] {
    let acme = organization("acme", None);
    let below = organization("below", Some(acme.id));
    let deep = organization("deep", Some(below.id));
    let all = [acme, below, deep, organization("beside", None)];
    for organization in &all {
        organizations::insert(tx, organization).await.unwrap();
    }
    all
}

/// The names of the keys that are listed, sorted.
async fn names(tx: &mut Tx, sight: Sight, filter: &Filter) -> Vec<String> {
    let found = api_keys::list(tx, sight, filter, Page::ALL, now()).await.unwrap();
    let mut names: Vec<_> = found.iter().map(|key| key.name.to_string()).collect();
    names.sort_unstable();
    names
}

async fn all_who(tx: &mut Tx, filter: Filter) -> Vec<String> {
    names(tx, Sight::Everything, &filter).await
}

async fn add(tx: &mut Tx, key: &ApiKey) -> SecretId {
    api_keys::insert(tx, key).await.unwrap();
    let secret = Secret::generate(&"ktk".parse().unwrap(), &Random::System);
    let id = SecretId(id());
    api_key_secrets::insert(tx, id, key.id, secret.hash(), now()).await.unwrap();
    id
}

#[tokio::test]
async fn keys_are_found_by_status_as_it_is_now() {
    for engine in engines().await {
        let acme = Owner::Organization(engine.organization().await.id);
        let mut tx = engine.store.write().await.unwrap();
        let ended = Some(now());
        let later = Some(now() + TimeDelta::seconds(1));
        let keys = [
            key(acme, "active"),
            ApiKey { expires_at: later, ..key(acme, "active soon expired") },
            ApiKey { locked_at: ended, ..key(acme, "active locked") },
            ApiKey { expires_at: ended, ..key(acme, "expired") },
            ApiKey { expires_at: ended, disabled_at: ended, ..key(acme, "expired disabled") },
            ApiKey { disabled_at: ended, ..key(acme, "disabled") },
            ApiKey { revoked_at: ended, ..key(acme, "revoked") },
            ApiKey {
                revoked_at: ended,
                expires_at: ended,
                disabled_at: ended,
                ..key(acme, "revoked expired disabled")
            },
        ];
        for key in &keys {
            add(&mut tx, key).await;
        }

        for status in [Status::Active, Status::Expired, Status::Disabled, Status::Revoked] {
            let found =
                all_who(&mut tx, Filter { status: Some(status), ..Filter::default() }).await;

            let is = |key: &&ApiKey| key.status(now()) == status;
            let mut expected: Vec<_> =
                keys.iter().filter(is).map(|key| key.name.to_string()).collect();
            expected.sort_unstable();
            assert_eq!(found, expected, "{}", engine.name);
            assert!(found.iter().all(|name| name.starts_with(status.as_str())), "{found:?}");
        }
    }
}

#[tokio::test]
async fn keys_are_found_by_when_they_expire() {
    for engine in engines().await {
        let acme = Owner::Organization(engine.organization().await.id);
        let mut tx = engine.store.write().await.unwrap();
        add(&mut tx, &key(acme, "never")).await;
        for (name, days) in [("past", -1), ("soon", 7), ("late", 30)] {
            let expires_at = Some(now() + TimeDelta::days(days));
            add(&mut tx, &ApiKey { expires_at, ..key(acme, name) }).await;
        }

        let by = |days| Some(now() + TimeDelta::days(days));
        let within_a_week =
            all_who(&mut tx, Filter { expires_by: by(7), ..Filter::default() }).await;
        let not_yet =
            Filter { expires_by: by(29), status: Some(Status::Active), ..Filter::default() };
        let not_yet = all_who(&mut tx, not_yet).await;

        assert_eq!(within_a_week, ["past", "soon"], "{}", engine.name);
        assert_eq!(not_yet, ["soon"], "filters narrow each other");
    }
}

#[tokio::test]
async fn keys_are_found_that_nobody_has_used_since() {
    for engine in engines().await {
        let acme = Owner::Organization(engine.organization().await.id);
        let mut tx = engine.store.write().await.unwrap();
        let ago = |days| now() - TimeDelta::days(days);
        let minute = |days| ago(days).timestamp() / 60;
        let old = |name| ApiKey { created_at: ago(100), ..key(acme, name) };
        add(&mut tx, &old("never used")).await;
        add(&mut tx, &ApiKey { created_at: ago(5), ..key(acme, "young") }).await;
        let idle = add(&mut tx, &old("used long ago")).await;
        last_used::mark(&mut tx, minute(60), &[idle]).await.unwrap();
        let busy = add(&mut tx, &old("used")).await;
        last_used::mark(&mut tx, minute(1), &[busy]).await.unwrap();
        let rotated = old("used by one secret");
        let first = add(&mut tx, &rotated).await;
        last_used::mark(&mut tx, minute(1), &[first]).await.unwrap();
        let hash = Secret::generate(&"ktk".parse().unwrap(), &Random::System).hash();
        api_key_secrets::insert(&mut tx, SecretId(id()), rotated.id, hash, now()).await.unwrap();

        let since = |at| Filter { unused_since: Some(at), ..Filter::default() };
        let month = all_who(&mut tx, since(ago(30))).await;
        let all = all_who(&mut tx, since(ago(0) + TimeDelta::seconds(1))).await;

        assert_eq!(month, ["never used", "used long ago"], "{}", engine.name);
        assert_eq!(all.len(), 5, "{all:?}");
    }
}

#[tokio::test]
async fn keys_are_found_by_name_and_owner() {
    for engine in engines().await {
        let mut tx = engine.store.write().await.unwrap();
        let [acme, below, ..] = tree(&mut tx).await;
        let ada = user();
        users::insert(&mut tx, &ada, None).await.unwrap();
        for owner in
            [Owner::Organization(acme.id), Owner::Organization(below.id), Owner::User(ada.id)]
        {
            add(&mut tx, &key(owner, "ci")).await;
        }
        add(&mut tx, &key(Owner::User(ada.id), "laptop")).await;

        let all = Filter::default();
        let name = Some("ci".parse().unwrap());
        let named = all_who(&mut tx, Filter { name: name.clone(), ..all.clone() }).await;
        let of_acme = Filter { organization: Some(acme.id), ..all.clone() };
        let of_acme = all_who(&mut tx, of_acme).await;
        let of_ada = all_who(&mut tx, Filter { user: Some(ada.id), ..all.clone() }).await;
        let both = all_who(&mut tx, Filter { user: Some(ada.id), name, ..all.clone() }).await;
        let unknown = Filter { name: Some("nobody".parse().unwrap()), ..all };
        let unknown = all_who(&mut tx, unknown).await;

        assert_eq!(named, ["ci", "ci", "ci"], "{}", engine.name);
        assert_eq!(of_acme, ["ci"], "not of those below");
        assert_eq!(of_ada, ["ci", "laptop"]);
        assert_eq!((both.len(), unknown.len()), (1, 0));
    }
}

#[tokio::test]
async fn nobody_lists_keys_of_others() {
    for engine in engines().await {
        let mut tx = engine.store.write().await.unwrap();
        let [acme, below, deep, beside] = tree(&mut tx).await;
        let (ada, mut bob) = (user(), user());
        bob.email = "bob@example.com".parse().unwrap();
        for user in [&ada, &bob] {
            users::insert(&mut tx, user, None).await.unwrap();
            add(&mut tx, &key(Owner::User(user.id), user.email.as_str().split_at(3).0)).await;
        }
        for organization in [&acme, &below, &deep, &beside] {
            let owner = Owner::Organization(organization.id);
            add(&mut tx, &key(owner, organization.name.as_str())).await;
        }

        let of = |organization: &Organization, below, user: Option<&User>| Sight::Of {
            organization: organization.id,
            below,
            user: user.map(|user| user.id),
        };
        let cases = [
            (of(&acme, Below::Included, None), vec!["acme", "below", "deep"]),
            (of(&acme, Below::Excluded, None), vec!["acme"]),
            (of(&below, Below::Included, None), vec!["below", "deep"]),
            (of(&below, Below::Excluded, Some(&ada)), vec!["ada", "below"]),
            (of(&beside, Below::Included, Some(&bob)), vec!["beside", "bob"]),
            (Sight::Everything, vec!["acme", "ada", "below", "beside", "bob", "deep"]),
        ];
        for (sight, expected) in cases {
            let found = names(&mut tx, sight, &Filter::default()).await;
            assert_eq!(found, expected, "{} {sight:?}", engine.name);
        }
        let sight = of(&below, Below::Included, Some(&ada));
        for hidden in [
            Filter { organization: Some(acme.id), ..Filter::default() },
            Filter { user: Some(bob.id), ..Filter::default() },
            Filter { name: Some("beside".parse().unwrap()), ..Filter::default() },
        ] {
            let found = names(&mut tx, sight, &hidden).await;
            assert!(found.is_empty(), "{} {hidden:?}: {found:?}", engine.name);
        }
    }
}

/// Reads a list of seven in pages of three.
async fn pages<T: Copy>(read: impl AsyncFn(Page<T>) -> Vec<T>) -> (Vec<usize>, Vec<T>) {
    let (mut lengths, mut all) = (Vec::new(), Vec::new());
    let mut page = Page { after: None, most: 3 };
    loop {
        let found = read(page).await;
        lengths.push(found.len());
        page.after = found.last().copied();
        all.extend(&found);
        if found.len() < 3 {
            return (lengths, all);
        }
    }
}

async fn seven(engine: &Engine) -> (OrganizationId, Vec<ApiKeyId>, Vec<OrganizationId>) {
    let acme = engine.organization().await.id;
    let mut tx = engine.store.write().await.unwrap();
    let (mut keys, mut below) = (Vec::new(), Vec::new());
    for number in 0..7 {
        let key = key(Owner::Organization(acme), &number.to_string());
        add(&mut tx, &key).await;
        keys.push(key.id);
        let child = organization(&number.to_string(), Some(acme));
        organizations::insert(&mut tx, &child).await.unwrap();
        below.push(child.id);
    }
    tx.commit(now()).await.unwrap();
    keys.sort_by_key(|id| id.0);
    below.sort_by_key(|id| id.0);
    (acme, keys, below)
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page_without_a_gap() {
    for engine in engines().await {
        let (acme, keys, below) = seven(&engine).await;

        let listed_keys = pages(async |page| {
            let mut tx = engine.store.read().await.unwrap();
            let all = Filter::default();
            let found = api_keys::list(&mut tx, Sight::Everything, &all, page, now()).await;
            found.unwrap().iter().map(|key| key.id).collect()
        });
        let listed_below = pages(async |page| {
            let mut tx = engine.store.read().await.unwrap();
            let found = organizations::list(&mut tx, Sight::Everything, Some(acme), page).await;
            found.unwrap().iter().map(|organization| organization.id).collect()
        });

        assert_eq!(listed_keys.await, (vec![3, 3, 1], keys), "{}", engine.name);
        assert_eq!(listed_below.await, (vec![3, 3, 1], below), "{}", engine.name);
    }
}

#[tokio::test]
async fn nobody_lists_organizations_out_of_sight() {
    for engine in engines().await {
        let mut tx = engine.store.write().await.unwrap();
        let [acme, below, deep, beside] = tree(&mut tx).await;

        let mut list = async |sight, parent| {
            let found = organizations::list(&mut tx, sight, parent, Page::ALL).await.unwrap();
            let mut names: Vec<_> = found.iter().map(|found| found.name.to_string()).collect();
            names.sort_unstable();
            names
        };
        let of = |organization, below| Sight::Of { organization, below, user: None };

        let subtree = list(of(below.id, Below::Included), None).await;
        let alone = list(of(acme.id, Below::Excluded), None).await;
        let children = list(Sight::Everything, Some(acme.id)).await;
        let hidden = list(of(beside.id, Below::Included), Some(below.id)).await;
        let shown = list(of(acme.id, Below::Included), Some(below.id)).await;

        assert_eq!(subtree, ["below", "deep"], "{}", engine.name);
        assert_eq!(alone, ["acme"]);
        assert_eq!(children, ["below"]);
        assert_eq!((hidden.len(), shown), (0, vec![deep.name.to_string()]));
    }
}
