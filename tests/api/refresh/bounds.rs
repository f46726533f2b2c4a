//! A refresh gives no more than the first exchange came to, for no longer than was said.

use chrono::TimeDelta;
use keyturn::{
    domain::{ClientTerms, Expected, Lifetime, Owner, RefreshTerms},
    manage::{Asker, api_keys::NewApiKey, resources},
};

use super::{
    DAY, Shop, access_token, exchange, exchange_with, for_keys, refresh, refresh_token,
    refresh_with, shop_terms, works,
};
use crate::support::{ISSUER, TestServer, new_key};

#[tokio::test]
async fn rt_03_fewer_scopes_are_for_this_token_alone_and_more_are_refused() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let shop = Shop::of(&server, acme).await;
        let first = shop.first(&server).await;

        let fewer = shop.refresh_with(&server, &refresh_token(&first), &[("scope", "read")]).await;
        let more =
            shop.refresh_with(&server, &refresh_token(&fewer), &[("scope", "read admin")]).await;
        let all = shop.refresh(&server, &refresh_token(&fewer)).await;

        assert_eq!(fewer.body["scope"], "read", "{}", fewer.text);
        assert_eq!(more.error(), (400, "invalid_scope"), "{}", server.engine);
        assert_eq!(all.body["scope"], "read write", "the refused one cost nothing: {}", all.text);
    }
}

#[tokio::test]
async fn rt_03_what_the_first_token_had_not_is_never_refreshed() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let narrow = [("scope", "keys:read"), ("resource", ISSUER)];
        let token = refresh_token(&exchange_with(&server, &secret, &narrow).await);

        let more = refresh_with(&server, &token, &[("scope", "keys:read keys:write")]).await;
        let same = refresh(&server, &token).await;

        assert_eq!(more.error(), (400, "invalid_scope"), "{}", server.engine);
        assert_eq!(same.body["scope"], "keys:read", "{}", same.text);
    }
}

#[tokio::test]
async fn rt_03_what_a_key_may_do_since_is_not_what_was_granted() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let ada = server.user("ada@example.com", &[(acme, "viewer")]).await;
        let new = NewApiKey { roles: None, ..new_key(Owner::User(ada), "ci") };
        let (_, secret) = server.make_key(new).await;
        let first = exchange(&server, &secret).await;

        server.set_role(ada, acme, "owner").await;
        let refreshed = refresh(&server, &refresh_token(&first)).await;
        let exchanged = exchange(&server, &secret).await;

        assert_eq!(refreshed.body["scope"], first.body["scope"], "{}", refreshed.text);
        assert_ne!(exchanged.body["scope"], first.body["scope"], "{}", server.engine);
    }
}

#[tokio::test]
async fn rt_04_a_resource_that_was_named_is_the_only_one() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let shop = Shop::of(&server, acme).await;
        let token = refresh_token(&shop.first(&server).await);

        let other = shop.refresh_with(&server, &token, &[("resource", ISSUER)]).await;
        let unknown = shop.refresh_with(&server, &token, &[("audience", "nowhere")]).await;
        let same = shop.refresh_with(&server, &token, &[("audience", "api")]).await;

        assert_eq!(other.error(), (400, "invalid_target"), "{}", server.engine);
        assert_eq!(unknown.error(), (400, "invalid_target"), "{}", server.engine);
        assert_eq!(server.claims(&same).await["aud"], "api");
    }
}

#[tokio::test]
async fn rt_04_inc_08_a_resource_that_is_gone_is_refreshed_no_more() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let shop = Shop::of(&server, acme).await;
        let token = refresh_token(&shop.first(&server).await);
        let api = "api".parse().unwrap();
        let asker = Asker::keyturn();
        resources::remove(&server.app, &asker, &api, &Expected::Any).await.unwrap();

        let answer = shop.refresh(&server, &token).await;

        assert_eq!(answer.error(), (400, "invalid_target"), "{}", server.engine);
    }
}

#[tokio::test]
async fn ri_06_one_refresh_token_serves_every_resource_where_none_was_named() {
    for server in TestServer::on_each_engine_with(|| for_keys(false)).await {
        let acme = server.acme().await;
        let left = server.suborganization(acme, "left").await;
        let reach = keyturn::domain::Reach::Subtree;
        let new = NewApiKey { reach, ..new_key(Owner::Organization(acme), "ci") };
        let (_, secret) = server.make_key(new).await;
        let token = refresh_token(&exchange_with(&server, &secret, &[]).await);
        let left = left.to_string();

        let own = refresh_with(&server, &token, &[("resource", ISSUER)]).await;
        let api = refresh_with(&server, &token, &[("audience", "api")]).await;
        let below = refresh_with(&server, &token, &[("organizationId", &left)]).await;

        assert_eq!(server.claims(&own).await["aud"], ISSUER);
        assert_eq!(server.claims(&api).await["aud"], "api", "{}", server.engine);
        assert_eq!(server.claims(&below).await["org"], left, "{}", server.engine);
    }
}

#[tokio::test]
async fn an_organization_that_was_named_is_the_only_one() {
    let server = TestServer::with(for_keys(false)).await;
    let acme = server.acme().await;
    let left = server.suborganization(acme, "left").await.to_string();
    let reach = keyturn::domain::Reach::Subtree;
    let new = NewApiKey { reach, ..new_key(Owner::Organization(acme), "ci") };
    let (_, secret) = server.make_key(new).await;
    let named = [("organizationId", left.as_str())];
    let token = refresh_token(&exchange_with(&server, &secret, &named).await);

    let same = refresh(&server, &token).await;
    let own = refresh_with(&server, &token, &[("organizationId", &acme.to_string())]).await;

    assert_eq!(server.claims(&same).await["org"], left);
    assert_eq!(own.error(), (403, "access_denied"));
}

#[tokio::test]
async fn rt_06_unused_for_long_it_is_dead_to_the_second() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let first = refresh_token(&exchange(&server, &secret).await);
        let week = TimeDelta::seconds((7 * DAY).into());

        server.app.clock.advance(week - TimeDelta::seconds(1));
        let in_time = refresh(&server, &first).await;
        server.app.clock.advance(week);
        let too_late = refresh(&server, &refresh_token(&in_time)).await;

        assert_eq!(in_time.status, 200, "{}: {}", server.engine, in_time.text);
        assert_eq!(too_late.error(), (400, "invalid_grant"), "{}", server.engine);
        server.settle().await;
        let reason = server.refusal(&too_late).await.unwrap().reason;
        assert_eq!(reason, "refresh_token_expired");
    }
}

#[tokio::test]
async fn rt_06_no_rotation_moves_the_end_that_was_set_at_first() {
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
        let mut token = refresh_token(&exchange(&server, &secret).await);
        for _ in 0..5 {
            server.app.clock.advance(TimeDelta::days(6));
            server.app.clock.advance(TimeDelta::seconds(-1));
            token = refresh_token(&refresh(&server, &token).await);
        }

        let last = refresh(&server, &token).await;
        server.app.clock.advance(TimeDelta::seconds(5));
        let over = refresh(&server, &refresh_token(&last)).await;

        let claims = server.claims(&last).await;
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 5);
        assert_eq!(over.error(), (400, "invalid_grant"), "{}", server.engine);
        assert!(!works(&server, access_token(&last)).await, "{}", server.engine);
    }
}

#[tokio::test]
async fn a_family_ends_with_the_key_that_it_is_of() {
    let server = TestServer::with(for_keys(true)).await;
    let acme = Owner::Organization(server.acme().await);
    let end = server.app.clock.now() + TimeDelta::days(2);
    let (_, secret) =
        server.make_key(NewApiKey { lifetime: Lifetime::Until(end), ..new_key(acme, "ci") }).await;
    let token = refresh_token(&exchange(&server, &secret).await);

    server.app.clock.advance(TimeDelta::days(2) - TimeDelta::minutes(1));
    let last = refresh(&server, &token).await;
    let late = exchange(&server, &secret).await;
    server.app.clock.advance(TimeDelta::minutes(1));
    let over = refresh(&server, &refresh_token(&last)).await;

    assert_eq!(last.body["expires_in"], 60);
    assert!(late.body.get("refresh_token").is_none(), "it would end with the access token");
    assert_eq!(over.error(), (400, "invalid_grant"));
}

/// What the tokens are derived by changes every quarter.
#[tokio::test]
async fn rt_24_a_family_goes_on_when_the_key_of_its_tokens_has_changed_twice() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let refresh = RefreshTerms { rotates: true, lifetime: 365 * DAY, idle: 365 * DAY };
        let terms = ClientTerms { refresh: Some(refresh), ..shop_terms() };
        let shop = Shop::with(&server, acme, "shop", terms).await;
        let old = refresh_token(&shop.first(&server).await);

        server.app.clock.advance(TimeDelta::days(95));
        let second = shop.refresh(&server, &old).await;
        let newer = refresh_token(&shop.first(&server).await);
        server.app.clock.advance(TimeDelta::days(95));
        let third = shop.refresh(&server, &refresh_token(&second)).await;
        let of_the_newer = shop.refresh(&server, &newer).await;

        for answer in [&second, &third, &of_the_newer] {
            assert_eq!(answer.status, 200, "{}: {}", server.engine, answer.text);
        }
    }
}
