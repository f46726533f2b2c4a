//! A refresh token that comes again: at once it is a lost answer, later it is a thief.

use chrono::TimeDelta;
use keyturn::domain::{Kept, Owner, Retention};
use keyturn::manage::upkeep::Upkeep;

use super::{Shop, access_token, exchange, for_keys, refresh, refresh_token, works};
use crate::support::TestServer;

fn seconds(count: i64) -> TimeDelta {
    TimeDelta::seconds(count)
}

/// A server with the first answer to its key `ci`, on each engine; refresh tokens rotate.
async fn servers() -> Vec<(TestServer, crate::support::Answer, String)> {
    let mut all = Vec::new();
    for server in TestServer::on_each_engine_with(|| for_keys(true)).await {
        let acme = server.acme().await;
        let (key, secret) = server.key(Owner::Organization(acme), "ci").await;
        let first = exchange(&server, &secret).await;
        all.push((server, first, format!("key:{}", key.id)));
    }
    all
}

/// How often a family was ended because one of its tokens was used twice.
async fn reuses(server: &TestServer, subject: &str) -> usize {
    let trail = server.audit_trail(subject).await;
    trail.iter().filter(|event| event.action == "refresh.reused").count()
}

#[tokio::test]
async fn rt_07_reuse_after_the_grace_ends_the_family_and_all_that_it_gave() {
    for (server, first, subject) in servers().await {
        let second = refresh(&server, &refresh_token(&first)).await;
        let before = [&first, &second].map(access_token).map(str::to_owned);
        assert!(works(&server, &before[0]).await && works(&server, &before[1]).await);
        server.app.clock.advance(seconds(30));

        let reused = refresh(&server, &refresh_token(&first)).await;
        let again = refresh(&server, &refresh_token(&first)).await;
        let successor = refresh(&server, &refresh_token(&second)).await;

        for answer in [&reused, &again, &successor] {
            assert_eq!(answer.error(), (400, "invalid_grant"), "{}", server.engine);
        }
        for token in &before {
            assert!(!works(&server, token).await, "{}: its access token works", server.engine);
        }
        assert_eq!(reuses(&server, &subject).await, 1, "{}", server.engine);
        server.settle().await;
        assert_eq!(server.refusal(&reused).await.unwrap().reason, "refresh_token_reused");
        assert_eq!(server.refusal(&successor).await.unwrap().reason, "refresh_token_ended");
    }
}

#[tokio::test]
async fn rt_08_one_that_is_two_uses_old_is_reused_however_quickly() {
    for (server, first, subject) in servers().await {
        let second = refresh(&server, &refresh_token(&first)).await;
        let third = refresh(&server, &refresh_token(&second)).await;

        let reused = refresh(&server, &refresh_token(&first)).await;

        assert_eq!(reused.error(), (400, "invalid_grant"), "{}", server.engine);
        let after = refresh(&server, &refresh_token(&third)).await;
        assert_eq!(after.error(), (400, "invalid_grant"), "{}", server.engine);
        assert_eq!(reuses(&server, &subject).await, 1);
    }
}

#[tokio::test]
async fn rt_09_inc_17_a_lost_answer_costs_nothing_the_successor_is_the_same() {
    for (server, first, subject) in servers().await {
        let token = refresh_token(&first);
        let lost = refresh(&server, &token).await;

        let mut answers = Vec::new();
        for _ in 0..3 {
            server.app.clock.advance(seconds(9));
            answers.push(refresh(&server, &token).await);
        }

        for answer in &answers {
            assert_eq!(answer.status, 200, "{}: {}", server.engine, answer.text);
            assert_eq!(refresh_token(answer), refresh_token(&lost));
        }
        let next = refresh(&server, &refresh_token(&lost)).await;
        assert_eq!(next.status, 200, "{}: {}", server.engine, next.text);
        assert_eq!(reuses(&server, &subject).await, 0);
    }
}

#[tokio::test]
async fn rt_12_inc_25_the_grace_counts_from_the_first_use_and_never_slides() {
    for (server, first, _) in servers().await {
        let token = refresh_token(&first);
        refresh(&server, &token).await;

        server.app.clock.advance(seconds(29));
        let within = refresh(&server, &token).await;
        server.app.clock.advance(seconds(1));
        let after = refresh(&server, &token).await;

        assert_eq!(within.status, 200, "{}: {}", server.engine, within.text);
        assert_eq!(after.error(), (400, "invalid_grant"), "{}", server.engine);
    }
}

#[tokio::test]
async fn rt_13_the_use_of_the_successor_ends_the_grace_at_once() {
    for (server, first, _) in servers().await {
        let second = refresh(&server, &refresh_token(&first)).await;
        refresh(&server, &refresh_token(&second)).await;

        let replayed = refresh(&server, &refresh_token(&second)).await;
        let reused = refresh(&server, &refresh_token(&first)).await;

        assert_eq!(replayed.status, 200, "{}: {}", server.engine, replayed.text);
        assert_eq!(reused.error(), (400, "invalid_grant"), "{}", server.engine);
    }
}

#[tokio::test]
async fn rt_14_inc_25_however_often_it_is_replayed_the_family_lives() {
    let (server, first, _) = servers().await.swap_remove(0);
    let token = refresh_token(&first);
    let second = refresh(&server, &token).await;

    for _ in 0..200 {
        let replayed = refresh(&server, &token).await;
        assert_eq!(refresh_token(&replayed), refresh_token(&second), "one successor is alive");
    }

    assert_eq!(refresh(&server, &refresh_token(&second)).await.status, 200);
}

#[tokio::test]
async fn rt_16_inc_04_rt_23_uses_of_one_second_are_told_apart_and_are_one_row() {
    for (server, first, _) in servers().await {
        let mut token = refresh_token(&first);
        let mut seen = std::collections::BTreeSet::from([token.clone()]);

        for _ in 0..20 {
            token = refresh_token(&refresh(&server, &token).await);
            assert!(seen.insert(token.clone()), "{}: one came twice", server.engine);
        }

        assert_eq!(server.count("refresh_families").await, 1, "{}", server.engine);
        assert_eq!(server.count("used_ids").await, 0, "{}", server.engine);
    }
}

#[tokio::test]
async fn rt_23_a_family_is_kept_for_as_long_as_reuse_is_to_be_noticed() {
    for (server, first, subject) in servers().await {
        let for_ever = Kept { age: None, rows: None };
        let retention = Retention { usage: for_ever, refusals: for_ever, audit: for_ever };
        let mut upkeep = Upkeep::new(retention);
        let mut token = refresh_token(&first);
        for _ in 0..4 {
            server.app.clock.advance(TimeDelta::days(6));
            token = refresh_token(&refresh(&server, &token).await);
        }
        server.app.clock.advance(TimeDelta::days(5));
        upkeep.run(&server.app).await.unwrap();

        let reused = refresh(&server, &refresh_token(&first)).await;
        let kept = server.count("refresh_families").await;
        server.app.clock.advance(TimeDelta::days(1) + TimeDelta::minutes(10) + seconds(1));
        upkeep.run(&server.app).await.unwrap();

        assert_eq!(reused.error(), (400, "invalid_grant"), "{}", server.engine);
        assert_eq!(reuses(&server, &subject).await, 1, "{}", server.engine);
        assert_eq!((kept, server.count("refresh_families").await), (1, 0), "{}", server.engine);
    }
}

#[tokio::test]
async fn fx_54_a_family_that_nobody_used_goes_when_it_ends_by_that() {
    for (server, ..) in servers().await {
        let for_ever = Kept { age: None, rows: None };
        let retention = Retention { usage: for_ever, refusals: for_ever, audit: for_ever };
        let mut upkeep = Upkeep::new(retention);

        server.app.clock.advance(TimeDelta::days(7) + TimeDelta::minutes(10));
        upkeep.run(&server.app).await.unwrap();
        let before = server.count("refresh_families").await;
        server.app.clock.advance(seconds(1));
        upkeep.run(&server.app).await.unwrap();
        let after = server.count("refresh_families").await;

        assert_eq!((before, after), (1, 0), "{}", server.engine);
    }
}

#[tokio::test]
async fn without_grace_the_second_use_is_reuse() {
    let mut options = for_keys(true);
    options.settings.refresh.grace = TimeDelta::zero();
    let server = TestServer::with(options).await;
    let acme = server.acme().await;
    let (_, secret) = server.key(Owner::Organization(acme), "ci").await;
    let token = refresh_token(&exchange(&server, &secret).await);

    let first = refresh(&server, &token).await;
    let second = refresh(&server, &token).await;

    assert_eq!((first.status.as_u16(), second.error()), (200, (400, "invalid_grant")));
}

/// RFC 6749, section 10.4: the family of a client ends as that of a key does.
#[tokio::test]
async fn the_reuse_of_a_clients_token_is_told_in_the_trail_of_its_organization() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let shop = Shop::of(&server, acme).await;
        let token = refresh_token(&shop.first(&server).await);
        shop.refresh(&server, &token).await;
        server.app.clock.advance(seconds(30));

        shop.refresh(&server, &token).await;

        let trail = server.audit_trail(&format!("key:{}", shop.key)).await;
        let event = trail.iter().find(|event| event.action == "refresh.reused").unwrap();
        assert_eq!(event.organization_id, Some(acme), "{}", server.engine);
        assert_eq!(event.detail["client"], shop.id);
        assert_eq!(
            (&event.detail["generation"], &event.detail["live_generation"]),
            (&1.into(), &2.into())
        );
    }
}
