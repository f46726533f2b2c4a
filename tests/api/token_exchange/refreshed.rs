//! Refresh tokens that an exchange gave, and as subject tokens: TX-05, TX-15, TX-16; RI-03, RI-06;
//! INC-08.

use keyturn::{
    domain::{Expected, RefreshTerms, Source},
    manage::{Asker, resources},
    store,
};

use super::{
    ACCESS_TOKEN, Party, REFRESH_TOKEN, World, exchange, party, refreshing, rule, standing,
    token_of, token_of_key, verified,
};
use crate::support::{Answer, OAUTH, TestServer};

async fn refresh(server: &TestServer, by: &Party, token: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    form.extend(by.credentials());
    form.extend(more);
    server.post(OAUTH, &form).await
}

/// A client that may have both resources, and the answer by which it got a refresh token.
async fn given(world: &World) -> (Party, Answer) {
    let rules = vec![rule("urn:api", true), rule("urn:other", true)];
    let party = party(&world.server, world.acme, "app", refreshing(rules)).await;
    let answer = party.exchanges(&world.server, world.secret.reveal(), &[]).await;
    (party, answer)
}

fn refresh_token(answer: &Answer) -> String {
    let token = answer.body["refresh_token"].as_str();
    token.unwrap_or_else(|| panic!("no refresh token: {}", answer.text)).to_owned()
}

#[tokio::test]
async fn tx_06_a_refresh_token_that_does_not_rotate_is_exchanged_by_its_client() {
    for world in World::on_each_engine().await {
        let server = &world.server;
        let (app, answer) = given(&world).await;
        let rules = refreshing(vec![rule("urn:api", true)]);
        let other = party(server, world.acme, "other", rules).await;
        let token = refresh_token(&answer);
        let subject = (&*token, REFRESH_TOKEN);

        let stolen = exchange(server, subject, &other.credentials()).await;
        let nobody = exchange(server, subject, &[]).await;
        let narrow = [&app.credentials()[..], &[("scope", "read")]].concat();
        let narrow = exchange(server, subject, &narrow).await;
        let successor = refresh(server, &app, &token, &[]).await;
        let as_access = app.exchanges(server, &refresh_token(&successor), &[]).await;

        assert_eq!(stolen.error(), (400, "invalid_request"), "{}", server.engine);
        assert_eq!(nobody.error(), (400, "invalid_request"));
        assert_eq!(narrow.body["scope"], "read", "{}", narrow.text);
        assert!(narrow.body["refresh_token"].is_null(), "one family is enough");
        assert_eq!(successor.status, 200, "not used up, not harmed: {}", successor.text);
        assert_eq!(as_access.error(), (400, "invalid_request"), "it is no access token");
    }
}

/// A thief could use it again and again, and nobody would notice.
#[tokio::test]
async fn fx_09_a_refresh_token_that_rotates_is_not_exchanged() {
    for world in World::on_each_engine().await {
        let server = &world.server;
        let mut terms = refreshing(vec![rule("urn:api", true)]);
        terms.refresh = terms.refresh.map(|terms| RefreshTerms { rotates: true, ..terms });
        let app = party(server, world.acme, "app", terms).await;
        let answer = app.exchanges(server, world.secret.reveal(), &[]).await;
        let token = refresh_token(&answer);
        let subject = (&*token, REFRESH_TOKEN);

        let refused = exchange(server, subject, &app.credentials()).await;
        let second = refresh(server, &app, &token, &[]).await;
        let third = refresh(server, &app, &refresh_token(&second), &[]).await;
        let again = exchange(server, subject, &app.credentials()).await;
        let after = refresh(server, &app, &refresh_token(&third), &[]).await;

        assert_eq!(refused.error(), (400, "invalid_request"), "{}", server.engine);
        let told = refused.body["error_description"].as_str().unwrap();
        assert!(told.contains("grant_type=refresh_token"), "{told}");
        assert_eq!((second.status.as_u16(), third.status.as_u16()), (200, 200), "not used up");
        assert_eq!(again.error(), (400, "invalid_request"), "{}", server.engine);
        assert_eq!(after.error(), (400, "invalid_grant"), "reuse is noticed here, too");
    }
}

#[tokio::test]
async fn tx_15_what_came_from_a_refresh_token_ends_with_its_family() {
    for world in World::on_each_engine().await {
        let server = &world.server;
        let (app, answer) = given(&world).await;
        let subject = refresh_token(&answer);
        let form = app.credentials();
        let token = token_of(&exchange(server, (&subject, REFRESH_TOKEN), &form).await);
        let again = token_of(&app.exchanges(server, &token, &[]).await);
        let is_family = |source: &&Source| matches!(source, Source::Family(_));
        let sources = verified(server, &token).sources;
        let Some(Source::Family(family)) = sources.iter().find(is_family) else {
            panic!("{sources:?}")
        };
        assert!(standing(server, &again).await.is_some());

        let mut tx = server.app.store.write().await.unwrap();
        let now = server.app.clock.now();
        assert!(store::refresh_families::end(&mut tx, *family, now).await.unwrap());
        server.app.commit(tx).await.unwrap();

        for token in [&token, &again] {
            assert!(standing(server, token).await.is_none(), "{}", server.engine);
        }
    }
}

/// INC-08: what is no target any more is none for those who were there before.
#[tokio::test]
async fn tx_16_ri_03_ri_06_a_refresh_is_for_what_was_granted_and_still_is() {
    for world in World::on_each_engine().await {
        let server = &world.server;
        server.resource("urn:third", "read").await;
        let (app, answer) = given(&world).await;

        let other = [("resource", "urn:other")];
        let other = refresh(server, &app, &refresh_token(&answer), &other).await;
        let third = [("resource", "urn:third")];
        let third = refresh(server, &app, &refresh_token(&other), &third).await;
        let (asker, api) = (Asker::keyturn(), "urn:api".parse().unwrap());
        resources::remove(&server.app, &asker, &api, &Expected::Any).await.unwrap();
        let api = [("resource", "urn:api")];
        let removed = refresh(server, &app, &refresh_token(&other), &api).await;
        server.revoke(world.key.id).await;
        let revoked = refresh(server, &app, &refresh_token(&other), &[]).await;

        assert_eq!(server.claims(&other).await["aud"], "urn:other", "{}", server.engine);
        assert_eq!(third.error(), (400, "invalid_target"));
        assert_eq!(removed.error(), (400, "invalid_target"));
        assert_eq!(revoked.error(), (400, "invalid_grant"));
    }
}

#[tokio::test]
async fn tx_08_a_refresh_token_never_outlives_the_token_that_was_exchanged_for_it() {
    let world = World::new().await;
    let (app, _) = given(&world).await;
    let token = token_of_key(&world.server, &world.secret).await;

    let form = app.credentials();
    let answer = exchange(&world.server, (&token, ACCESS_TOKEN), &form).await;

    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.body["refresh_token"].is_null(), "it would end with the access token");
}

#[tokio::test]
async fn tx_15_a_refresh_token_gives_what_rules_of_exchange_are_left() {
    for world in World::on_each_engine().await {
        let server = &world.server;
        let (app, answer) = given(&world).await;
        let api = [("resource", "urn:api")];
        let other = [("resource", "urn:other")];
        let first = refresh(server, &app, &refresh_token(&answer), &other).await;

        app.change(server, |it| it.terms.exchanges = vec![rule("urn:api", true)]).await;
        let is_over = standing(server, &token_of(&first)).await.is_none();
        let gone = refresh(server, &app, &refresh_token(&first), &other).await;
        let left = refresh(server, &app, &refresh_token(&first), &api).await;
        app.change(server, |it| it.terms.exchanges.clear()).await;
        let nothing = refresh(server, &app, &refresh_token(&left), &api).await;

        assert!(is_over, "{}", server.engine);
        assert_eq!(gone.error(), (400, "invalid_target"), "{}", server.engine);
        assert_eq!(left.status, 200, "{}: {}", server.engine, left.text);
        assert_eq!(nothing.error(), (400, "invalid_grant"), "{}", server.engine);
    }
}
