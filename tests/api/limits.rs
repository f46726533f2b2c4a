//! FX-15: no limit is passed by asking for much at once, at two nodes.

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use keyturn::{
    domain::{self, ClientId, ClientTerms, OrganizationId, Trust, TrustId},
    store,
};
use serde_json::{Value, json};
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    management::acme,
    registration::{REGISTER, options, policy},
    support::{Caller, Ci, Options, TestServer, send},
};

/// Requests that start at once.
const AT_ONCE: usize = 12;

/// How many of them were made.
async fn made(nodes: [&Caller; 2], path: &str, body: impl Fn(usize) -> Value) -> usize {
    let start = Arc::new(Barrier::new(AT_ONCE));
    let mut all = JoinSet::new();
    for number in 0..AT_ONCE {
        let (caller, start) = (nodes[number % 2].clone(), Arc::clone(&start));
        let (path, body) = (path.to_owned(), body(number).to_string());
        all.spawn(async move {
            start.wait().await;
            let json = [("content-type", "application/json")];
            caller.send_text(Method::POST, &path, &json, body).await
        });
    }
    let answers = all.join_all().await;
    for answer in &answers {
        let told = answer.status.is_success() || answer.status == StatusCode::CONFLICT;
        assert!(told, "{path}: {}", answer.text);
    }
    answers.iter().filter(|answer| answer.status.is_success()).count()
}

/// An owner of `acme`, asking at either node.
async fn owners(here: &TestServer, there: &TestServer) -> (OrganizationId, Caller, Caller) {
    let (acme, owner) = acme(here).await;
    there.app.catch_up().await.unwrap();
    let other = there.manage_by(&owner.token);
    (acme, owner, other)
}

#[tokio::test]
async fn fx_15a_the_keys_of_a_tree_stay_within_their_limit() {
    let few = || {
        let mut options = Options::default();
        options.settings.keys.most_per_tree = NonZeroU32::new(5);
        options
    };
    for (here, there) in TestServer::pairs_on_each_engine_with(few).await {
        let (_, one, other) = owners(&here, &there).await;
        let key = |number| json!({ "name": format!("k{number}"), "roles": ["viewer"] });

        let made = made([&one, &other], "/api/v1/api-keys", key).await;

        assert_eq!(made, 4, "{}: the owner's own is the fifth", here.engine);
    }
}

#[tokio::test]
async fn fx_15b_the_secrets_of_a_client_stay_within_their_limit() {
    for (here, there) in TestServer::pairs_on_each_engine().await {
        let (_, one, other) = owners(&here, &there).await;
        let shop = json!({ "name": "shop", "grant_types": ["client_credentials"] });
        let shop = one.post("/api/v1/clients", &shop).await;
        let path = format!("/api/v1/clients/{}/secrets", shop.id());

        let made = made([&one, &other], &path, |_| json!({})).await;

        assert_eq!(made, 4, "{}: it has had one", here.engine);
    }
}

#[tokio::test]
async fn fx_15c_the_webhooks_of_an_organization_stay_within_their_limit() {
    for (here, there) in TestServer::pairs_on_each_engine().await {
        let (acme, one, other) = owners(&here, &there).await;
        let hook = |number| {
            let url = format!("https://hooks.example.com/{number}");
            json!({ "organization_id": acme, "url": url })
        };
        for number in 0..15 {
            one.post("/api/v1/webhooks", &hook(number)).await;
        }

        let made = made([&one, &other], "/api/v1/webhooks", hook).await;

        assert_eq!(made, 5, "{}: of 20", here.engine);
    }
}

#[tokio::test]
async fn fx_15d_clients_that_register_themselves_stay_within_their_limit() {
    let few = || {
        let mut policy = policy();
        policy.most = 3;
        options(policy)
    };
    for (here, there) in TestServer::pairs_on_each_engine_with(few).await {
        crate::registration::furnish(&here).await;
        there.app.catch_up().await.unwrap();
        let start = Arc::new(Barrier::new(AT_ONCE));
        let mut all = JoinSet::new();
        for number in 0..AT_ONCE {
            let node = if number % 2 == 0 { &here } else { &there };
            let (router, start) = (node.router.clone(), Arc::clone(&start));
            all.spawn(async move {
                let body = json!({ "grant_types": ["client_credentials"] }).to_string();
                let request = Request::post(REGISTER).header("content-type", "application/json");
                start.wait().await;
                send(&router, request.body(Body::from(body)).unwrap()).await.status
            });
        }

        let statuses = all.join_all().await;

        let made = statuses.iter().filter(|status| **status == StatusCode::CREATED).count();
        assert_eq!(made, 3, "{}: {statuses:?}", here.engine);
    }
}

#[tokio::test]
async fn fx_15e_the_trust_policies_of_an_organization_stay_within_their_limit() {
    for (here, there) in TestServer::pairs_on_each_engine().await {
        let (acme, one, other) = owners(&here, &there).await;
        let ci = Ci::at("https://ci.example.com");
        let first = ci.trusted_by(&here, ci.rule(acme)).await;
        let mut tx = here.app.store.write().await.unwrap();
        for number in 1..195 {
            let (id, name) = (TrustId(here.app.random.id(first.created_at)), format!("t{number}"));
            let filler = Trust { id, name: name.parse().unwrap(), ..first.clone() };
            store::trusts::insert(&mut tx, filler).await.unwrap();
        }
        here.app.commit(tx).await.unwrap();
        let trust = |number| {
            json!({
                "name": format!("new{number}"), "issuer": "https://ci.example.com",
                "roles": ["viewer"], "conditions": { "sub": ["a"] },
            })
        };

        let made = made([&one, &other], "/api/v1/trusts", trust).await;

        assert_eq!(made, 5, "{}: of 200", here.engine);
    }
}

#[tokio::test]
async fn fx_15f_the_clients_of_an_organization_stay_within_their_limit() {
    for (here, there) in TestServer::pairs_on_each_engine().await {
        let (acme, one, other) = owners(&here, &there).await;
        let first = here.client(acme, "first", ClientTerms::default()).await.client;
        let mut tx = here.app.store.write().await.unwrap();
        for number in 1..995 {
            let (id, name) = (ClientId(here.app.random.id(first.created_at)), format!("c{number}"));
            let filler = domain::Client { id, name: name.parse().unwrap(), ..first.clone() };
            store::clients::insert(&mut tx, filler).await.unwrap();
        }
        here.app.commit(tx).await.unwrap();
        let client = |number| json!({ "name": format!("new{number}") });

        let made = made([&one, &other], "/api/v1/clients", client).await;

        assert_eq!(made, 5, "{}: of 1000", here.engine);
    }
}
