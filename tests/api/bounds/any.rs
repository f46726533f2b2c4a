//! KX-19 for any tree, any key that asks and any wish: what was done is never more than it had.

use std::cell::Cell;

use chrono::TimeDelta;
use keyturn::{
    domain::{
        ApiKey, Expected, Lifetime, Networks, OrganizationId, Owner, Reach, Scopes, Source, UserId,
        held_scopes,
    },
    manage::{
        Asker, Rejection,
        api_keys::{self, Edit, NewApiKey, OldSecret, Rotation},
    },
    random::Random,
    signing::VerifiedToken,
    store,
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, TestRunner},
};

use super::{asks_from, define, tree};
use crate::support::{ISSUER, TestServer, new_key};

const ANY: &Expected = &Expected::Any;
const ROLES: [&str; 6] = ["viewer", "manager", "owner", "custom", "custom", "keys"];
const NETWORKS: [&str; 4] = ["", "10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8 192.0.2.0/24"];
const ORGANIZATIONS: usize = 5;

/// A key by the places of organizations in the tree.
#[derive(Clone, Debug)]
struct Shape {
    /// The organization it belongs to; otherwise it is the user's.
    owner: Option<usize>,
    roles: Option<Vec<&'static str>>,
    reach: Vec<usize>,
    is_subtree: bool,
    networks: &'static str,
    days: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
enum Deed {
    Create,
    Update,
    Rotate,
    Enable,
    Unlock,
}

const DEEDS: [Deed; 6] =
    [Deed::Create, Deed::Create, Deed::Update, Deed::Rotate, Deed::Enable, Deed::Unlock];

#[derive(Clone, Debug)]
struct Case {
    /// Of the user whose keys these are.
    memberships: Vec<(usize, &'static str)>,
    own: Shape,
    acting: usize,
    /// Of keyturn's own scopes the token lacks every one whose place is here.
    lacks: Vec<usize>,
    deed: Deed,
    before: Shape,
    wish: Shape,
}

fn shape() -> impl Strategy<Value = Shape> {
    let owner = option::weighted(0.6, 0..ORGANIZATIONS);
    let roles = option::weighted(0.8, vec(select(&ROLES[..]), 1..3));
    let listed = prop_oneof![3 => Just(Vec::new()), 1 => vec(0..ORGANIZATIONS, 1..3)];
    let days = option::of(1..4_i64);
    (owner, roles, listed, any::<bool>(), select(&NETWORKS[..]), days).prop_map(
        |(owner, roles, reach, is_subtree, networks, days)| Shape {
            owner,
            roles,
            reach,
            is_subtree,
            networks,
            days,
        },
    )
}

/// Like this one, each part changed with a chance of one in four.
fn like(one: &Shape) -> impl Strategy<Value = Shape> + use<> {
    let (one, changed) = (one.clone(), || proptest::bool::weighted(0.25));
    let parts = (changed(), changed(), changed(), changed(), changed());
    (shape(), parts).prop_map(move |(other, (owner, roles, reach, networks, days))| {
        let pick = |is_other: bool| if is_other { &other } else { &one };
        Shape {
            owner: pick(owner).owner,
            roles: pick(roles).roles.clone(),
            reach: pick(reach).reach.clone(),
            is_subtree: pick(reach).is_subtree,
            networks: pick(networks).networks,
            days: pick(days).days,
        }
    })
}

fn case() -> impl Strategy<Value = Case> {
    let memberships = vec((0..ORGANIZATIONS, select(&ROLES[..])), 1..4);
    let nothing_or_some = prop_oneof![
        3 => Just(Vec::new()),
        1 => subsequence((0..14).collect::<Vec<_>>(), 1..6),
    ];
    let asks = (memberships, shape(), option::weighted(0.3, 0..ORGANIZATIONS), nothing_or_some);
    asks.prop_flat_map(|(memberships, own, acting, lacks)| {
        let acting = acting.or(own.owner).unwrap_or(memberships[0].0);
        let wishes = (select(&DEEDS[..]), like(&own), like(&own));
        wishes.prop_map(move |(deed, before, wish)| Case {
            memberships: memberships.clone(),
            own: own.clone(),
            acting,
            lacks: lacks.clone(),
            deed,
            before,
            wish,
        })
    })
}

/// A server with a tree in which `custom` means something else in each place.
struct World {
    server: TestServer,
    places: [OrganizationId; ORGANIZATIONS],
}

impl World {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let tree = tree(&server).await;
        define(&server, tree.acme, "custom", "deploy keys:write read").await;
        define(&server, tree.left, "custom", "keys:write write").await;
        define(&server, tree.leaf, "custom", "admin keys:read keys:write members:write").await;
        define(&server, tree.other, "custom", "keys:write").await;
        for root in [tree.acme, tree.other] {
            define(&server, root, "keys", "keys:read keys:write").await;
        }
        let places = [tree.acme, tree.left, tree.right, tree.leaf, tree.other];
        Self { server, places }
    }

    fn new_key(&self, shape: &Shape, user: UserId) -> NewApiKey {
        let owner = match shape.owner {
            Some(place) => Owner::Organization(self.places[place]),
            None => Owner::User(user),
        };
        let now = self.server.app.clock.now();
        NewApiKey {
            roles: shape.roles.as_ref().map(|roles| roles.join(" ").parse().unwrap()),
            reach: self.reach(shape),
            allowed_networks: shape.networks.parse().unwrap(),
            lifetime: shape
                .days
                .map_or(Lifetime::Never, |days| Lifetime::Until(now + TimeDelta::days(days))),
            ..new_key(owner, &Random::System.base62(16))
        }
    }

    fn reach(&self, shape: &Shape) -> Reach {
        match (&shape.reach[..], shape.is_subtree) {
            ([], true) => Reach::Subtree,
            ([], false) => Reach::Own,
            (listed, _) => Reach::Listed(listed.iter().map(|place| self.places[*place]).collect()),
        }
    }

    /// What the key holds in an organization, as an exchange works it out.
    async fn held(&self, key: &ApiKey, place: OrganizationId) -> Scopes {
        let directory = &self.server.app.directory;
        let standing = directory.standing(key.owner).await.unwrap().unwrap();
        let acting = directory.lineage(place).await.unwrap().unwrap();
        let givers: Vec<_> = standing.givers.iter().map(|giver| &**giver).collect();
        held_scopes(key, standing.person.as_deref(), &givers, &acting).unwrap_or_default()
    }

    /// Makes a key as an operator; `None` where there can be none like this.
    async fn make(&self, shape: &Shape, user: UserId) -> Option<ApiKey> {
        let new = self.new_key(shape, user);
        let made = api_keys::create(&self.server.app, &Asker::keyturn(), new).await;
        made.ok().map(|made| made.key)
    }

    /// A token of this key, as an exchange makes it.
    async fn carries(&self, own: &ApiKey, acting: OrganizationId, scopes: Scopes) -> VerifiedToken {
        let mut tx = self.server.app.store.read().await.unwrap();
        let secrets = store::api_key_secrets::of_key(&mut tx, own.id).await.unwrap();
        let now = self.server.app.clock.now();
        VerifiedToken {
            subject: format!("key:{}", own.id),
            client_id: own.id.to_string(),
            audiences: vec![ISSUER.to_owned()],
            scopes,
            roles: own.roles.clone().unwrap_or_default(),
            organization_id: acting,
            user_id: None,
            sources: vec![Source::Secret(secrets[0].id)],
            actor: None,
            bound_to: None,
            issued_at: now,
            expires_at: now + TimeDelta::minutes(6),
            token_id: self.server.app.random.id(now),
        }
    }

    /// Does what the case says. `None`: nobody could ask.
    async fn take(
        &self,
        case: &Case,
    ) -> Option<(ApiKey, VerifiedToken, Result<ApiKey, Rejection>)> {
        let email = format!("{}@example.com", Random::System.base62(16));
        let user = self.server.user(&email, &[]).await;
        for (place, role) in &case.memberships {
            // Not every organization knows every role.
            let role = if *role == "custom" && *place == 2 { "viewer" } else { role };
            self.server.set_role(user, self.places[*place], role).await;
        }
        let own = self.make(&case.own, user).await?;
        let acting = self.places[case.acting];
        let held = self.held(&own, acting).await;
        let known = &self.server.app.own_resource.scopes;
        let lacking: Vec<_> =
            case.lacks.iter().filter_map(|place| known.iter().nth(*place)).collect();
        let carried = held.iter().filter(|it| known.contains(it) && !lacking.contains(it));
        let scopes = carried.map(std::sync::Arc::<str>::from).collect();
        let carried = self.carries(&own, acting, scopes).await;
        // All of the networks have this one.
        let asker = asks_from(&self.server, &carried, "10.1.2.3").await?;
        let done = self.ask(&asker, case, user).await?;
        Some((own, carried, done))
    }

    async fn ask(
        &self,
        asker: &Asker,
        case: &Case,
        user: UserId,
    ) -> Option<Result<ApiKey, Rejection>> {
        let (app, operator) = (&self.server.app, Asker::keyturn());
        let wish = self.new_key(&case.wish, user);
        if matches!(case.deed, Deed::Create) {
            return Some(api_keys::create(app, asker, wish).await.map(|made| made.key));
        }
        let id = self.make(&case.before, user).await?.id;
        Some(match case.deed {
            Deed::Update => {
                let edit = Edit {
                    roles: Some(wish.roles),
                    reach: Some(wish.reach),
                    allowed_networks: Some(wish.allowed_networks),
                    ..Edit::default()
                };
                api_keys::update(app, asker, id, ANY, edit).await
            }
            Deed::Enable => {
                api_keys::set_enabled(app, &operator, id, ANY, false).await.unwrap();
                api_keys::set_enabled(app, asker, id, ANY, true).await
            }
            Deed::Unlock => {
                api_keys::set_locked(app, &operator, id, ANY, true).await.unwrap();
                api_keys::set_locked(app, asker, id, ANY, false).await
            }
            Deed::Create | Deed::Rotate => {
                let old_secret = OldSecret::DiesAfter(TimeDelta::zero());
                let rotation = Rotation { old_secret, lifetime: None, force: true };
                let rotated = api_keys::rotate(app, asker, id, ANY, rotation).await;
                rotated.map(|rotated| rotated.key)
            }
        })
    }
}

fn is_within(networks: &Networks, others: &Networks) -> bool {
    let samples = ["10.1.2.3", "10.2.0.1", "192.0.2.1", "127.0.0.1", "2001:db8::1"];
    let samples = samples.map(|address| address.parse().unwrap());
    samples.into_iter().all(|address| !networks.allow(address) || others.allow(address))
}

#[test]
fn kx_19_whatever_is_asked_for_no_key_comes_to_more_than_the_one_that_asks() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let (done, refused) = (Cell::new(0), Cell::new(0));
    let config = Config { cases: 500, failure_persistence: None, ..Config::default() };
    let check = async |case: Case| {
        let Some((own, carried, outcome)) = world.take(&case).await else { return Ok(()) };
        let key = match outcome {
            Ok(key) => key,
            Err(Rejection::Wider(_)) => {
                refused.set(refused.get() + 1);
                return Ok(());
            }
            Err(_) => return Ok(()),
        };
        done.set(done.get() + 1);
        for (place, id) in world.places.iter().enumerate() {
            let (given, had) = (world.held(&key, *id).await, world.held(&own, *id).await);
            for scope in given.iter() {
                prop_assert!(had.contains(scope), "{scope} in {place}: {key:?} by {own:?}");
                let ours = world.server.app.own_resource.scopes.contains(scope);
                let lacks = ours && !carried.scopes.contains(scope);
                prop_assert!(!lacks, "{scope} in {place}: {key:?} by {own:?} with {carried:?}");
            }
        }
        prop_assert!(own.expires_at.is_none_or(|end| key.expires_at.is_some_and(|it| it <= end)));
        prop_assert!(is_within(&key.allowed_networks, &own.allowed_networks));
        Ok(())
    };

    let outcome = TestRunner::new(config).run(&case(), |case| runtime.block_on(check(case)));

    outcome.unwrap();
    let (done, refused) = (done.get(), refused.get());
    assert!(done >= 30 && refused >= 30, "{done} done, {refused} refused: this shows nothing");
}
