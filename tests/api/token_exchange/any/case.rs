//! What one case of the property is made of, drawn at random.

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select, subsequence},
};

pub(super) const SCOPES: [&str; 3] = ["admin", "read", "write"];
pub(super) const RESOURCES: [&str; 2] = ["urn:api", "urn:other"];
pub(super) const ROLES: [&str; 2] = ["builder", "keeper"];
pub(super) const CLIENTS: usize = 3;

type Names = Vec<&'static str>;

/// What can have a part in a token, and be disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Key,
    Client(usize),
    Trust,
    /// The organization of all of them.
    Acme,
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) roles: Names,
    pub(super) is_subtree: bool,
    /// The role of its user; `None`: it is the organization's.
    pub(super) of_user: Option<&'static str>,
    pub(super) minutes: Option<i64>,
}

/// An exchange that a client is registered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule {
    /// Of our own tokens, not of those of the CI.
    pub(super) is_ours: bool,
    pub(super) resource: &'static str,
    /// Whether it needs no actor.
    pub(super) is_open: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Registration {
    pub(super) scopes: Names,
    pub(super) resources: Option<Names>,
    pub(super) lifetime: Option<u32>,
    /// Whether its refresh tokens rotate; `None`: it is given none.
    pub(super) rotates: Option<bool>,
    pub(super) rules: Vec<Rule>,
}

/// What the tokens of the CI are worth.
#[derive(Clone, Debug)]
pub(super) struct Trusted {
    pub(super) roles: Names,
    pub(super) resources: Option<Names>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    Nobody,
    Key,
    Client(usize),
}

/// What is presented for a token.
#[derive(Clone, Debug)]
pub(super) enum Offer {
    /// The secret of the key, at the door for keys.
    Secret,
    /// The client itself.
    Client(usize),
    /// A token of the CI as an assertion.
    Job,
    /// One of the refresh tokens that were given.
    Refresh(Index),
    Exchange(Subject),
}

#[derive(Clone, Debug)]
pub(super) enum Subject {
    /// The newest of the tokens, or the secret where there is none.
    Newest,
    Secret,
    Job,
    Refresh(Index),
}

#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) offer: Offer,
    pub(super) by: By,
    /// Whether a refresh token is presented by this one, and not by whoever was given it.
    pub(super) is_stranger: bool,
    /// Whether the client shows a token of its own.
    pub(super) has_actor: bool,
    pub(super) scopes: Option<Names>,
    pub(super) resource: Option<&'static str>,
    /// Whether to act below `acme`, not in it.
    pub(super) is_below: Option<bool>,
}

impl Ask {
    pub(super) fn plain(offer: Offer, by: By) -> Self {
        let (scopes, resource, is_below) = (None, None, None);
        Self { offer, by, is_stranger: false, has_actor: false, scopes, resource, is_below }
    }
}

/// What somebody else does meanwhile.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Role(&'static str, Names),
    Resource(&'static str, Names),
    Key(Names, bool),
    Member(&'static str),
    Client(usize, Registration),
    Trust(Trusted),
    Enable(Who, bool),
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Ask(Ask),
    Change(Change),
    Wait(i64),
}

#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) roles: Vec<Names>,
    pub(super) resources: Vec<Names>,
    pub(super) key: Key,
    pub(super) clients: Vec<Registration>,
    pub(super) trust: Trusted,
    pub(super) steps: Vec<Step>,
    /// Which link of the last token's chain is broken at the end.
    pub(super) broken: Index,
}

fn names(all: &'static [&'static str]) -> impl Strategy<Value = Names> {
    let some = subsequence(all, 1..=all.len());
    prop_oneof![3 => Just(all.to_vec()), 1 => some]
}

fn resources() -> impl Strategy<Value = Option<Names>> {
    option::weighted(0.3, names(&RESOURCES))
}

fn rule() -> impl Strategy<Value = Rule> {
    let chances = (proptest::bool::weighted(0.8), proptest::bool::weighted(0.7));
    (chances, select(&RESOURCES[..])).prop_map(|((is_ours, is_open), resource)| Rule {
        is_ours,
        resource,
        is_open,
    })
}

fn registration() -> impl Strategy<Value = Registration> {
    let lifetime = option::weighted(0.3, 60..=360_u32);
    let refresh = option::weighted(0.7, any::<bool>());
    (names(&SCOPES), resources(), lifetime, refresh, vec(rule(), 0..4)).prop_map(
        |(scopes, resources, lifetime, rotates, mut rules)| {
            rules.sort_unstable();
            rules.dedup_by_key(|rule| (rule.is_ours, rule.resource));
            Registration { scopes, resources, lifetime, rotates, rules }
        },
    )
}

fn trusted() -> impl Strategy<Value = Trusted> {
    (names(&ROLES), resources()).prop_map(|(roles, resources)| Trusted { roles, resources })
}

fn key() -> impl Strategy<Value = Key> {
    let of_user = option::weighted(0.3, select(&ROLES[..]));
    let minutes = option::weighted(0.3, 1..8_i64);
    (names(&ROLES), any::<bool>(), of_user, minutes).prop_map(
        |(roles, is_subtree, of_user, minutes)| Key { roles, is_subtree, of_user, minutes },
    )
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![
        1 => Just(By::Nobody),
        2 => Just(By::Key),
        6 => (0..CLIENTS).prop_map(By::Client),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let subject = prop_oneof![
        6 => Just(Subject::Newest),
        1 => Just(Subject::Secret),
        1 => Just(Subject::Job),
        2 => any::<Index>().prop_map(Subject::Refresh),
    ];
    let offer = prop_oneof![
        2 => Just(Offer::Secret),
        1 => (0..CLIENTS).prop_map(Offer::Client),
        1 => Just(Offer::Job),
        4 => any::<Index>().prop_map(Offer::Refresh),
        8 => subject.prop_map(Offer::Exchange),
    ];
    let wishes = (
        option::weighted(0.3, names(&SCOPES)),
        option::weighted(0.4, select(&RESOURCES[..])),
        option::weighted(0.2, any::<bool>()),
    );
    let chances = (proptest::bool::weighted(0.15), proptest::bool::weighted(0.4));
    (offer, by(), chances, wishes).prop_map(
        |(offer, by, (is_stranger, has_actor), (scopes, resource, is_below))| Ask {
            offer,
            by,
            is_stranger,
            has_actor,
            scopes,
            resource,
            is_below,
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let who = prop_oneof![
        2 => Just(Who::Key),
        3 => (0..CLIENTS).prop_map(Who::Client),
        1 => Just(Who::Trust),
        1 => Just(Who::Acme),
    ];
    let enable = (who, proptest::bool::weighted(0.6));
    prop_oneof![
        3 => (select(&ROLES[..]), names(&SCOPES)).prop_map(|(role, it)| Change::Role(role, it)),
        2 => (select(&RESOURCES[..]), names(&SCOPES)).prop_map(|(id, it)| Change::Resource(id, it)),
        2 => (names(&ROLES), any::<bool>()).prop_map(|(roles, far)| Change::Key(roles, far)),
        1 => select(&ROLES[..]).prop_map(Change::Member),
        4 => (0..CLIENTS, registration()).prop_map(|(number, it)| Change::Client(number, it)),
        1 => trusted().prop_map(Change::Trust),
        2 => enable.prop_map(|(who, enabled)| Change::Enable(who, enabled)),
    ]
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let step = prop_oneof![
        6 => ask().prop_map(Step::Ask),
        3 => change().prop_map(Step::Change),
        1 => (1..60_i64).prop_map(Step::Wait),
    ];
    let scopes = || vec(names(&SCOPES), 2);
    let state = (scopes(), scopes(), key(), vec(registration(), CLIENTS), trusted());
    (state, ask(), vec(step, 2..=7), any::<Index>()).prop_map(
        |((roles, resources, key, clients, trust), first, mut steps, broken)| {
            steps.insert(0, Step::Ask(first));
            Case { roles, resources, key, clients, trust, steps, broken }
        },
    )
}
