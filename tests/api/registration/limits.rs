//! Clients that register themselves do not fill the server, and do not slow it down.

use std::{net::SocketAddr, num::NonZeroU32};

use axum::{body::Body, extract::ConnectInfo, http::Request};
use chrono::TimeDelta;
use keyturn::{
    domain::{Actor, ClientTerms, RegistrationPolicy},
    manage::clients::itself::delete_unused,
    store::{self, Store},
};
use serde_json::json;
use sqlx::AssertSqlSafe;

use super::{Itself, PARTNERS, REGISTER, policy, register, server_with, servers, shop, shop_with};
use crate::{
    foreign::Foreigner,
    support::{Answer, OAUTH, TestServer},
};

async fn register_from(server: &TestServer, address: &str) -> Answer {
    let request = Request::post(REGISTER).header("content-type", "application/json");
    let mut request = request.body(Body::from(shop().to_string())).unwrap();
    let peer: SocketAddr = format!("{address}:50000").parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    server.send(request).await
}

#[tokio::test]
async fn dc_08_an_address_that_has_registered_its_share_is_told_to_wait() {
    let most_per_hour = NonZeroU32::new(3).unwrap();
    let server = server_with(RegistrationPolicy { most_per_hour, ..policy() }).await;
    for _ in 0..10 {
        let mistaken = register(&server, &shop_with(json!({ "scope": "admin" }))).await;
        assert_eq!(mistaken.status, 400, "a mistake costs nothing: {}", mistaken.text);
    }

    let mut first = Vec::new();
    for _ in 0..3 {
        first.push(register_from(&server, "192.0.2.1").await.status.as_u16());
    }
    let more = register_from(&server, "192.0.2.1").await;
    let other = register_from(&server, "192.0.2.2").await;

    assert_eq!(first, [201, 201, 201]);
    assert_eq!(more.error(), (429, "slow_down"), "{}", more.text);
    let wait: u64 = more.header("retry-after").parse().unwrap();
    assert!((1..=1201).contains(&wait), "{wait}");
    assert_eq!(other.status, 201, "{}", other.text);
    assert_eq!(server.count("clients").await, 4);
}

#[tokio::test]
async fn dc_08_there_are_no_more_of_them_than_an_operator_allows() {
    let server = server_with(RegistrationPolicy { most: 2, ..policy() }).await;
    let owned = server.client(PARTNERS, "owned", ClientTerms::default()).await;
    let first = Itself::registered(&server, &shop()).await;
    let second = register(&server, &shop()).await;

    let third = register(&server, &shop()).await;
    first.delete(&server).await;
    let after = register(&server, &shop()).await;

    assert_eq!(second.status, 201, "{} does not count", owned.client.name);
    assert_eq!(third.error(), (429, "too_many_clients"), "{}", third.text);
    assert_eq!(after.status, 201, "{}", after.text);
}

#[tokio::test]
async fn those_that_registered_themselves_take_no_place_of_an_owners_client() {
    let server = server_with(RegistrationPolicy { most: 5000, ..policy() }).await;
    let template = Itself::registered(&server, &shop()).await;
    multiply(&server, &template, 1500).await;

    server.client(PARTNERS, "owned", ClientTerms::default()).await;

    assert_eq!(server.count("clients").await, 1502);
}

/// So many more clients like this one, as if they had registered long ago.
async fn multiply(server: &TestServer, client: &Itself, count: u32) {
    server
        .sql(&format!(
            "with recursive numbers (n) as (
                select 1 union all select n + 1 from numbers where n < {count}
            )
            insert into clients (id, organization_id, name, terms, created_at, status_index,
                registration)
            select randomblob(16), organization_id, 'registered-' || n, terms, created_at,
                1000000 + n, registration
            from clients, numbers where clients.registration is not null"
        ))
        .await;
    assert!(client.kept(server).await.is_some());
}

#[tokio::test]
async fn dc_08_ten_thousand_of_them_do_not_change_what_a_look_up_reads() {
    let server = server_with(RegistrationPolicy { most: 20_000, ..policy() }).await;
    let template = Itself::registered(&server, &shop()).await;
    multiply(&server, &template, 10_000).await;

    let client = Itself::registered(&server, &shop()).await;
    let token = client.ask(&server, &[]).await;

    assert_eq!(token.status, 200, "{}", token.text);
    let Store::Sqlite { pool, .. } = &server.app.store else { panic!("it is on SQLite") };
    for (statements, name) in [
        (store::clients::STATEMENTS, "FIND"),
        (store::client_secrets::STATEMENTS, "OF_CLIENT"),
        (store::registrations::STATEMENTS, "COUNT"),
        (store::registrations::STATEMENTS, "UNUSED"),
    ] {
        let (_, sql) = statements.iter().find(|(known, _)| *known == name).unwrap();
        let plan = sqlx::query_as(AssertSqlSafe(format!("explain query plan {sql}")));
        let plan: Vec<(i64, i64, i64, String)> = plan.fetch_all(pool).await.unwrap();
        for (.., step) in plan {
            let by_index = step.contains("INDEX") || !step.starts_with("SCAN");
            assert!(by_index, "{name} reads the whole table: {step}");
        }
    }
}

#[tokio::test]
async fn dc_01_a_client_that_nobody_uses_goes_after_a_while() {
    for server in servers().await {
        let idle = Itself::registered(&server, &shop()).await;
        let used = Itself::registered(&server, &shop()).await;
        let key = Foreigner::new("mine");
        let keys: serde_json::Value = serde_json::from_str(&key.jwks()).unwrap();
        let signs = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": keys });
        let signing = Itself::registered(&server, &shop_with(signs)).await;
        let owned = server.client(PARTNERS, "owned", ClientTerms::default()).await;
        server.app.clock.advance(TimeDelta::days(10));
        assert_eq!(used.ask(&server, &[]).await.status, 200);
        let assertion = key.token(&crate::assertions::claims(&signing.id, &server));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", crate::assertions::JWT_BEARER),
            ("client_assertion", &assertion),
        ];
        assert_eq!(server.post(OAUTH, &form).await.status, 200);
        let new = Itself::registered(&server, &shop()).await;
        server.settle().await;
        server.app.clock.advance(TimeDelta::days(21));

        let deleted = delete_unused(&server.app).await.unwrap();

        assert_eq!(deleted, 1, "{}", server.engine);
        assert!(idle.kept(&server).await.is_none(), "{}", server.engine);
        for kept in [&used, &signing, &new] {
            assert!(kept.kept(&server).await.is_some(), "{}", server.engine);
        }
        assert!(
            keyturn::manage::clients::named(&server.app, &owned.client.name).await.unwrap().len()
                == 1
        );
        assert_eq!(idle.get(&server).await.error(), (401, "invalid_token"));
        let last = server.audit_trail(&format!("client:{}", idle.id)).await.pop().unwrap();
        assert_eq!((last.actor, &*last.action), (Actor::Keyturn, "client.deleted"));
        assert_eq!(last.detail["reason"], "unused", "{}", server.engine);
    }
}
