//! For any key, any clients, rules, actors, wishes and chains: no token has a right that is missing
//! from anything it came from, and none outlives it.

use std::cell::Cell;

use chrono::TimeDelta;
use keyturn::{
    domain::{
        ApiKey, ClientTerms, Lifetime, OrganizationId, Origin, Owner, Reach, Scopes, Secret,
        Source, UserAgent, held_scopes,
    },
    exchange::{
        self, Caller, Claim, ClientProof, Credential, ExchangeError, Issued, Offered, Request,
        TokenKind, Wish,
    },
    manage::api_keys::NewApiKey,
    random::Random,
    signing::{Audience, TokenType, VerifiedToken},
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select, subsequence},
    test_runner::{Config, TestRunner},
};

use super::{Party, party, revoke_token, rule, standing, terms, verified};
use crate::support::{OAUTH, TestServer, new_key};

const SCOPES: [&str; 3] = ["admin", "read", "write"];
const RESOURCES: [&str; 2] = ["urn:api", "urn:other"];
const CLIENTS: usize = 3;

#[derive(Clone, Debug)]
struct Registration {
    scopes: Vec<&'static str>,
    resources: Option<Vec<&'static str>>,
    lifetime: Option<u32>,
    /// The targets of its rules, and whether they need no actor.
    rules: Vec<(&'static str, bool)>,
}

#[derive(Clone, Copy, Debug)]
enum By {
    Nobody,
    Key,
    Client(usize),
}

#[derive(Clone, Debug)]
struct Hop {
    by: By,
    /// Whether the client shows a token of its own.
    has_actor: bool,
    /// Whether the key itself is exchanged again, not the last token.
    of_key: bool,
    scopes: Option<Vec<&'static str>>,
    resource: Option<&'static str>,
    /// Where to act: in `acme` or below it.
    place: Option<bool>,
    after: i64,
}

#[derive(Clone, Debug)]
struct Case {
    role: &'static str,
    is_subtree: bool,
    minutes: Option<i64>,
    clients: Vec<Registration>,
    hops: Vec<Hop>,
    /// Which link of the last token's chain is broken at the end.
    broken: Index,
}

fn names(all: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    let some = subsequence(all, 1..=all.len());
    prop_oneof![3 => Just(all.to_vec()), 1 => some]
}

fn registration() -> impl Strategy<Value = Registration> {
    let rules = vec((select(&RESOURCES[..]), proptest::bool::weighted(0.7)), 0..4);
    let resources = option::weighted(0.3, names(&RESOURCES));
    let lifetime = option::weighted(0.3, 60..=360_u32);
    (names(&SCOPES), resources, lifetime, rules).prop_map(
        |(scopes, resources, lifetime, mut rules)| {
            rules.sort_unstable();
            rules.dedup_by_key(|rule| rule.0);
            Registration { scopes, resources, lifetime, rules }
        },
    )
}

fn hop() -> impl Strategy<Value = Hop> {
    let by = prop_oneof![
        1 => Just(By::Nobody),
        2 => Just(By::Key),
        6 => (0..CLIENTS).prop_map(By::Client),
    ];
    let wishes = (
        option::weighted(0.3, names(&SCOPES)),
        option::weighted(0.4, select(&RESOURCES[..])),
        option::weighted(0.2, any::<bool>()),
    );
    let chances = (proptest::bool::weighted(0.4), proptest::bool::weighted(0.1));
    (by, chances, wishes, 0..40_i64).prop_map(
        |(by, (has_actor, of_key), (scopes, resource, place), after)| Hop {
            by,
            has_actor,
            of_key,
            scopes,
            resource,
            place,
            after,
        },
    )
}

fn case() -> impl Strategy<Value = Case> {
    let key = (
        select(&["viewer", "manager", "owner", "owner"][..]),
        any::<bool>(),
        option::weighted(0.3, 1..8_i64),
    );
    let clients = vec(registration(), CLIENTS);
    (key, clients, vec(hop(), 1..=4), any::<Index>()).prop_map(
        |((role, is_subtree, minutes), clients, hops, broken)| Case {
            role,
            is_subtree,
            minutes,
            clients,
            hops,
            broken,
        },
    )
}

/// Two organizations, and what one case made in them.
struct World {
    server: TestServer,
    places: [OrganizationId; 2],
}

struct Made {
    key: ApiKey,
    secret: Secret,
    parties: Vec<Party>,
}

/// What went into an exchange.
struct Inputs<'a> {
    caller: Option<&'a Party>,
    subject: Option<VerifiedToken>,
    actor: Option<VerifiedToken>,
}

impl World {
    async fn new() -> Self {
        let server = TestServer::start().await;
        for resource in RESOURCES {
            server.resource(resource, "admin read write").await;
        }
        let acme = server.root("acme").await;
        let below = server.suborganization(acme, "below").await;
        Self { server, places: [acme, below] }
    }

    async fn make(&self, case: &Case) -> Made {
        let name = Random::System.base62(12);
        let now = self.server.app.clock.now();
        let new = NewApiKey {
            roles: Some(case.role.parse().unwrap()),
            reach: if case.is_subtree { Reach::Subtree } else { Reach::Own },
            lifetime: case
                .minutes
                .map_or(Lifetime::Never, |it| Lifetime::Until(now + TimeDelta::minutes(it))),
            ..new_key(Owner::Organization(self.places[0]), &name)
        };
        let (key, secret) = self.server.make_key(new).await;
        let mut parties = Vec::new();
        for (number, made) in case.clients.iter().enumerate() {
            let rules = made.rules.iter().map(|(resource, open)| rule(resource, *open)).collect();
            let resources = made.resources.as_ref();
            let terms = ClientTerms {
                scopes: made.scopes.join(" ").parse().unwrap(),
                resources: resources.map(|all| all.iter().map(|it| it.parse().unwrap()).collect()),
                token_lifetime: made.lifetime,
                ..terms(rules)
            };
            let name = format!("{name}-{number}");
            parties.push(party(&self.server, self.places[0], &name, terms).await);
        }
        Made { key, secret, parties }
    }

    fn origin(&self) -> Origin {
        Origin {
            request_id: self.server.app.random.id(self.server.app.clock.now()),
            source: "127.0.0.1".parse().unwrap(),
            user_agent: UserAgent::new("proptest"),
            door: OAUTH,
        }
    }

    /// Refused where it is a key that may not be used any more.
    async fn caller(&self, id: &str, secret: &str) -> Result<Caller, ExchangeError> {
        let proof = ClientProof::Post(secret.to_owned().into());
        let claim = Claim { id: id.to_owned(), proof };
        exchange::authenticate(&self.server.app, &claim, None, &self.origin()).await
    }

    /// A token of the client for itself.
    async fn own(&self, party: &Party) -> Option<String> {
        let caller = self.caller(&party.id, &party.secret).await.unwrap();
        let (credential, wish) = (Credential::Client, Wish::default());
        let wish = Wish { resource: Some(RESOURCES[0].parse().unwrap()), ..wish };
        self.ask(credential, Some(caller), wish).await.ok().map(|issued| issued.access_token)
    }

    async fn ask(
        &self,
        credential: Credential,
        caller: Option<Caller>,
        wish: Wish,
    ) -> Result<Issued, ExchangeError> {
        let request = Request { credential, caller, proof: None, wish, origin: self.origin() };
        exchange::exchange(&self.server.app, request).await
    }

    async fn take<'a>(
        &self,
        made: &'a Made,
        hop: &Hop,
        last: Option<&String>,
    ) -> (Inputs<'a>, Result<Issued, ExchangeError>) {
        let party = match hop.by {
            By::Client(number) => Some(&made.parties[number]),
            By::Nobody | By::Key => None,
        };
        let caller = match (hop.by, party) {
            (_, Some(party)) => Some(self.caller(&party.id, &party.secret).await),
            (By::Key, None) => {
                Some(self.caller(made.key.name.as_str(), made.secret.reveal()).await)
            }
            (_, None) => None,
        };
        let caller = caller.transpose();
        let actor = match party {
            Some(party) if hop.has_actor => self.own(party).await,
            _ => None,
        };
        let subject = last.filter(|_| !hop.of_key);
        let offered =
            |token: &str| Offered { kind: TokenKind::AccessToken, token: token.to_owned().into() };
        let inputs = Inputs {
            caller: party,
            subject: subject.and_then(|token| self.live(token)),
            actor: actor.as_ref().map(|token| verified(&self.server, token)),
        };
        let credential = Credential::Token {
            subject: offered(subject.map_or(made.secret.reveal(), |token| token)),
            actor: actor.as_deref().map(offered),
        };
        let wish = Wish {
            organization: hop.place.map(|is_below| self.places[usize::from(is_below)]),
            resource: hop.resource.map(|resource| resource.parse().unwrap()),
            scopes: hop.scopes.as_ref().map(|scopes| scopes.join(" ").parse().unwrap()),
        };
        match caller {
            Ok(caller) => (inputs, self.ask(credential, caller, wish).await),
            Err(refused) => (inputs, Err(refused)),
        }
    }

    /// What the token says; `None` where its time is over.
    fn live(&self, token: &str) -> Option<VerifiedToken> {
        let (app, typ) = (&self.server.app, TokenType::AccessToken);
        app.signer.verify(token, app.clock.now(), typ, Audience::Any).ok()
    }

    /// What the key holds where the token acts, as an exchange works it out.
    async fn held(&self, key: &ApiKey, place: OrganizationId) -> Scopes {
        let directory = &self.server.app.directory;
        let standing = directory.standing(key.owner).await.unwrap().unwrap();
        let acting = directory.lineage(place).await.unwrap().unwrap();
        let givers: Vec<_> = standing.givers.iter().map(|giver| &**giver).collect();
        held_scopes(key, standing.person.as_deref(), &givers, &acting).unwrap_or_default()
    }

    async fn check(
        &self,
        made: &Made,
        inputs: &Inputs<'_>,
        token: &VerifiedToken,
    ) -> Result<(), TestCaseError> {
        let held = self.held(&made.key, token.organization_id).await;
        prop_assert!(is_within(&token.scopes, &held), "the key has {held}");
        prop_assert!(made.key.expires_at.is_none_or(|end| token.expires_at <= end));
        for input in [&inputs.subject, &inputs.actor].into_iter().flatten() {
            prop_assert!(is_within(&token.scopes, &input.scopes), "{input:?}");
            prop_assert_eq!(token.organization_id, input.organization_id);
            prop_assert!(token.expires_at <= input.expires_at, "{input:?}");
            prop_assert!(token.sources.contains(&Source::Token(input.token_id)));
            prop_assert!(input.sources.iter().all(|source| token.sources.contains(source)));
        }
        let aud = &token.audiences[0];
        for source in &token.sources {
            let Source::Client(id) = source else { continue };
            let party = made.parties.iter().find(|it| it.client.id == *id).unwrap();
            let terms = &party.client.terms;
            prop_assert!(is_within(&token.scopes, &terms.scopes), "{terms:?}");
            let resources = terms.resources.as_ref();
            prop_assert!(resources.is_none_or(|all| all.iter().any(|it| it.as_str() == aud)));
        }
        if let Some(party) = inputs.caller {
            let terms = &party.client.terms;
            let rule = terms.exchanges.iter().any(|rule| {
                rule.resource.as_str() == aud && (rule.impersonation || inputs.actor.is_some())
            });
            let had = |it: &VerifiedToken| it.client_id == party.id && it.audiences[0] == *aud;
            prop_assert!(rule || inputs.subject.as_ref().is_some_and(had), "{terms:?}");
            prop_assert_eq!(&token.client_id, &party.id);
            let life = (token.expires_at - token.issued_at).num_seconds();
            prop_assert!(terms.token_lifetime.is_none_or(|most| life <= i64::from(most)));
        }
        for role in token.roles.iter().filter(|_| token.sources.len() > 1) {
            let given = role.built_in().unwrap();
            let given = given.iter().filter(|scope| SCOPES.contains(scope));
            let given: Scopes = given.map(Into::into).collect();
            prop_assert!(is_within(&given, &token.scopes), "{role:?} says more");
        }
        Ok(())
    }

    /// Ends one link, and tells whether that is to be seen in a token.
    async fn end(&self, made: &Made, link: &Source, tokens: &[String]) {
        match link {
            Source::Secret(_) => self.server.revoke(made.key.id).await,
            Source::Client(id) => {
                let party = made.parties.iter().find(|it| it.client.id == *id).unwrap();
                party.disable(&self.server).await;
            }
            Source::Token(id) => {
                let same = |it: &&String| verified(&self.server, it).token_id == *id;
                if let Some(token) = tokens.iter().find(same) {
                    revoke_token(&self.server, token).await;
                }
            }
            Source::Trust(_) | Source::Family(_) => unreachable!("there is none here"),
        }
    }

    async fn run(&self, case: &Case) -> Result<(usize, usize), TestCaseError> {
        let made = self.make(case).await;
        let (mut tokens, mut refused) = (Vec::new(), 0);
        for hop in &case.hops {
            self.server.app.clock.advance(TimeDelta::seconds(hop.after));
            match self.take(&made, hop, tokens.last()).await {
                (inputs, Ok(issued)) => {
                    let is_of_key = hop.of_key || tokens.is_empty();
                    prop_assert!(is_of_key || inputs.subject.is_some(), "it had expired");
                    let token = verified(&self.server, &issued.access_token);
                    self.check(&made, &inputs, &token).await?;
                    tokens.push(issued.access_token);
                }
                (_, Err(ExchangeError::Refused(_))) => refused += 1,
                (_, Err(error)) => panic!("{error}"),
            }
        }
        tokens.retain(|token| self.live(token).is_some());
        let Some(last) = tokens.last() else { return Ok((0, refused)) };
        for token in &tokens {
            let carried = verified(&self.server, token).scopes;
            let standing = standing(&self.server, token).await;
            prop_assert_eq!(standing.map(|it| it.scopes), Some(carried), "what was given holds");
        }

        let links = verified(&self.server, last).sources;
        let link = case.broken.get(&links);
        // What an actor showed is not among the tokens, and not revoked here.
        self.end(&made, link, &tokens).await;
        let ended = |it: &String| {
            let it = verified(&self.server, it);
            let shown = tokens
                .iter()
                .any(|other| Source::Token(verified(&self.server, other).token_id) == *link);
            match link {
                Source::Token(id) => shown && (it.sources.contains(link) || it.token_id == *id),
                _ => it.sources.contains(link),
            }
        };
        for token in &tokens {
            let stands = standing(&self.server, token).await.is_some();
            prop_assert_eq!(stands, !ended(token), "after {} ended", link);
        }
        Ok((tokens.len(), refused))
    }
}

fn is_within(scopes: &Scopes, others: &Scopes) -> bool {
    scopes.iter().all(|scope| others.contains(scope))
}

#[test]
fn tx_08_tx_19_no_token_has_a_right_that_is_missing_from_anything_it_came_from() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let (issued, chained, refused) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let check = async |case: Case| {
        let (got, told_no) = world.run(&case).await?;
        issued.set(issued.get() + got);
        chained.set(chained.get() + usize::from(got >= 2));
        refused.set(refused.get() + told_no);
        Ok(())
    };

    let outcome = TestRunner::new(config).run(&case(), |case| runtime.block_on(check(case)));

    outcome.unwrap();
    let (issued, chained, refused) = (issued.get(), chained.get(), refused.get());
    let enough = issued >= 100 && chained >= 30 && refused >= 50;
    assert!(enough, "{issued} issued, {chained} chains, {refused} refused: this shows nothing");
}
