//! KX-09 for any tree, roles and reach: no scope comes from nowhere.

use std::{collections::BTreeMap, sync::Arc};

use keyturn::{
    clock,
    domain::{
        ApiKey, ApiKeyId, Email, Lineage, Membership, Networks, Organization, OrganizationId,
        Owner, Person, ProofDemand, Reach, RoleName, Roles, Scopes, Text, User, UserId, Version,
        WhenLeaked, held_roles, held_scopes,
    },
    random::Random,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

const NAMES: [&str; 5] = ["owner", "manager", "viewer", "custom", "unknown"];

const WORDS: [&str; 6] = ["admin", "deploy", "keys:read", "keys:write", "read", "write"];

fn scopes() -> impl Strategy<Value = Scopes> {
    vec(select(&WORDS[..]), 0..5).prop_map(|words| words.into_iter().map(Arc::from).collect())
}

fn roles() -> impl Strategy<Value = Roles> {
    vec(select(&NAMES[..]), 0..3)
        .prop_map(|names| names.into_iter().map(|name| name.parse::<RoleName>().unwrap()).collect())
}

fn id(number: usize) -> OrganizationId {
    let now = clock::timestamp(1_800_000_000).unwrap();
    OrganizationId(Random::seeded(number as u64).id(now))
}

/// The third organization of a line of three, or one above it, where `custom` means these scopes.
fn lineage(depth: usize, custom: &[Scopes]) -> Lineage {
    let organization = |number: usize| Organization {
        id: id(number),
        parent_id: number.checked_sub(1).map(id),
        name: "x".parse().unwrap(),
        created_at: clock::timestamp(0).unwrap(),
        disabled_at: None,
        version: Version::FIRST,
    };
    let name: RoleName = "custom".parse().unwrap();
    let roles = BTreeMap::from([(name, Arc::new(custom[depth].clone()))]);
    Lineage { line: (0..=depth).rev().map(organization).collect(), roles }
}

fn key(owner: Owner, roles: Option<Roles>, reach: Reach) -> ApiKey {
    ApiKey {
        id: ApiKeyId(id(9).0),
        owner,
        name: "ci".parse().unwrap(),
        description: Text::default(),
        roles,
        reach,
        allowed_networks: Networks::default(),
        created_at: clock::timestamp(0).unwrap(),
        expires_at: None,
        disabled_at: None,
        locked_at: None,
        revoked_at: None,
        when_leaked: WhenLeaked::Revoke,
        proof: ProofDemand::None,
        version: Version::FIRST,
    }
}

fn reach() -> impl Strategy<Value = Reach> {
    let listed =
        vec(0..3_usize, 1..3).prop_map(|all| Reach::Listed(all.into_iter().map(id).collect()));
    prop_oneof![Just(Reach::Own), Just(Reach::Subtree), listed]
}

fn person(memberships: &[(usize, RoleName)]) -> Person {
    let user_id = UserId(id(8).0);
    let created_at = clock::timestamp(0).unwrap();
    let membership = |(depth, role): &(usize, RoleName)| Membership {
        organization_id: id(*depth),
        user_id,
        role: role.clone(),
        created_at,
        version: Version::FIRST,
    };
    let email: Email = "ada@example.com".parse().unwrap();
    let (name, version) = (Text::default(), Version::FIRST);
    let user = User { id: user_id, email, name, created_at, disabled_at: None, version };
    Person { user, memberships: memberships.iter().map(membership).collect() }
}

/// Written anew and another way than in the domain: what one role may give at most.
fn means(role: &RoleName, giver: &Lineage) -> Scopes {
    let custom = || giver.roles.get(role).map(|scopes| Scopes::clone(scopes)).unwrap_or_default();
    role.built_in().unwrap_or_else(custom)
}

proptest! {
    #[test]
    fn kx_09_an_organizations_key_has_no_scope_outside_its_roles(
        custom in vec(scopes(), 3),
        (owner, acting) in (0..3_usize, 0..3_usize),
        (roles, reach) in (roles(), reach()),
    ) {
        let givers = [lineage(owner, &custom)];
        let acting = lineage(acting, &custom);
        let key = key(Owner::Organization(id(owner)), Some(roles.clone()), reach.clone());

        let granted = held_scopes(&key, None, &[&givers[0]], &acting);

        if let Ok(granted) = granted {
            prop_assert!(acting.is_within(id(owner)), "never beside or above the owner");
            prop_assert!(reach != Reach::Own || acting.id() == id(owner));
            for scope in granted.iter() {
                prop_assert!(roles.iter().any(|role| means(role, &givers[0]).contains(scope)));
            }
        }
    }

    #[test]
    fn kx_09_a_users_key_has_no_scope_and_no_role_outside_its_users_rights(
        custom in vec(scopes(), 3),
        memberships in vec((0..3_usize, select(&NAMES[..])), 0..3),
        acting in 0..3_usize,
        (roles, reach) in (option::of(roles()), reach()),
    ) {
        let memberships: Vec<_> =
            memberships.into_iter().map(|(depth, name)| (depth, name.parse().unwrap())).collect();
        let person = person(&memberships);
        let givers: Vec<_> = memberships.iter().map(|(depth, _)| lineage(*depth, &custom)).collect();
        let givers: Vec<_> = givers.iter().collect();
        let acting = lineage(acting, &custom);
        let key = key(Owner::User(person.user.id), roles.clone(), reach);

        let granted = held_scopes(&key, Some(&person), &givers, &acting);
        let held = held_roles(&key, Some(&person), &givers, &acting);

        let mine = |scope: &str| {
            memberships.iter().zip(&givers).any(|((_, role), giver)| {
                let has = means(role, giver).contains(scope);
                let by_key = roles.as_ref().is_none_or(|roles| {
                    roles.iter().any(|role| means(role, giver).contains(scope))
                });
                has && by_key && acting.is_within(giver.id())
            })
        };
        if let Ok(granted) = granted {
            prop_assert!(granted.iter().all(mine));
        } else {
            prop_assert!(held.is_empty(), "{held:?}");
        }
        for role in held.iter() {
            let is_the_keys = roles.as_ref().is_none_or(|roles| roles.iter().any(|it| it == role));
            let is_had = memberships.iter().zip(&givers).any(|((_, own), giver)| {
                means(role, giver).iter().all(|scope| means(own, giver).contains(scope))
            });
            prop_assert!(is_the_keys && is_had, "{role}");
        }
    }

    #[test]
    fn kx_09_asking_for_less_gives_less_and_asking_for_more_gives_nothing(
        granted in scopes(),
        asked in scopes(),
    ) {
        match granted.narrow(Some(asked.clone())) {
            Ok(given) => prop_assert!(given == asked && given.iter().all(|it| granted.contains(it))),
            Err(refused) => prop_assert!(!granted.contains(&refused.0)),
        }
    }
}
