//! Who manages with a token hands on no more than its key has: checks KX-18 and KX-19.

mod any;
mod changes;
mod dying;
mod keys;
mod made;
mod now;
mod people;
mod races;
mod resources;
mod server_wide;
mod takeover;

use std::fmt::Debug;

use keyturn::{
    domain::{ApiKey, Authority, OrganizationId, Origin, Secret, UserAgent, Wider},
    exchange::ExchangeError,
    manage::{Asker, Rejection, api_keys::NewApiKey, roles},
    signing::{Audience, TokenType, VerifiedToken},
};

use crate::support::{API_KEY, ISSUER, TestServer};

/// `acme`, which runs the server, over `left` and `right`, `leaf` below `left`; and `other`.
#[derive(Clone, Copy)]
struct Tree {
    acme: OrganizationId,
    left: OrganizationId,
    right: OrganizationId,
    leaf: OrganizationId,
    other: OrganizationId,
}

async fn tree(server: &TestServer) -> Tree {
    let acme = server.acme().await;
    let left = server.suborganization(acme, "left").await;
    let right = server.suborganization(acme, "right").await;
    let leaf = server.suborganization(left, "leaf").await;
    Tree { acme, left, right, leaf, other: server.root("other").await }
}

async fn define(server: &TestServer, organization_id: OrganizationId, name: &str, scopes: &str) {
    let (name, scopes) = (name.parse().unwrap(), scopes.parse().unwrap());
    let role = roles::Definition { organization_id, name, scopes };
    let any = keyturn::domain::Expected::Any;
    roles::define(&server.app, &Asker::keyturn(), &any, role).await.unwrap();
}

/// What a token of this key for keyturn itself carries.
async fn token(
    server: &TestServer,
    key: &(ApiKey, Secret),
    wishes: &[(&str, &str)],
) -> VerifiedToken {
    let (key, secret) = key;
    let name = key.name.to_string();
    let mut form = vec![("name", &*name), ("secret", secret.reveal()), ("resource", ISSUER)];
    form.extend(wishes);
    let answer = server.post(API_KEY, &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let text = answer.body["access_token"].as_str().unwrap();
    let (kind, audience) = (TokenType::AccessToken, Audience::Is(ISSUER));
    server.app.signer.verify(text, server.app.clock.now(), &[kind], audience).unwrap()
}

/// Who asks with a token that carries this; `None` where its key works no more.
async fn asks_with(server: &TestServer, carried: &VerifiedToken) -> Option<Asker> {
    asks_from(server, carried, "127.0.0.1").await
}

async fn asks_from(server: &TestServer, carried: &VerifiedToken, source: &str) -> Option<Asker> {
    let origin = Origin {
        request_id: server.app.random.id(server.app.clock.now()),
        source: source.parse().unwrap(),
        user_agent: UserAgent::default(),
        door: "elsewhere",
    };
    match Asker::of_token(&server.app, carried.clone(), origin).await {
        Ok(asker) => {
            let authority = &asker.authority;
            assert!(matches!(authority, Authority::Bounded(_)), "a token's word has bounds");
            Some(asker)
        }
        Err(ExchangeError::Refused(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Who asks with a token of this key that was asked for with these wishes.
async fn narrowed(server: &TestServer, key: &(ApiKey, Secret), wishes: &[(&str, &str)]) -> Asker {
    let carried = token(server, key, wishes).await;
    asks_with(server, &carried).await.unwrap()
}

async fn asker(server: &TestServer, key: &(ApiKey, Secret)) -> Asker {
    narrowed(server, key, &[]).await
}

/// Makes a key as an operator, and asks with a token of it.
async fn asker_with(server: &TestServer, new: NewApiKey) -> Asker {
    let key = server.make_key(new).await;
    asker(server, &key).await
}

/// Why it was refused to go beyond the asker's own key.
fn wider<T: Debug>(outcome: Result<T, Rejection>) -> Wider {
    match outcome {
        Err(Rejection::Wider(wider)) => wider,
        other => panic!("{other:?}"),
    }
}

/// What whoever asked was told.
fn told<T: Debug>(outcome: Result<T, Rejection>) -> String {
    outcome.unwrap_err().to_string()
}

fn scope(name: &str) -> Wider {
    Wider::Scope(name.to_owned())
}
