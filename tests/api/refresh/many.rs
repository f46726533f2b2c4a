//! How many live families one holder has, and what a family needs that began under other terms.

use chrono::TimeDelta;
use keyturn::{
    domain::{ClientTerms, Family, FamilyId, GrantType, Lifetime, Owner, RefreshToken},
    manage::api_keys::NewApiKey,
    store::refresh_families,
};
use secrecy::SecretString;
use serde_json::json;

use super::{Shop, exchange, for_keys, refresh, refresh_terms, refresh_token, shop_terms};
use crate::{
    management::acme,
    support::{OAUTH, TestServer, new_key},
};

/// Families of other keys: `cd`, and the one that manages.
const OTHERS: i64 = 2;

/// Puts as many families beside the one of this token as their holder may have in all.
async fn fill_up(server: &TestServer, token: &str) {
    let family = RefreshToken::parse(&SecretString::from(token)).unwrap().family;
    let mut tx = server.app.store.write().await.unwrap();
    let first = refresh_families::find(&mut tx, family).await.unwrap().unwrap();
    for _ in 1..Family::MOST {
        let id = FamilyId(server.app.random.id(first.created_at));
        let family = Family { id, ..first.clone() };
        assert!(refresh_families::insert(&mut tx, family, None).await.unwrap());
    }
    server.app.commit(tx).await.unwrap();
}

#[tokio::test]
async fn the_oldest_family_of_a_holder_ends_where_too_many_live() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let (acme, _) = acme(&server).await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let (_, others) = server.key(Owner::Organization(acme), "cd").await;
        let form = [("name", "cd"), ("secret", others.reveal())];
        let others = refresh_token(&server.post(crate::support::API_KEY, &form).await);
        let oldest = refresh_token(&exchange(&server, &secret).await);
        fill_up(&server, &oldest).await;
        let oldest = refresh_token(&refresh(&server, &oldest).await);
        server.app.clock.advance(TimeDelta::seconds(1));

        let newest = refresh_token(&exchange(&server, &secret).await);

        let ended = refresh(&server, &oldest).await;
        assert_eq!(ended.error(), (400, "invalid_grant"), "{}: {}", server.engine, ended.text);
        assert_eq!(refresh(&server, &newest).await.status, 200, "{}", server.engine);
        assert_eq!(refresh(&server, &others).await.status, 200, "{}", server.engine);
        let alive = server.count("refresh_families where ended_at is null").await;
        assert_eq!(alive, i64::from(Family::MOST) + OTHERS, "{}", server.engine);
    }
}

/// RFC 9700, section 2.2.2, as of each use: the client authenticated when the family began.
#[tokio::test]
async fn a_family_that_authentication_guarded_does_not_go_on_without() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let roles = Some("owner".parse().unwrap());
        let new = new_key(Owner::Organization(acme), "endless");
        let new = NewApiKey { roles, lifetime: Lifetime::Never, ..new };
        let owner = server.manage(&server.make_key(new).await.1).await;
        let terms = ClientTerms { refresh: Some(refresh_terms(false)), ..shop_terms() };
        let shop = Shop::with(&server, acme, "shop", terms).await;
        let token = refresh_token(&shop.first(&server).await);
        let path = format!("/api/v1/clients/{}", shop.id);
        let public = json!({
            "token_endpoint_auth_method": "none",
            "grant_types": [GrantType::JwtBearer.as_str(), "refresh_token"],
        });

        let before = shop.refresh(&server, &token).await;
        let changed = owner.patch(&path, "*", &public).await;
        let form =
            [("client_id", &*shop.id), ("grant_type", "refresh_token"), ("refresh_token", &token)];
        let after = server.post(OAUTH, &form).await;
        server.settle().await;

        assert_eq!(before.status, 200, "{}: {}", server.engine, before.text);
        assert_eq!(changed.status, 200, "{}: {}", server.engine, changed.text);
        assert_eq!(after.error(), (400, "invalid_grant"), "{}: {}", server.engine, after.text);
        let reason = server.refusal(&after).await.unwrap().reason;
        assert_eq!(reason, "no_refresh_tokens", "{}", server.engine);
    }
}
