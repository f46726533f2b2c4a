//! One case: asks, changes and waits, and after each of them looks at every token that is out.

use std::{collections::HashSet, ops::Add};

use chrono::TimeDelta;
use keyturn::{
    domain::{ExchangeRule, RefreshToken, Scopes, Source},
    exchange::{Credential, ExchangeError, Issued, Offered, TokenKind, Wish},
    signing::VerifiedToken,
};
use proptest::{prelude::*, sample::Index};

use super::{
    super::verified,
    case::{Ask, By, Case, Change, Offer, Registration, Step, Subject, Who},
    model::{ByRules, Model, Past, scopes},
    world::{HOUR, Made, World},
};
use crate::support::{Ci, ISSUER};

/// A token that was given, as it is kept here.
struct Got {
    text: String,
    token: VerifiedToken,
    past: Past,
}

/// A refresh token, always the newest of its family.
struct Given {
    text: String,
    to: By,
    past: Past,
    rotates: bool,
}

/// What a credential is worth, as far as it can be known before it is presented.
struct Basis {
    past: Past,
    /// Which of the refresh tokens it is.
    refreshes: Option<usize>,
    subject: Option<VerifiedToken>,
    /// Whether an actor is shown beside it.
    acts: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    issued: u32,
    exchanged: u32,
    refreshed: u32,
    of_the_ci: u32,
    /// Refreshed or exchanged after a change.
    after_a_change: u32,
    /// Told to be worth less than they say.
    shrunk: u32,
    refused: u32,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            issued: self.issued + other.issued,
            exchanged: self.exchanged + other.exchanged,
            refreshed: self.refreshed + other.refreshed,
            of_the_ci: self.of_the_ci + other.of_the_ci,
            after_a_change: self.after_a_change + other.after_a_change,
            shrunk: self.shrunk + other.shrunk,
            refused: self.refused + other.refused,
        }
    }
}

impl Counts {
    /// Whether so many cases have shown anything. Far less than they come to, so that chance never
    /// decides.
    pub(super) fn are_enough(self, cases: u32) -> bool {
        let Self { issued, exchanged, refreshed, of_the_ci, after_a_change, shrunk, refused } =
            self;
        let often = [issued, refused].into_iter().all(|it| it >= cases / 5);
        let seldom = [exchanged, refreshed, of_the_ci, after_a_change, shrunk];
        often && seldom.into_iter().all(|it| it >= cases / 30)
    }
}

/// A case as far as it has come.
struct Run<'a> {
    world: &'a World,
    made: Made<'a>,
    model: Model,
    tokens: Vec<Got>,
    given: Vec<Given>,
    is_changed: bool,
    counts: Counts,
}

pub(super) async fn run(world: &World, case: &Case) -> Result<Counts, TestCaseError> {
    let made = world.make(case).await;
    let (tokens, given, counts) = (Vec::new(), Vec::new(), Counts::default());
    let model = Model::new(case);
    let mut run = Run { world, made, model, tokens, given, is_changed: false, counts };
    for step in &case.steps {
        match step {
            Step::Ask(ask) => run.ask(ask).await?,
            Step::Change(change) => {
                run.made.change(change).await;
                run.model.apply(change);
                run.is_changed = true;
            }
            Step::Wait(seconds) => run.wait(*seconds),
        }
        run.look(None).await?;
    }
    run.end(case.broken).await?;
    Ok(run.counts)
}

impl Run<'_> {
    fn wait(&mut self, seconds: i64) {
        let clock = &self.world.server.app.clock;
        clock.advance(TimeDelta::seconds(seconds));
        self.tokens.retain(|got| got.token.expires_at > clock.now());
    }

    async fn ask(&mut self, ask: &Ask) -> Result<(), TestCaseError> {
        let by = self.by(ask);
        let Some((credential, basis)) = self.presented(ask, by).await? else { return Ok(()) };
        let wish = Wish {
            organization: ask.is_below.map(|is_below| self.made.places[usize::from(is_below)]),
            resource: ask.resource.map(|resource| resource.parse().unwrap()),
            scopes: ask.scopes.as_ref().map(|names| scopes(names)),
        };
        let issued = match self.made.caller(by).await {
            Ok(caller) => self.made.ask(credential, caller, wish).await,
            Err(refused) => Err(refused),
        };
        match issued {
            Ok(issued) => {
                let got = self.account(ask, by, basis.past.clone(), basis.refreshes, &issued)?;
                self.check(ask, by, &basis, &got)?;
                self.tokens.push(got);
                Ok(())
            }
            Err(ExchangeError::Refused(_)) => {
                self.counts.refused += 1;
                Ok(())
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn by(&self, ask: &Ask) -> By {
        match &ask.offer {
            Offer::Secret => By::Nobody,
            Offer::Client(number) => By::Client(*number),
            Offer::Refresh(index) | Offer::Exchange(Subject::Refresh(index))
                if !ask.is_stranger =>
            {
                pick(*index, &self.given).map_or(ask.by, |place| self.given[place].to)
            }
            Offer::Refresh(_) | Offer::Exchange(_) | Offer::Job => ask.by,
        }
    }

    /// `None`: there is nothing of the kind.
    async fn presented(
        &mut self,
        ask: &Ask,
        by: By,
    ) -> Result<Option<(Credential, Basis)>, TestCaseError> {
        let (mut refreshes, secret) = (None, self.made.secret.reveal().to_owned());
        let (credential, past) = match &ask.offer {
            Offer::Secret => (Made::by_secret(&secret), self.of_key()),
            Offer::Client(number) => (Credential::Client, Past::of(Who::Client(*number), None)),
            Offer::Job => (Credential::Assertion(self.made.job().into()), self.of_job()),
            Offer::Refresh(index) => {
                refreshes = pick(*index, &self.given);
                let Some(place) = refreshes else { return Ok(None) };
                let given = &self.given[place];
                (Made::by_refresh_token(&given.text), given.past.clone())
            }
            Offer::Exchange(subject) => return self.exchanged(ask, by, subject).await,
        };
        let past = self.asked_by(past, by);
        Ok(Some((credential, Basis { past, refreshes, subject: None, acts: false })))
    }

    async fn exchanged(
        &mut self,
        ask: &Ask,
        by: By,
        subject: &Subject,
    ) -> Result<Option<(Credential, Basis)>, TestCaseError> {
        let newest = self.tokens.last().filter(|_| matches!(subject, Subject::Newest));
        let token = newest.map(|got| got.token.clone());
        let (kind, text, past) = match (subject, newest) {
            (Subject::Newest, Some(got)) => {
                let past = got.past.clone().through(&got.token, self.is_below(&got.token));
                (TokenKind::AccessToken, got.text.clone(), past)
            }
            (Subject::Newest | Subject::Secret, _) => {
                (TokenKind::ApiKey, self.made.secret.reveal().to_owned(), self.of_key())
            }
            (Subject::Job, _) => (TokenKind::Jwt, self.made.job(), self.of_job()),
            (Subject::Refresh(index), _) => {
                let Some(place) = pick(*index, &self.given) else { return Ok(None) };
                let given = &self.given[place];
                // It is never exchanged: another test shows it.
                if given.rotates {
                    return Ok(None);
                }
                (TokenKind::RefreshToken, given.text.clone(), given.past.clone())
            }
        };
        let needs_rules = self.needs_rules(ask, by, subject, &past, token.as_ref());
        let mut past = self.asked_by(past, by);
        let actor = match by {
            By::Client(number) if ask.has_actor => self.own(number).await?,
            _ => None,
        };
        let acts = actor.is_some();
        if let Some(own) = &actor {
            past = past.with(&own.past.clone().through(&own.token, false));
            past.has_actor = true;
        }
        if let Some(client) = needs_rules {
            let is_ours = !matches!(subject, Subject::Job);
            past = past.exchanged(ByRules { client, is_ours, acts });
        }
        let actor = actor.map(|own| offered(TokenKind::AccessToken, own.text));
        let credential = Credential::Token { subject: offered(kind, text), actor };
        Ok(Some((credential, Basis { past, refreshes: None, subject: token, acts })))
    }

    /// The client that gets what it asks for by its rules alone: it is not its own, and was not
    /// given to it before for the same audience.
    fn needs_rules(
        &self,
        ask: &Ask,
        by: By,
        subject: &Subject,
        past: &Past,
        token: Option<&VerifiedToken>,
    ) -> Option<usize> {
        let By::Client(number) = by else { return None };
        let is_own = past.is_own_of(number);
        let is_free = match (subject, token) {
            (Subject::Refresh(_), _) => true,
            (_, Some(token)) if is_own => token.actor.is_none(),
            (_, Some(token)) => {
                let is_same = ask.resource.is_none_or(|it| it == token.audiences[0]);
                is_same && token.client_id == self.made.parties[number].id
            }
            (_, None) => false,
        };
        (!is_free).then_some(number)
    }

    /// A token of the client for itself, to show as the actor.
    async fn own(&mut self, number: usize) -> Result<Option<Got>, TestCaseError> {
        let by = By::Client(number);
        let (offer, past) = (Offer::Client(number), Past::of(Who::Client(number), None));
        let ask = Ask::plain(offer, by);
        let Ok(caller) = self.made.caller(by).await else { return Ok(None) };
        let issued = self.made.ask(Credential::Client, caller, Wish::default()).await;
        let Ok(issued) = issued else { return Ok(None) };
        self.account(&ask, by, past, None, &issued).map(Some)
    }

    fn of_key(&self) -> Past {
        Past::of(Who::Key, self.made.key.expires_at)
    }

    fn of_job(&self) -> Past {
        let now = self.world.server.app.clock.now();
        Past::of(Who::Trust, Some(now + TimeDelta::seconds(Ci::LIFETIME.into())))
    }

    fn asked_by(&self, past: Past, by: By) -> Past {
        match by {
            By::Nobody => past,
            By::Key => past.with(&self.of_key()),
            By::Client(number) => past.asked_by(number),
        }
    }

    fn is_below(&self, token: &VerifiedToken) -> bool {
        token.organization_id == self.made.places[1]
    }

    /// Writes down what was given.
    fn account(
        &mut self,
        ask: &Ask,
        by: By,
        mut past: Past,
        refreshes: Option<usize>,
        issued: &Issued,
    ) -> Result<Got, TestCaseError> {
        let token = verified(&self.world.server, &issued.access_token);
        let given = issued.refresh_token.as_ref().map(secrecy::ExposeSecret::expose_secret);
        match (given, refreshes) {
            (Some(text), Some(place)) => {
                let before = &mut self.given[place];
                prop_assert_eq!(*before.text != *text, before.rotates);
                text.clone_into(&mut before.text);
            }
            (Some(text), None) => {
                past.met.insert(Source::Family(text.parse::<RefreshToken>().unwrap().family));
                let given = self.given_with(ask, by, &past, &token, text);
                self.given.push(given);
            }
            (None, refreshes) => prop_assert!(refreshes.is_none(), "a refresh gives another"),
        }
        let is_exchanged = matches!(ask.offer, Offer::Exchange(_));
        let is_later = refreshes.is_some() || is_exchanged;
        self.counts.issued += 1;
        self.counts.refreshed += u32::from(refreshes.is_some());
        self.counts.exchanged += u32::from(is_exchanged);
        self.counts.of_the_ci += u32::from(past.parties.contains(&Who::Trust));
        self.counts.after_a_change += u32::from(is_later && self.is_changed);
        Ok(Got { text: issued.access_token.clone(), token, past })
    }

    /// The refresh token that began with this token.
    fn given_with(
        &self,
        ask: &Ask,
        to: By,
        past: &Past,
        token: &VerifiedToken,
        text: &str,
    ) -> Given {
        let most = if ask.scopes.is_some() || ask.resource.is_some() {
            token.scopes.clone()
        } else {
            self.model.held(past, self.is_below(token), None).unwrap_or_default()
        };
        let ends = token.issued_at + TimeDelta::seconds(HOUR.into());
        let past = past.clone().refreshable(&most, ask.resource, ask.is_below, ends);
        let rotates = match to {
            By::Client(number) => self.model.clients[number].rotates.unwrap_or(true),
            By::Nobody | By::Key => true,
        };
        Given { text: text.to_owned(), to, past, rotates }
    }

    /// Holds a new token against all that it came from, as of now.
    fn check(&self, ask: &Ask, by: By, basis: &Basis, got: &Got) -> Result<(), TestCaseError> {
        let Got { token, past, .. } = got;
        let aud = token.audiences[0].as_str();
        let allowed = self.model.allows(past, self.is_below(token), aud);
        let allowed = allowed.ok_or_else(|| TestCaseError::fail(format!("{past:?} is over")))?;
        match &ask.scopes {
            None => prop_assert_eq!(&token.scopes, &allowed, "{:?}", past),
            Some(wanted) => {
                prop_assert_eq!(&token.scopes, &scopes(wanted));
                prop_assert!(is_within(&token.scopes, &allowed), "{allowed} of {past:?}");
            }
        }
        prop_assert!(past.ends.is_none_or(|end| token.expires_at <= end), "{past:?}");
        prop_assert_eq!(token.actor.is_some(), past.has_actor);
        let sources: HashSet<_> = token.sources.iter().copied().collect();
        prop_assert_eq!(sources, self.sources(past));
        if let By::Client(number) = by {
            let life = (token.expires_at - token.issued_at).num_seconds();
            let most = self.model.clients[number].lifetime;
            prop_assert!(most.is_none_or(|most| life <= i64::from(most)));
            prop_assert_eq!(&token.client_id, &self.made.parties[number].id);
        }
        let is_refreshed =
            matches!(ask.offer, Offer::Refresh(_) | Offer::Exchange(Subject::Refresh(_)));
        let is_bare = past.parties.len() == 1 && basis.subject.is_none() && !is_refreshed;
        // What a bare key was given is named in full, however little of it is asked for.
        for role in token.roles.iter().filter(|_| !is_bare) {
            let given = self.model.gives(role.as_str(), aud);
            prop_assert!(is_within(&given, &token.scopes), "{role:?} says more");
        }
        self.check_rule(ask, by, basis, got)
    }

    /// That whoever had a token exchanged was allowed to.
    fn check_rule(&self, ask: &Ask, by: By, basis: &Basis, got: &Got) -> Result<(), TestCaseError> {
        let Offer::Exchange(offered) = &ask.offer else { return Ok(()) };
        let Got { token, past, .. } = got;
        match (by, offered) {
            (By::Nobody, _) => prop_assert!(basis.subject.is_none(), "it is in nobody's hands"),
            (By::Key, _) => prop_assert!(past.parties == [Who::Key].into() && !past.has_actor),
            // It is its client's.
            (By::Client(_), Subject::Refresh(_)) => (),
            (By::Client(number), _) => {
                let (aud, subject) = (&token.audiences[0], basis.subject.as_ref());
                let is_ours = !matches!(offered, Subject::Job);
                let has_rule = self.model.clients[number].rules.iter().any(|rule| {
                    rule.is_ours == is_ours && rule.resource == aud && (rule.is_open || basis.acts)
                });
                let had = subject.is_some_and(|it| {
                    it.client_id == self.made.parties[number].id && it.audiences[0] == *aud
                });
                let is_own = past.parties == [Who::Client(number)].into()
                    && subject.is_some_and(|it| it.actor.is_none());
                prop_assert!(has_rule || had || is_own, "{offered:?} for {aud}");
            }
        }
        Ok(())
    }

    fn sources(&self, past: &Past) -> HashSet<Source> {
        let parties = past.parties.iter().map(|who| self.made.source(*who));
        let by_rules = past.by_rules.iter().map(|by| {
            let issuer = if by.is_ours { ISSUER } else { &self.made.trust.issuer };
            Source::Exchange(ExchangeRule::kind(issuer, by.acts))
        });
        parties.chain(past.met.iter().copied()).chain(by_rules).collect()
    }

    /// Looks what a resource server is told of every token that is out, now that one link is broken.
    async fn look(&mut self, broken: Option<Source>) -> Result<(), TestCaseError> {
        for got in &self.tokens {
            let Got { text, token, past } = got;
            let itself = Source::Token(token.token_id);
            let is_broken = |link| link == itself || self.sources(past).contains(&link);
            let allowed = self.model.allows(past, self.is_below(token), &token.audiences[0]);
            let expected = allowed
                .map(|allowed| allowed.intersection(&token.scopes))
                .filter(|_| !broken.is_some_and(is_broken));

            let told = self.world.told(text).await;

            self.counts.shrunk += u32::from(expected.as_ref() != Some(&token.scopes));
            prop_assert_eq!(told, expected, "broken: {:?}, {:?}", broken, past);
        }
        Ok(())
    }

    /// Breaks one link of the last token's chain.
    async fn end(&mut self, broken: Index) -> Result<(), TestCaseError> {
        let Some(last) = self.tokens.last() else { return Ok(()) };
        let link = *broken.get(&last.token.sources);
        if let Source::Exchange(_) = link {
            self.take_the_rules_away().await;
        } else {
            self.made.break_link(link).await;
        }

        self.look(Some(link)).await?;
        for given in &self.given {
            if !self.sources(&given.past).contains(&link) {
                continue;
            }
            let refreshed = match self.made.caller(given.to).await {
                Ok(caller) => {
                    let credential = Made::by_refresh_token(&given.text);
                    self.made.ask(credential, caller, Wish::default()).await
                }
                Err(refused) => Err(refused),
            };
            prop_assert!(matches!(refreshed, Err(ExchangeError::Refused(_))), "{link} is broken");
        }
        Ok(())
    }
}

impl Run<'_> {
    async fn take_the_rules_away(&mut self) {
        for number in 0..self.model.clients.len() {
            let terms = self.model.clients[number].clone();
            let change = Change::Client(number, Registration { rules: Vec::new(), ..terms });
            self.made.change(&change).await;
            self.model.apply(&change);
        }
    }
}

fn pick<T>(index: Index, all: &[T]) -> Option<usize> {
    (!all.is_empty()).then(|| index.index(all.len()))
}

fn offered(kind: TokenKind, token: String) -> Offered {
    Offered { kind, token: token.into() }
}

fn is_within(scopes: &Scopes, others: &Scopes) -> bool {
    scopes.iter().all(|scope| others.contains(scope))
}
