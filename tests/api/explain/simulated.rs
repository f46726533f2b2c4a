//! What a simulation says is what an exchange does.

use std::net::IpAddr;

use chrono::TimeDelta;
use keyturn::{
    domain::{ApiKeyId, Expected, Lifetime, OrganizationId, Owner, Reach, Secret},
    exchange::{ExchangeError, Prospect, Refusal, Simulation, Wish, simulate},
    manage::{
        Asker,
        api_keys::{self, NewApiKey, OldSecret, Rotation},
    },
    random::Random,
    signing::{Audience, TokenType},
};
use uuid::Uuid;

use super::{Attempt, disable, make};
use crate::support::{TestServer, new_key};

const SOURCES: [&str; 2] = ["192.0.2.1", "10.2.0.1"];

async fn simulated(
    server: &TestServer,
    id: ApiKeyId,
    wish: &Wish,
    from: Option<IpAddr>,
) -> Simulation {
    simulate(&server.app, id, wish, from).await.unwrap().unwrap()
}

/// Keys of every kind, each with the secret that is used with it.
async fn keys(server: &TestServer, places: &[OrganizationId]) -> Vec<(ApiKeyId, Secret)> {
    let (app, asker, any) = (&server.app, Asker::keyturn(), Expected::Any);
    let organization = |place: usize| Owner::Organization(places[place]);
    let ada =
        server.user("ada@example.com", &[(places[0], "viewer"), (places[1], "manager")]).await;
    let named = |owner| new_key(owner, &Random::System.base62(8));
    let networks = "10.2.0.0/16".parse().unwrap();
    let soon = Lifetime::Until(app.clock.now() + TimeDelta::minutes(2));
    let news = [
        named(organization(0)),
        NewApiKey { reach: Reach::Subtree, ..named(organization(0)) },
        NewApiKey { reach: Reach::Listed(vec![places[1]]), ..named(organization(0)) },
        NewApiKey { allowed_networks: networks, lifetime: soon, ..named(organization(1)) },
        named(Owner::User(ada)),
        NewApiKey { roles: None, reach: Reach::Subtree, ..named(Owner::User(ada)) },
        named(organization(3)),
    ];
    let mut keys = Vec::new();
    for new in news {
        keys.push(make(server, new).await);
    }
    let (disabled, secret) = make(server, named(organization(0))).await;
    api_keys::set_enabled(app, &asker, disabled, &any, false).await.unwrap();
    keys.push((disabled, secret));
    let (rotated, _) = make(server, named(organization(0))).await;
    let grace = Rotation {
        old_secret: OldSecret::DiesAfter(TimeDelta::days(1)),
        lifetime: None,
        force: true,
    };
    let rotation = api_keys::rotate(app, &asker, rotated, &any, grace).await.unwrap();
    keys.push((rotated, rotation.secret));
    keys
}

fn wishes(places: &[OrganizationId]) -> Vec<Wish> {
    let organizations = places.iter().copied().map(Some).chain([None]);
    let mut wishes = Vec::new();
    for organization in organizations {
        for resource in [None, Some("api"), Some("urn:nowhere")] {
            for scopes in [None, Some("read"), Some("keys:read"), Some("read write")] {
                wishes.push(Wish {
                    organization,
                    resource: resource.map(|name| name.parse().unwrap()),
                    scopes: scopes.map(|scopes| scopes.parse().unwrap()),
                });
            }
        }
    }
    wishes
}

/// That the simulated outcome is the real one.
async fn agrees(
    server: &TestServer,
    expected: Result<Prospect, Refusal>,
    attempt: Attempt,
) -> Result<(), String> {
    let (_, outcome) = attempt.at(server).await;
    match (expected, outcome) {
        (Ok(expected), Ok(issued)) => {
            let (now, audience) = (server.app.clock.now(), expected.resource.as_str());
            let token = server.app.signer.verify(
                &issued.access_token,
                now,
                TokenType::ACCESS_TOKENS,
                Audience::Is(audience),
            );
            let token = token.map_err(|error| error.to_string())?;
            let same = token.scopes == expected.scopes
                && issued.scopes == expected.scopes
                && token.roles == expected.roles
                && token.organization_id == expected.organization.id()
                && token.expires_at == expected.expires_at;
            if same { Ok(()) } else { Err(format!("{token:?} and not {expected:?}")) }
        }
        (Err(expected), Err(ExchangeError::Refused(refusal))) if refusal == expected => Ok(()),
        (expected, outcome) => {
            Err(format!("{:?} and not {expected:?}", outcome.map(|issued| issued.scopes)))
        }
    }
}

#[tokio::test]
async fn a_simulation_agrees_with_the_exchange() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let left = server.suborganization(acme, "left").await;
        let shut = server.suborganization(acme, "shut").await;
        let places = [acme, left, shut, server.root("other").await];
        let keys = keys(&server, &places).await;
        disable(&server, shut).await;
        let (mut issued, mut refused) = (0, std::collections::HashSet::new());

        for (id, secret) in &keys {
            for (wish, source) in
                wishes(&places).iter().flat_map(|wish| SOURCES.map(|source| (wish, source)))
            {
                let from = Some(source.parse().unwrap());
                let expected = simulated(&server, *id, wish, from).await.outcome;
                match &expected {
                    Ok(_) => issued += 1,
                    Err(refusal) => drop(refused.insert(refusal.code())),
                }
                let attempt =
                    Attempt { wish: wish.clone(), source, ..Attempt::with(secret.reveal()) };

                let verdict = agrees(&server, expected, attempt).await;

                assert_eq!(verdict, Ok(()), "{} {wish:?} from {source}", server.engine);
            }
        }
        assert!(issued > 100 && refused.len() >= 5, "{issued} issued, {refused:?}");
    }
}

#[tokio::test]
async fn a_simulation_leaves_no_trace() {
    for server in TestServer::on_each_engine().await {
        let owner = Owner::Organization(server.acme().await);
        let (key, _) = server.key(owner, "ci").await;
        let wish = Wish { scopes: Some("admin".parse().unwrap()), ..Wish::default() };
        let before = server.dump().await;

        let granted = simulated(&server, key.id, &Wish::default(), None).await;
        let refused = simulated(&server, key.id, &wish, None).await;
        server.settle().await;

        assert!(granted.outcome.is_ok());
        assert!(matches!(refused.outcome, Err(Refusal::ScopeNotGranted(_))));
        assert_eq!(server.dump().await, before, "{}", server.engine);
    }
}

#[tokio::test]
async fn a_simulation_from_nowhere_is_one_from_where_the_key_may_be_used() {
    for server in TestServer::on_each_engine().await {
        let owner = Owner::Organization(server.acme().await);
        let allowed_networks = "10.2.0.0/16".parse().unwrap();
        let new = NewApiKey { allowed_networks, ..new_key(owner, "bound") };
        let (id, _) = make(&server, new).await;
        let outcome = async |from| simulated(&server, id, &Wish::default(), from).await.outcome;

        assert!(outcome(None).await.is_ok(), "{}", server.engine);
        let elsewhere = outcome(Some("10.1.2.3".parse().unwrap())).await.unwrap_err();
        assert_eq!(elsewhere.to_string(), "10.1.2.3 is not in 10.2.0.0/16");
    }
}

#[tokio::test]
async fn a_simulation_names_the_secrets_that_work() {
    for server in TestServer::on_each_engine().await {
        let (app, asker, any) = (&server.app, Asker::keyturn(), Expected::Any);
        let owner = Owner::Organization(server.acme().await);
        let (key, _) = server.key(owner, "ci").await;
        app.clock.advance(TimeDelta::seconds(1));
        let grace = Rotation {
            old_secret: OldSecret::DiesAfter(TimeDelta::hours(1)),
            lifetime: None,
            force: true,
        };
        api_keys::rotate(app, &asker, key.id, &any, grace).await.unwrap();
        let live = async || {
            let simulation = simulated(&server, key.id, &Wish::default(), None).await;
            simulation.live_secrets.iter().map(|secret| secret.dies_at).collect::<Vec<_>>()
        };
        let soon = app.clock.now() + TimeDelta::hours(1);

        assert_eq!(live().await, [Some(soon), None], "{}", server.engine);
        app.clock.advance(TimeDelta::hours(1));
        assert_eq!(live().await, [None]);
        let unknown = ApiKeyId(Uuid::nil());
        assert!(simulate(app, unknown, &Wish::default(), None).await.unwrap().is_none());
    }
}
