//! What a public client is given: it proves nothing, so that rotation alone guards it.

use chrono::TimeDelta;

use super::{Shop, access_token, refresh, refresh_token, refresh_with};
use crate::support::TestServer;

#[tokio::test]
async fn rt_01_a_public_client_refreshes_by_its_name_alone() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let app = server.public_app(acme, "app", true).await;
        let first = app.first(&server, None).await;

        let second = app.refresh(&server, None, &refresh_token(&first)).await;
        let third = app.refresh(&server, None, &refresh_token(&second)).await;

        assert_ne!(refresh_token(&third), refresh_token(&second), "{}", server.engine);
        let (claims, before) = (server.claims(&third).await, server.claims(&first).await);
        assert_eq!(claims["client_id"], app.id);
        for same in ["sub", "client_id", "aud", "scope", "src"] {
            assert_eq!(claims[same], before[same], "{} {same}", server.engine);
        }
    }
}

#[tokio::test]
async fn rt_02_what_a_public_client_was_given_is_its_own_although_it_proves_nothing() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let app = server.public_app(acme, "app", true).await;
        let other = server.public_app(acme, "other", true).await;
        let shop = Shop::of(&server, acme).await;
        let token = refresh_token(&app.first(&server, None).await);
        let guessed = [("client_id", app.id.as_str()), ("client_secret", &shop.secret)];

        let unnamed = refresh(&server, &token).await;
        let as_other = other.refresh(&server, None, &token).await;
        let as_shop = shop.refresh(&server, &token).await;
        let as_cli = refresh_with(&server, &token, &[("client_id", "keyturn-cli")]).await;
        let with_secret = refresh_with(&server, &token, &guessed).await;
        let itself = app.refresh(&server, None, &token).await;

        for stranger in [unnamed, as_other, as_shop, as_cli] {
            assert_eq!(stranger.error(), (400, "invalid_grant"), "{}", server.engine);
        }
        assert_eq!(with_secret.error(), (401, "invalid_client"), "{}", server.engine);
        assert_eq!(itself.status, 200, "it took no harm: {}", itself.text);
    }
}

#[tokio::test]
async fn rt_07_reuse_ends_what_a_public_client_was_given() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let api = server.resource_server(acme, "the-api", &["api"]).await;
        let app = server.public_app(acme, "app", true).await;
        let stolen = refresh_token(&app.first(&server, None).await);
        let live = app.refresh(&server, None, &stolen).await;
        server.app.clock.advance(TimeDelta::minutes(1));
        let before = server.introspect(&api, access_token(&live)).await;

        let reused = app.refresh(&server, None, &stolen).await;

        let next = app.refresh(&server, None, &refresh_token(&live)).await;
        let after = server.introspect(&api, access_token(&live)).await;
        assert_eq!(reused.error(), (400, "invalid_grant"), "{}", server.engine);
        assert_eq!(next.error(), (400, "invalid_grant"), "{}", server.engine);
        assert_eq!((&before.body["active"], &after.body["active"]), (&true.into(), &false.into()));
    }
}
