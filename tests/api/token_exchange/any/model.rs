//! What everybody may do as of now, worked out without the server: a few sets, and what is in all
//! of them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use keyturn::{
    clock::Timestamp,
    domain::{Scopes, Source},
    signing::VerifiedToken,
};

use super::case::{Case, Change, Key, RESOURCES, ROLES, Registration, SCOPES, Trusted, Who};

/// Who may do what, as it was last told to the server.
pub(super) struct Model {
    roles: BTreeMap<&'static str, Scopes>,
    resources: BTreeMap<&'static str, Scopes>,
    key: Key,
    pub(super) clients: Vec<Registration>,
    trust: Trusted,
    disabled: BTreeSet<Who>,
}

/// What a token or a refresh token was obtained with.
#[derive(Clone, Debug)]
pub(super) struct Past {
    /// Whose rights they are.
    pub(super) holder: Who,
    /// Whose credentials were needed, the holder's among them.
    pub(super) parties: BTreeSet<Who>,
    /// Tokens and families on the way.
    pub(super) met: HashSet<Source>,
    /// What all of them carried.
    most: Scopes,
    /// Where they acted: below `acme`, or in it.
    places: BTreeSet<bool>,
    /// For whom alone it can be.
    targets: BTreeSet<&'static str>,
    pub(super) ends: Option<Timestamp>,
    pub(super) has_actor: bool,
    /// The client that asked last.
    client: Option<usize>,
    /// By which rules it was exchanged.
    pub(super) by_rules: Vec<ByRules>,
    /// Whether it is for whom the last of these allow: nobody else has asked since.
    is_for_those: bool,
}

/// The rules of a client for one kind of exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByRules {
    pub(super) client: usize,
    /// Of our own tokens, not of those of the CI.
    pub(super) is_ours: bool,
    pub(super) acts: bool,
}

pub(super) fn scopes(names: &[&str]) -> Scopes {
    names.join(" ").parse().unwrap()
}

impl Past {
    pub(super) fn of(holder: Who, ends: Option<Timestamp>) -> Self {
        Self {
            holder,
            parties: [holder].into(),
            met: HashSet::new(),
            most: scopes(&SCOPES),
            places: BTreeSet::new(),
            targets: BTreeSet::new(),
            ends,
            has_actor: false,
            client: match holder {
                Who::Client(number) => Some(number),
                Who::Key | Who::Trust | Who::Acme => None,
            },
            by_rules: Vec::new(),
            is_for_those: false,
        }
    }

    /// The same, asked for by this client.
    pub(super) fn asked_by(self, number: usize) -> Self {
        let is_latest = self.client == Some(number);
        let is_for_those = self.is_for_those && is_latest;
        let both = self.with(&Self::of(Who::Client(number), None));
        Self { client: Some(number), is_for_those, ..both }
    }

    pub(super) fn exchanged(mut self, by_rules: ByRules) -> Self {
        self.by_rules.push(by_rules);
        Self { is_for_those: true, ..self }
    }

    /// Whether these are the rights of the client and of nobody else, who asked for them itself.
    pub(super) fn is_own_of(&self, number: usize) -> bool {
        self.parties == [Who::Client(number)].into()
    }

    /// The same, with somebody else's credential beside.
    pub(super) fn with(mut self, other: &Self) -> Self {
        self.parties.extend(&other.parties);
        self.met.extend(&other.met);
        self.most = self.most.intersection(&other.most);
        self.places.extend(&other.places);
        self.targets.extend(&other.targets);
        self.ends = self.ends.into_iter().chain(other.ends).min();
        self
    }

    /// The same through this token. Whom that is for does not matter: to lead to others is what
    /// rules of exchange are for.
    pub(super) fn through(mut self, token: &VerifiedToken, is_below: bool) -> Self {
        self.met.insert(Source::Token(token.token_id));
        self.most = self.most.intersection(&token.scopes);
        self.places.insert(is_below);
        self.targets.clear();
        self.ends = self.ends.into_iter().chain([token.expires_at]).min();
        self
    }

    /// What a refresh token is worth that was given beside a token: what was named bounds it.
    pub(super) fn refreshable(
        mut self,
        most: &Scopes,
        target: Option<&'static str>,
        is_below: Option<bool>,
        ends: Timestamp,
    ) -> Self {
        self.most = self.most.intersection(most);
        self.targets.extend(target);
        self.places.extend(is_below);
        self.ends = self.ends.into_iter().chain([ends]).min();
        self
    }
}

impl Model {
    pub(super) fn new(case: &Case) -> Self {
        let named = |names: [&'static str; 2], all: &[Vec<&'static str>]| {
            names.into_iter().zip(all).map(|(name, it)| (name, scopes(it))).collect()
        };
        Self {
            roles: named(ROLES, &case.roles),
            resources: named(RESOURCES, &case.resources),
            key: case.key.clone(),
            clients: case.clients.clone(),
            trust: case.trust.clone(),
            disabled: BTreeSet::new(),
        }
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::Role(name, given) => drop(self.roles.insert(name, scopes(&given))),
            Change::Resource(name, known) => drop(self.resources.insert(name, scopes(&known))),
            Change::Key(roles, is_subtree) => {
                self.key = Key { roles, is_subtree, ..self.key.clone() };
            }
            Change::Member(role) => self.key.of_user = self.key.of_user.map(|_| role),
            Change::Client(number, terms) => self.clients[number] = terms,
            Change::Trust(trusted) => self.trust = trusted,
            Change::Enable(who, true) => drop(self.disabled.remove(&who)),
            Change::Enable(who, false) => drop(self.disabled.insert(who)),
        }
    }

    /// What the role gives for this resource.
    pub(super) fn gives(&self, role: &str, target: &str) -> Scopes {
        self.roles[role].intersection(&self.resources[target])
    }

    fn given(&self, roles: &[&str]) -> Scopes {
        roles.iter().fold(Scopes::default(), |all, role| all.union(&self.roles[role]))
    }

    /// What one of them has there; `None`: it has no say.
    fn has(
        &self,
        who: Who,
        is_holder: bool,
        is_below: bool,
        target: Option<&str>,
    ) -> Option<Scopes> {
        if self.disabled.contains(&who) || self.disabled.contains(&Who::Acme) {
            return None;
        }
        let meant = |resources: &Option<Vec<&str>>| {
            let all = resources.as_ref();
            all.is_none_or(|all| target.is_none_or(|target| all.contains(&target)))
        };
        match who {
            Who::Key => {
                let given = self.given(&self.key.roles);
                let most = self.key.of_user.map(|role| given.intersection(&self.roles[role]));
                (!is_below || self.key.is_subtree).then(|| most.unwrap_or(given))
            }
            Who::Client(number) => {
                let terms = &self.clients[number];
                let is_here = !is_holder || !is_below;
                (is_here && meant(&terms.resources)).then(|| scopes(&terms.scopes))
            }
            Who::Trust => {
                (!is_below && meant(&self.trust.resources)).then(|| self.given(&self.trust.roles))
            }
            Who::Acme => None,
        }
    }

    /// Whether there are rules left for each exchange, and the last ones are for this audience.
    fn is_by_rules(&self, past: &Past, target: Option<&str>) -> bool {
        let targets = |by: &ByRules| {
            let rules = self.clients[by.client].rules.iter();
            let rules = rules.filter(|it| it.is_ours == by.is_ours && (it.is_open || by.acts));
            rules.map(|rule| rule.resource).collect::<Vec<_>>()
        };
        let all: Vec<_> = past.by_rules.iter().map(targets).collect();
        let last = all.last().filter(|_| past.is_for_those);
        all.iter().all(|targets| !targets.is_empty())
            && last.zip(target).is_none_or(|(targets, target)| targets.contains(&target))
    }

    /// What is in all that it came from, whomever it is for.
    pub(super) fn held(&self, past: &Past, is_below: bool, target: Option<&str>) -> Option<Scopes> {
        let is_there = past.places.iter().all(|place| *place == is_below)
            && past.targets.iter().all(|it| target.is_none_or(|target| target == *it));
        if !is_there || !self.is_by_rules(past, target) {
            return None;
        }
        past.parties.iter().try_fold(past.most.clone(), |most, who| {
            let theirs = self.has(*who, *who == past.holder, is_below, target)?;
            Some(most.intersection(&theirs))
        })
    }

    /// What a token that came from all this may do now; `None`: it is good no more.
    pub(super) fn allows(&self, past: &Past, is_below: bool, target: &str) -> Option<Scopes> {
        let held = self.held(past, is_below, Some(target))?;
        Some(held.intersection(&self.resources[target]))
    }
}
