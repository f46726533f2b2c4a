//! Tests of the comparison and of the file, for whatever there is and whatever is wanted.

mod clients;
mod trusts;

use chrono::TimeDelta;
use proptest::{collection::btree_map, option, prelude::*, sample::select};

use self::{clients::client, trusts::trust};
use super::{compare::NewOperators, *};
use crate::{
    clock::timestamp,
    domain::{Algorithm, ClientTerms, Email, JwtType, Lifetime, Roles, WhenLeaked},
};

const PATHS: [&str; 4] = ["acme", "acme/team", "acme/team/one", "other"];
const ROOTS: [&str; 2] = ["acme", "other"];
const USERS: [&str; 2] = ["ada@example.com", "bob@example.com"];
const RESOURCES: [&str; 2] = ["https://api.example.com", "build"];

fn path() -> impl Strategy<Value = OrganizationPath> + Clone {
    select(&PATHS[..]).prop_map(|text| text.parse().unwrap())
}

fn email() -> impl Strategy<Value = Email> + Clone {
    select(&USERS[..]).prop_map(|text| text.parse().unwrap())
}

fn role() -> impl Strategy<Value = crate::domain::RoleName> + Clone {
    select(&["viewer", "deployer", "x.y"][..]).prop_map(|text| text.parse().unwrap())
}

fn words() -> impl Strategy<Value = String> {
    prop::collection::btree_set("[a-z:]{1,5}", 0..3)
        .prop_map(|words| words.into_iter().collect::<Vec<_>>().join(" "))
}

fn text() -> impl Strategy<Value = crate::domain::Text> {
    "[a-zä \"'\\\\#\n]{0,12}".prop_map(|text| text.parse().unwrap())
}

fn lifetime() -> impl Strategy<Value = Lifetime> {
    option::of(0..4_000_000_000_i64)
        .prop_map(|end| end.map_or(Lifetime::Never, |end| Lifetime::Until(timestamp(end).unwrap())))
}

fn owner() -> impl Strategy<Value = OwnerName> {
    prop_oneof![path().prop_map(OwnerName::Organization), email().prop_map(OwnerName::User)]
}

const KEYS: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I \
                    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn reach() -> impl Strategy<Value = Reach> {
    prop_oneof![
        Just(Reach::Own),
        Just(Reach::Subtree),
        prop::collection::vec(path(), 0..3).prop_map(Reach::Listed),
    ]
}

prop_compose! {
    fn api_key()(
        description in text(),
        roles in option::of(prop::collection::vec(role(), 0..3)),
        reach in reach(),
        networks in select(&["", "10.0.0.0/8", "10.0.0.0/8 2001:db8::/32"][..]),
        expires in lifetime(),
        when_leaked in select(&[WhenLeaked::Notify, WhenLeaked::Disable, WhenLeaked::Revoke][..]),
        proof in select(&["none", "any", KEYS][..]),
        enabled in any::<bool>(),
        locked in any::<bool>(),
    ) -> ApiKey {
        ApiKey {
            description,
            roles: roles.map(Roles::from_iter),
            reach,
            allowed_networks: networks.parse().unwrap(),
            expires,
            when_leaked,
            proof: proof.parse().unwrap(),
            enabled,
            locked,
        }
    }
}

prop_compose! {
    fn resource()(
        scopes in words(),
        algorithm in select(&Algorithm::ALL[..]),
        jwt_type in select(&JwtType::ALL[..]),
        lifetime in option::of(30..360_i64),
    ) -> Resource {
        let token_lifetime = lifetime.map(TimeDelta::seconds);
        Resource { scopes: scopes.parse().unwrap(), algorithm, jwt_type, token_lifetime }
    }
}

prop_compose! {
    /// Whatever it names is in it, as a database sees to.
    fn state()(
        operators in select(&ROOTS[..]),
        organizations in prop::collection::vec(any::<bool>(), PATHS.len()),
        users in prop::collection::vec((text(), any::<bool>()), USERS.len()),
        resources in prop::collection::vec(resource(), RESOURCES.len()),
        default in option::of(select(&RESOURCES[..])),
        roles in btree_map((path(), role()), words(), 0..4),
        members in btree_map((path(), email()), role(), 0..4),
        api_keys in btree_map((owner(), select(&["ci", "Nightly Build"][..])), api_key(), 0..4),
        clients in btree_map((path(), select(&["shop", "Web Shop"][..])), client(), 0..3),
        trusts in btree_map((path(), select(&["deploy", "Nightly"][..])), trust(), 0..3),
    ) -> State {
        let paths = PATHS.iter().map(|path| path.parse().unwrap());
        let people = USERS.iter().map(|email| email.parse().unwrap());
        let servers = RESOURCES.iter().map(|it| it.parse().unwrap());
        let user = |(name, enabled)| User { name, enabled };
        State {
            operators: Some(operators.parse().unwrap()),
            organizations: paths.zip(organizations.into_iter().map(|enabled| Organization { enabled })).collect(),
            users: people.zip(users.into_iter().map(user)).collect(),
            resources: servers.zip(resources).collect(),
            default_resource: default.map(|it| it.parse().unwrap()),
            roles: roles.into_iter().map(|((organization, name), scopes)| {
                (RoleOf { organization, name }, Role { scopes: scopes.parse().unwrap() })
            }).collect(),
            members: members.into_iter().map(|((organization, user), role)| {
                (MemberOf { organization, user }, Member { role })
            }).collect(),
            api_keys: api_keys.into_iter().map(|((owner, name), key)| {
                (KeyOf { owner, name: name.parse().unwrap() }, key)
            }).collect(),
            clients: clients.into_iter().map(|((organization, name), client)| {
                (ClientOf { organization, name: name.parse().unwrap() }, client)
            }).collect(),
            trusts: trusts.into_iter().map(|((organization, name), rule)| {
                (TrustOf { organization, name: name.parse().unwrap() }, rule)
            }).collect(),
            revoked: std::collections::BTreeSet::new(),
        }
    }
}

/// Does what a plan says, where `manage::declared` does it to a database.
fn carry_out(plan: &Plan, state: &mut State) {
    fn take<T: Thing>(steps: &[Step<T>], things: &mut std::collections::BTreeMap<T::Name, T>) {
        for Step { name, before, after } in steps {
            let replaced = things.insert(name.clone(), after.clone());
            assert!(replaced == *before, "{}: the plan is for another state", T::describe(name));
        }
    }
    take(&plan.organizations, &mut state.organizations);
    take(&plan.roles, &mut state.roles);
    take(&plan.resources, &mut state.resources);
    take(&plan.users, &mut state.users);
    take(&plan.members, &mut state.members);
    take(&plan.api_keys, &mut state.api_keys);
    take(&plan.clients, &mut state.clients);
    take(&plan.trusts, &mut state.trusts);
    if let Some(NewOperators { before, after }) = &plan.operators {
        assert_eq!(state.operators, *before);
        state.operators = Some(after.clone());
    }
    if let Some(NewDefault { before, after }) = &plan.default_resource {
        assert_eq!(state.default_resource, *before);
        state.default_resource = Some(after.clone());
    }
}

/// All of `present` that `wanted` does not name, and all of `wanted`.
fn united(mut present: State, wanted: &State) -> State {
    let wanted = wanted.clone();
    present.organizations.extend(wanted.organizations);
    present.roles.extend(wanted.roles);
    present.resources.extend(wanted.resources);
    present.users.extend(wanted.users);
    present.members.extend(wanted.members);
    present.api_keys.extend(wanted.api_keys);
    present.clients.extend(wanted.clients);
    present.trusts.extend(wanted.trusts);
    present.operators = wanted.operators.or(present.operators);
    present.default_resource = wanted.default_resource.or(present.default_resource);
    present
}

proptest! {
    #[test]
    fn what_is_as_it_is_to_be_needs_no_plan(state in state()) {
        let plan = Plan::between(&state, &state);

        prop_assert!(plan.list().is_empty());
        prop_assert!(plan.unnamed.is_empty());
    }

    #[test]
    fn a_plan_leads_from_what_is_to_what_is_wanted(present in state(), wanted in state()) {
        let plan = Plan::between(&present, &wanted);
        let mut after = present.clone();
        carry_out(&plan, &mut after);

        prop_assert_eq!(&after, &united(present, &wanted));
        let again = Plan::between(&after, &wanted);
        prop_assert!(again.list().is_empty());
        prop_assert_eq!(again.unnamed, plan.unnamed);
    }

    #[test]
    fn each_change_that_is_shown_changes_something(present in state(), wanted in state()) {
        for planned in Plan::between(&present, &wanted).list() {
            prop_assert!(!planned.fields.is_empty(), "{}", planned.thing);
        }
    }

    #[test]
    fn a_written_state_reads_as_the_same_state(state in state()) {
        let text = write(&state);
        let file = File::read(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
        let read = file.over(&state).unwrap_or_else(|error| panic!("{error}:\n{text}")).state;

        prop_assert_eq!(&read, &state);
        prop_assert_eq!(write(&read), text);
    }

    /// Every field is written: nothing is left to what is there already.
    #[test]
    fn a_written_state_says_all(state in state(), other in state()) {
        let file = File::read(&write(&state)).unwrap();
        let both = united(other.clone(), &state);
        let other = State { api_keys: both.api_keys, clients: both.clients, ..other };
        let emptied = other.api_keys.iter().map(|(name, key)| {
            (name.clone(), ApiKey { enabled: !key.enabled, ..key.clone() })
        });
        let bare = Client { terms: ClientTerms::default(), enabled: false };
        let bare = other.clients.keys().map(|name| (name.clone(), bare.clone()));
        let other = State { api_keys: emptied.collect(), clients: bare.collect(), ..other };

        let read = file.over(&other).unwrap().state;

        prop_assert_eq!(read.api_keys, state.api_keys);
        prop_assert_eq!(read.clients, state.clients);
        prop_assert_eq!(read.users, state.users);
        prop_assert_eq!(read.resources, state.resources);
    }
}

#[test]
fn a_subtree_is_what_belongs_to_it() {
    let text = "
        [[organization]]
        path = \"acme\"
        [[organization]]
        path = \"acme/team\"
        [[organization]]
        path = \"acme-2\"
        [[role]]
        organization = \"acme/team\"
        name = \"deployer\"
        scopes = [\"deploy\"]
        [[resource]]
        identifier = \"build\"
        scopes = [\"deploy\"]
        [[user]]
        email = \"ada@example.com\"
        [[user]]
        email = \"bob@example.com\"
        [[member]]
        organization = \"acme/team\"
        user = \"ada@example.com\"
        role = \"owner\"
        [[member]]
        organization = \"acme\"
        user = \"bob@example.com\"
        role = \"owner\"
    ";
    let state = File::read(text).unwrap().over(&State::default()).unwrap().state;

    let team = state.clone().within(&"acme/team".parse().unwrap());
    let acme = state.within(&"acme".parse().unwrap());

    assert_eq!((team.organizations.len(), team.roles.len(), team.members.len()), (1, 1, 1));
    assert_eq!((team.users.len(), team.resources.len()), (1, 0));
    assert_eq!((acme.organizations.len(), acme.users.len()), (2, 2));
}
