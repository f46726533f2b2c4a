//! The server on which the cases run, and what one case makes, changes and asks there.

use chrono::TimeDelta;
use keyturn::{
    domain::{
        ApiKey, ClientTerms, ExchangeRule, Expected, GrantType, Lifetime, OrganizationId, Origin,
        Owner, Reach, RefreshTerms, Secret, Source, Trust, UserAgent, UserId,
    },
    exchange::{
        self, Caller, Claim, ClaimedName, ClientProof, Credential, ExchangeError, Issued, Request,
        Wish,
    },
    manage::{
        Asker,
        api_keys::{self, NewApiKey},
        clients::{self, TermsEdit},
        roles::{self, Definition},
        trusts::{self, NewTrust, TrustChange},
    },
    random::Random,
    store,
};

use super::{
    super::{Party, party, terms},
    case::{By, Case, Change, Key, RESOURCES, ROLES, Registration, Rule, Who},
};
use crate::support::{Ci, Client, ISSUER, OAUTH, Options, TestServer, new_key};

const ANY: &Expected = &Expected::Any;
/// How long refresh tokens live.
pub(super) const HOUR: u32 = 3600;

pub(super) fn options() -> Options {
    let mut options = Options::default();
    options.settings.refresh.for_api_keys = Some(refresh(true));
    options
}

fn refresh(rotates: bool) -> RefreshTerms {
    RefreshTerms { rotates, lifetime: HOUR, idle: HOUR }
}

pub(super) struct World {
    pub(super) server: TestServer,
    /// A resource server that may ask about every token.
    api: Client,
}

/// What one case made.
pub(super) struct Made<'a> {
    world: &'a World,
    pub(super) places: [OrganizationId; 2],
    pub(super) key: ApiKey,
    pub(super) secret: Secret,
    user: Option<UserId>,
    secret_source: Source,
    pub(super) parties: Vec<Party>,
    ci: Ci,
    pub(super) trust: Trust,
}

impl World {
    pub(super) async fn on(server: TestServer) -> Self {
        for resource in RESOURCES {
            server.resource(resource, "admin read write").await;
        }
        let first = server.root("first").await;
        let api = server.resource_server(first, "api", &RESOURCES).await;
        Self { server, api }
    }

    /// What a resource server is told that the token may do; `None`: it is not active.
    pub(super) async fn told(&self, token: &str) -> Option<keyturn::domain::Scopes> {
        let answer = self.server.introspect(&self.api, token).await;
        let is_active = answer.body["active"].as_bool();
        let is_active = is_active.unwrap_or_else(|| panic!("no answer: {}", answer.text));
        is_active.then(|| answer.body["scope"].as_str().unwrap_or_default().parse().unwrap())
    }

    pub(super) async fn make(&self, case: &Case) -> Made<'_> {
        let (server, name) = (&self.server, Random::System.base62(12));
        let acme = server.root(&name).await;
        let below = server.suborganization(acme, "below").await;
        for (role, given) in ROLES.iter().zip(&case.roles) {
            define(server, acme, role, given).await;
        }
        for (resource, known) in RESOURCES.iter().zip(&case.resources) {
            server.resource(resource, &known.join(" ")).await;
        }
        let user = match case.key.of_user {
            Some(role) => Some(server.user(&format!("{name}@example.com"), &[(acme, role)]).await),
            None => None,
        };
        let (key, secret) = server.make_key(self.new_key(&case.key, acme, user)).await;
        let found = server.app.directory.key(&secret.hash()).await.unwrap().unwrap();
        let ci = Ci::at(&format!("https://{name}.example.com"));
        let rule = NewTrust {
            roles: spaced(&case.trust.roles),
            resources: identifiers(case.trust.resources.as_ref()),
            ..ci.rule(acme)
        };
        let trust = ci.trusted_by(server, rule).await;
        let mut parties = Vec::new();
        for (number, made) in case.clients.iter().enumerate() {
            let terms = terms_of(made, &trust.issuer);
            parties.push(party(server, acme, &format!("client-{number}"), terms).await);
        }
        let secret_source = Source::Secret(found.secret.id);
        Made {
            world: self,
            places: [acme, below],
            key,
            secret,
            user,
            secret_source,
            parties,
            ci,
            trust,
        }
    }

    fn new_key(&self, key: &Key, acme: OrganizationId, user: Option<UserId>) -> NewApiKey {
        let now = self.server.app.clock.now();
        NewApiKey {
            roles: Some(spaced(&key.roles)),
            reach: reach(key.is_subtree),
            lifetime: key
                .minutes
                .map_or(Lifetime::Never, |it| Lifetime::Until(now + TimeDelta::minutes(it))),
            ..new_key(user.map_or(Owner::Organization(acme), Owner::User), "key")
        }
    }

    fn origin(&self) -> Origin {
        Origin {
            request_id: self.server.app.random.id(self.server.app.clock.now()),
            source: "127.0.0.1".parse().unwrap(),
            user_agent: UserAgent::new("proptest"),
            door: OAUTH,
        }
    }
}

fn reach(is_subtree: bool) -> Reach {
    if is_subtree { Reach::Subtree } else { Reach::Own }
}

/// What is written with spaces between the names.
fn spaced<T: std::str::FromStr<Err: std::fmt::Debug>>(names: &[&str]) -> T {
    names.join(" ").parse().unwrap()
}

fn identifiers<T: std::str::FromStr<Err: std::fmt::Debug>>(
    names: Option<&Vec<&str>>,
) -> Option<Vec<T>> {
    names.map(|all| all.iter().map(|name| name.parse().unwrap()).collect())
}

async fn define(server: &TestServer, acme: OrganizationId, role: &str, scopes: &[&str]) {
    let (name, scopes) = (role.parse().unwrap(), spaced(scopes));
    let definition = Definition { organization_id: acme, name, scopes };
    roles::define(&server.app, &Asker::keyturn(), ANY, definition).await.unwrap();
}

fn terms_of(registration: &Registration, ci: &str) -> ClientTerms {
    let rule = |rule: &Rule| ExchangeRule {
        issuer: if rule.is_ours { ISSUER } else { ci }.to_owned(),
        resource: rule.resource.parse().unwrap(),
        impersonation: rule.is_open,
    };
    let mut terms = ClientTerms {
        scopes: spaced(&registration.scopes),
        resources: identifiers(registration.resources.as_ref()),
        token_lifetime: registration.lifetime,
        refresh: registration.rotates.map(refresh),
        ..terms(registration.rules.iter().map(rule).collect())
    };
    terms.grants.push(GrantType::JwtBearer);
    terms.grants.extend(registration.rotates.map(|_| GrantType::RefreshToken));
    terms
}

impl Made<'_> {
    pub(super) fn source(&self, who: Who) -> Source {
        match who {
            Who::Key => self.secret_source,
            Who::Client(number) => Source::Client(self.parties[number].client.id),
            Who::Trust => Source::Trust(self.trust.id),
            Who::Acme => unreachable!("no token comes from an organization"),
        }
    }

    pub(super) fn job(&self) -> String {
        self.ci.job(&self.world.server)
    }

    pub(super) async fn change(&self, change: &Change) {
        let (server, asker) = (&self.world.server, Asker::keyturn());
        let app = &server.app;
        match change {
            Change::Role(role, given) => define(server, self.places[0], role, given).await,
            Change::Resource(name, known) => server.resource(name, &known.join(" ")).await,
            Change::Key(roles, is_subtree) => {
                let edit = api_keys::Edit {
                    roles: Some(Some(spaced(roles))),
                    reach: Some(reach(*is_subtree)),
                    ..api_keys::Edit::default()
                };
                api_keys::update(app, &asker, self.key.id, ANY, edit).await.unwrap();
            }
            Change::Member(role) => {
                if let Some(user) = self.user {
                    server.set_role(user, self.places[0], role).await;
                }
            }
            Change::Client(number, registration) => {
                let terms = TermsEdit::whole(terms_of(registration, &self.trust.issuer));
                self.edit(*number, clients::Edit { terms, ..clients::Edit::default() }).await;
            }
            Change::Trust(trusted) => {
                let to = TrustChange {
                    roles: Some(spaced(&trusted.roles)),
                    resources: Some(identifiers(trusted.resources.as_ref())),
                    ..TrustChange::default()
                };
                trusts::update(app, &asker, self.trust.id, ANY, to).await.unwrap();
            }
            Change::Enable(who, enabled) => self.enable(*who, *enabled).await,
        }
    }

    async fn edit(&self, number: usize, edit: clients::Edit) {
        let (app, id) = (&self.world.server.app, self.parties[number].client.id);
        clients::update(app, &Asker::keyturn(), id, ANY, edit).await.unwrap();
    }

    pub(super) async fn enable(&self, who: Who, enabled: bool) {
        let (server, asker) = (&self.world.server, Asker::keyturn());
        match who {
            Who::Key => {
                let id = self.key.id;
                api_keys::set_enabled(&server.app, &asker, id, ANY, enabled).await.unwrap();
            }
            Who::Client(number) => {
                let enabled = Some(enabled);
                self.edit(number, clients::Edit { enabled, ..clients::Edit::default() }).await;
            }
            Who::Trust => {
                let (id, to) = (self.trust.id, TrustChange::enabled(enabled));
                trusts::update(&server.app, &asker, id, ANY, to).await.unwrap();
            }
            Who::Acme => server.enable_organization(self.places[0], enabled).await,
        }
    }

    /// Refused where it may not be used any more.
    pub(super) async fn caller(&self, by: By) -> Result<Option<Caller>, ExchangeError> {
        let (id, secret) = match by {
            By::Nobody => return Ok(None),
            By::Key => (self.key.name.as_str(), self.secret.reveal()),
            By::Client(number) => (&*self.parties[number].id, &*self.parties[number].secret),
        };
        let proof = ClientProof::Post(secret.to_owned().into());
        let (app, claim) = (&self.world.server.app, Claim { id: id.to_owned(), proof });
        exchange::authenticate(app, &claim, None, None, &self.world.origin()).await.map(Some)
    }

    pub(super) async fn ask(
        &self,
        credential: Credential,
        caller: Option<Caller>,
        wish: Wish,
    ) -> Result<Issued, ExchangeError> {
        let origin = self.world.origin();
        let request = Request { credential, caller, proof: None, wish, origin };
        exchange::exchange(&self.world.server.app, request).await
    }

    /// Ends what this link of a chain is, whatever it is.
    pub(super) async fn break_link(&self, link: Source) {
        let server = &self.world.server;
        let (app, now) = (&server.app, server.app.clock.now());
        match link {
            Source::Secret(_) => server.revoke(self.key.id).await,
            Source::Client(id) => {
                let number = self.parties.iter().position(|it| it.client.id == id).unwrap();
                self.enable(Who::Client(number), false).await;
            }
            Source::Trust(_) => self.enable(Who::Trust, false).await,
            Source::Family(id) => {
                let mut tx = app.store.write().await.unwrap();
                store::refresh_families::end(&mut tx, id, now).await.unwrap();
                app.commit(tx).await.unwrap();
            }
            Source::Exchange(_) => unreachable!("clients lose their rules otherwise"),
            Source::Token(id) => {
                let until = now + TimeDelta::seconds(HOUR.into());
                let mut tx = app.store.write().await.unwrap();
                store::revoked_tokens::insert(&mut tx, id, until).await.unwrap();
                app.commit(tx).await.unwrap();
            }
        }
    }

    pub(super) fn by_secret(secret: &str) -> Credential {
        Credential::ApiKey { name: ClaimedName::None, secret: secret.to_owned().into() }
    }

    pub(super) fn by_refresh_token(token: &str) -> Credential {
        Credential::RefreshToken { token: token.to_owned().into(), name: ClaimedName::None }
    }
}
