//! Why a request was refused, as its owner reads it under the id that the caller was given.

mod simulated;

use chrono::TimeDelta;
use keyturn::{
    domain::{
        ApiKeyId, Expected, Lifetime, MalformedSecret, OrganizationId, Origin, Owner, Reach,
        Secret, UserAgent,
    },
    exchange::{
        self, ClaimedName, Credential, ExchangeError, Explanation, Issued, NOTHING_RECORDED,
        NotHeld, Refusal, Request, Wish,
    },
    manage::{
        Asker,
        api_keys::{self, Edit, NewApiKey, OldSecret, Rotation},
        organizations,
    },
    random::Random,
};
use uuid::Uuid;

use crate::support::{API_KEY, Options, TestServer, mistyped, new_key};

/// What somebody sends, and from where.
struct Attempt {
    name: ClaimedName,
    secret: String,
    wish: Wish,
    source: &'static str,
}

impl Attempt {
    fn with(secret: &str) -> Self {
        let wish = Wish { resource: Some("api".parse().unwrap()), ..Wish::default() };
        Self { name: ClaimedName::None, secret: secret.to_owned(), wish, source: "192.0.2.1" }
    }

    fn for_scope(secret: &Secret, scope: &str, resource: &str) -> Self {
        let (scopes, resource) = (scope.parse().unwrap(), resource.parse().unwrap());
        let wish = Wish { scopes: Some(scopes), resource: Some(resource), organization: None };
        Self { wish, ..Self::with(secret.reveal()) }
    }

    fn in_organization(secret: &Secret, id: OrganizationId) -> Self {
        let attempt = Self::with(secret.reveal());
        Self { wish: Wish { organization: Some(id), ..attempt.wish.clone() }, ..attempt }
    }

    /// By the door behind all doors: HTTP does not tell one refusal from another.
    async fn at(self, server: &TestServer) -> (Uuid, Result<Issued, ExchangeError>) {
        let request_id = server.app.random.id(server.app.clock.now());
        let origin = Origin {
            request_id,
            source: self.source.parse().unwrap(),
            user_agent: UserAgent::new("curl/8"),
            door: API_KEY,
        };
        let credential = Credential::ApiKey { name: self.name, secret: self.secret.into() };
        let request = Request { credential, caller: None, proof: None, wish: self.wish, origin };
        (request_id, exchange::exchange(&server.app, request).await)
    }
}

async fn explain(server: &TestServer, id: Uuid) -> Option<Explanation> {
    exchange::explain(&server.app, id).await.unwrap()
}

/// What the owner of the key is told, 27 hours after all was made.
fn expected(refusal: &Refusal) -> String {
    let sentence = match refusal {
        Refusal::MalformedSecret(MalformedSecret::Form) => {
            "What was sent has not the form of a secret."
        }
        Refusal::MalformedSecret(MalformedSecret::OtherKind) => {
            "What was sent is a credential of another kind: no API key's secret."
        }
        Refusal::MalformedSecret(MalformedSecret::Checksum) => {
            "The secret has a typo: its checksum is wrong."
        }
        Refusal::UnknownSecret => "No key has this secret.",
        Refusal::WrongName(_) => {
            "The secret is right, but the key is called `ci`, not what the request said."
        }
        Refusal::TooManyFailures(_) => unreachable!("the true reason is recorded"),
        Refusal::OwnerGone => unreachable!("no owner goes before its keys"),
        Refusal::SecretReplaced(_) => {
            "The secret was replaced by a newer one and died at 2027-01-15 09:00:00 UTC, 26 h before \
             this request."
        }
        Refusal::KeyExpired(_) => {
            "The secret is right; the key expired at 2027-01-16 08:00:00 UTC, 3 h before this \
             request."
        }
        Refusal::KeyDisabled => "The secret is right; the key is disabled.",
        Refusal::KeyRevoked(_) => {
            "The secret is right; the key was revoked at 2027-01-15 08:00:00 UTC, 27 h before this \
             request."
        }
        Refusal::OwnerDisabled => "The secret is right; the owner of the key is disabled.",
        Refusal::AddressNotAllowed(..) => {
            "The secret is right; 10.1.2.3 is not in 10.2.0.0/16, 192.0.2.7/32."
        }
        Refusal::OrganizationOutOfReach(id) => {
            return format!("The secret is right; the key does not reach organization {id}.");
        }
        Refusal::NoOrganization => "The secret is right; the key reaches no organization.",
        Refusal::OrganizationDisabled(id) => {
            return format!("The secret is right; organization {id} is disabled.");
        }
        Refusal::UnknownResource(_) => {
            "The secret is right; no resource is registered as urn:nowhere."
        }
        Refusal::ScopeNotGranted(not_held) => {
            return format!("The secret is right; {}.", expected_of_scope(not_held));
        }
        other => unreachable!("a key alone does not meet it: {other:?}"),
    };
    sentence.to_owned()
}

fn expected_of_scope(not_held: &NotHeld) -> &'static str {
    match (not_held.scope.as_str(), not_held.resource.as_str()) {
        ("typo", "api") => "scope typo is not known at resource api",
        ("admin", "wide") => "scope admin is not in role manager at resource wide",
        ("deploy", "wide") => "scope deploy is not in roles manager, viewer at resource wide",
        ("write", "api") => {
            "scope write is in role manager, but the key's user has not got it at resource api"
        }
        ("write", "wide") => "scope write is not in role viewer at resource wide",
        other => unreachable!("{other:?}"),
    }
}

async fn make(server: &TestServer, new: NewApiKey) -> (ApiKeyId, Secret) {
    let (key, secret) = server.make_key(new).await;
    (key.id, secret)
}

/// Every way to be refused, of a moment 27 hours later.
async fn all_refused(server: &TestServer, acme: OrganizationId) -> Vec<Attempt> {
    let (app, asker, any) = (&server.app, Asker::keyturn(), Expected::Any);
    let owner = Owner::Organization(acme);
    let (_, ci) = server.key(owner, "ci").await;
    let mut attempts: Vec<_> = [&mistyped(&ci), "hunter2", "ktr_x"].map(Attempt::with).into();
    let unknown = Secret::generate(&"ktk".parse().unwrap(), &Random::System);
    attempts.push(Attempt::with(unknown.reveal()));
    let other_name = ClaimedName::Name("nobody".to_owned());
    attempts.push(Attempt { name: other_name, ..Attempt::with(ci.reveal()) });

    let (id, replaced) = make(server, new_key(owner, "replaced")).await;
    let rotation = Rotation {
        old_secret: OldSecret::DiesAfter(TimeDelta::hours(1)),
        lifetime: None,
        force: true,
    };
    api_keys::rotate(app, &asker, id, &any, rotation).await.unwrap();
    let lifetime = Lifetime::Until(app.clock.now() + TimeDelta::days(1));
    let (_, expired) = make(server, NewApiKey { lifetime, ..new_key(owner, "expired") }).await;
    let (id, disabled) = make(server, new_key(owner, "disabled")).await;
    api_keys::set_enabled(app, &asker, id, &any, false).await.unwrap();
    let (id, revoked) = make(server, new_key(owner, "revoked")).await;
    api_keys::revoke(app, &asker, id, &any).await.unwrap();
    let closed = server.root("closed").await;
    let (_, of_closed) = make(server, new_key(Owner::Organization(closed), "of closed")).await;
    disable(server, closed).await;
    let nobody = server.user("nobody@example.com", &[]).await;
    let (_, of_nobody) = make(server, new_key(Owner::User(nobody), "of nobody")).await;
    let dead = [replaced, expired, disabled, revoked, of_closed, of_nobody];
    attempts.extend(dead.map(|secret| Attempt::with(secret.reveal())));

    let allowed_networks = "10.2.0.0/16 192.0.2.7".parse().unwrap();
    let (_, bound) = make(server, NewApiKey { allowed_networks, ..new_key(owner, "bound") }).await;
    attempts.push(Attempt { source: "10.1.2.3", ..Attempt::with(bound.reveal()) });
    let shut = server.suborganization(acme, "shut").await;
    disable(server, shut).await;
    let tree = NewApiKey { reach: Reach::Subtree, ..new_key(owner, "tree") };
    let (_, tree) = make(server, tree).await;
    attempts.push(Attempt::in_organization(&tree, shut));
    attempts.push(Attempt::in_organization(&ci, shut));
    attempts.push(Attempt::for_scope(&ci, "read", "urn:nowhere"));
    attempts.extend(all_without_scope(server, acme, &ci).await);
    attempts
}

/// Every way to lack a scope.
async fn all_without_scope(
    server: &TestServer,
    acme: OrganizationId,
    manager: &Secret,
) -> [Attempt; 5] {
    server.resource("wide", "admin deploy read write").await;
    let owner = Owner::Organization(acme);
    let two = NewApiKey { roles: Some("manager viewer".parse().unwrap()), ..new_key(owner, "two") };
    let ada = Owner::User(server.user("ada@example.com", &[(acme, "viewer")]).await);
    let (_, two) = make(server, two).await;
    let (_, too_much) = make(server, new_key(ada, "too much")).await;
    let (_, all) = make(server, NewApiKey { roles: None, ..new_key(ada, "all") }).await;
    [
        Attempt::for_scope(manager, "typo", "api"),
        Attempt::for_scope(manager, "admin", "wide"),
        Attempt::for_scope(&two, "deploy", "wide"),
        Attempt::for_scope(&too_much, "write", "api"),
        Attempt::for_scope(&all, "write", "wide"),
    ]
}

async fn disable(server: &TestServer, id: OrganizationId) {
    let edit = organizations::Edit { enabled: Some(false), name: None };
    organizations::update(&server.app, &Asker::keyturn(), id, &Expected::Any, edit).await.unwrap();
}

#[tokio::test]
async fn every_refusal_is_explained_to_the_owner_of_the_key() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let attempts = all_refused(&server, acme).await;
        server.app.clock.advance(TimeDelta::hours(27));

        let mut refused = Vec::new();
        for attempt in attempts {
            let sent = attempt.secret.clone();
            let (id, outcome) = attempt.at(&server).await;
            let Err(ExchangeError::Refused(refusal)) = outcome else { panic!("{sent}") };
            refused.push((sent, id, refusal));
        }
        server.settle().await;

        for (sent, id, refusal) in &refused {
            let explanation = explain(&server, *id).await.unwrap();
            assert_eq!(explanation.sentence, expected(refusal), "{}", server.engine);
            assert_eq!(explanation.recorded.reason, refusal.code());
            assert_eq!(explanation.by_now, None, "{refusal}");
            assert!(!format!("{explanation:?}").contains(sent.as_str()), "{refusal}");
        }
        let mut codes: Vec<_> = refused.iter().map(|(_, _, refusal)| refusal.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 14, "all but two that nobody can provoke: {codes:?}");
    }
}

#[tokio::test]
async fn an_explanation_leads_to_its_key_once_the_secret_was_right() {
    for server in TestServer::on_each_engine().await {
        let owner = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(owner, "ci").await;
        let nobody = ClaimedName::NameOrId("nobody".to_owned());
        let unknown = Secret::generate(&"ktk".parse().unwrap(), &Random::System);

        let wrong_name =
            Attempt { name: nobody, ..Attempt::with(secret.reveal()) }.at(&server).await;
        let wrong_scope = Attempt::for_scope(&secret, "admin", "api").at(&server).await;
        let unknown = Attempt::with(unknown.reveal()).at(&server).await;
        server.settle().await;

        for (id, _) in [wrong_name, wrong_scope] {
            let explanation = explain(&server, id).await.unwrap();
            assert_eq!(explanation.recorded.api_key_id, Some(key.id), "{}", server.engine);
            assert_eq!(explanation.key, Some(key.clone()));
            assert_eq!(explanation.recorded.user_agent.as_str(), "curl/8");
            assert_eq!(explanation.by_now, None);
        }
        let explanation = explain(&server, unknown.0).await.unwrap();
        assert_eq!((explanation.recorded.api_key_id, explanation.key), (None, None));
    }
}

#[tokio::test]
async fn an_explanation_says_what_has_changed_since() {
    for server in TestServer::on_each_engine().await {
        let (app, asker, any) = (&server.app, Asker::keyturn(), Expected::Any);
        let owner = Owner::Organization(server.acme().await);
        let allowed_networks = "10.2.0.0/16".parse().unwrap();
        let new = NewApiKey { allowed_networks, ..new_key(owner, "bound") };
        let (bound, bound_secret) = make(&server, new).await;
        let (disabled, disabled_secret) = make(&server, new_key(owner, "disabled")).await;
        let (deleted, deleted_secret) = make(&server, new_key(owner, "deleted")).await;
        for id in [disabled, deleted] {
            api_keys::set_enabled(app, &asker, id, &any, false).await.unwrap();
        }
        let elsewhere = Attempt::with(bound_secret.reveal()).at(&server).await.0;
        let while_disabled = Attempt::with(disabled_secret.reveal()).at(&server).await.0;
        let before_deletion = Attempt::with(deleted_secret.reveal()).at(&server).await.0;
        server.settle().await;

        let by_now = async |id| explain(&server, id).await.unwrap().by_now;
        assert_eq!(by_now(elsewhere).await, None, "{}", server.engine);
        assert_eq!(by_now(while_disabled).await, None);
        let edit =
            Edit { allowed_networks: Some("192.0.2.0/24".parse().unwrap()), ..Edit::default() };
        api_keys::update(app, &asker, bound, &any, edit).await.unwrap();
        api_keys::set_enabled(app, &asker, disabled, &any, true).await.unwrap();
        api_keys::revoke(app, &asker, deleted, &any).await.unwrap();
        api_keys::delete(app, &asker, deleted, &any).await.unwrap();

        let changed = Some("By now the key may be used from 192.0.2.1.".to_owned());
        assert_eq!(by_now(elsewhere).await, changed);
        assert_eq!(by_now(while_disabled).await, Some("By now the key is active.".to_owned()));
        let gone = Some("The key was deleted since.".to_owned());
        assert_eq!(by_now(before_deletion).await, gone);
        api_keys::revoke(app, &asker, bound, &any).await.unwrap();
        assert_eq!(by_now(elsewhere).await, Some("By now the key is revoked.".to_owned()));
    }
}

#[tokio::test]
async fn of_a_request_that_was_not_refused_nothing_is_recorded() {
    for server in TestServer::on_each_engine().await {
        let owner = Owner::Organization(server.acme().await);
        let (_, secret) = server.key(owner, "ci").await;

        let (issued, outcome) = Attempt::with(secret.reveal()).at(&server).await;
        server.settle().await;

        assert!(outcome.is_ok());
        assert_eq!(explain(&server, issued).await, None, "{}", server.engine);
        assert_eq!(explain(&server, Uuid::nil()).await, None);
        assert!(NOTHING_RECORDED.contains("some seconds after"));
    }
}

#[tokio::test]
async fn th_02_a_wrong_name_pays_from_the_budget_of_those_who_guess() {
    let three = || {
        let mut options = Options::default();
        options.settings.failures_per_minute = 3.try_into().unwrap();
        options
    };
    for server in TestServer::on_each_engine_with(three).await {
        let owner = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(owner, "ci").await;
        let mut answers = Vec::new();
        for _ in 0..4 {
            answers.push(server.exchange("nobody", &secret).await);
        }
        server.settle().await;

        let statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses, [401, 401, 401, 429], "{}", server.engine);
        let id = answers[3].header("x-request-id").parse().unwrap();
        let explanation = explain(&server, id).await.unwrap();
        assert_eq!(explanation.recorded.api_key_id, Some(key.id));
        assert_eq!(
            explanation.sentence,
            "The secret is right, but the key is called `ci`, not what the request said; the \
             caller was only told of too many failed attempts."
        );
    }
}
