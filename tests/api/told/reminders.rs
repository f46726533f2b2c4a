//! The end of a key is announced to those who answer for it, in time and once.

use chrono::TimeDelta;
use keyturn::{
    domain::{Expected, Lifetime, Owner, Recipient},
    manage::{Asker, api_keys, reminders::remind},
};

use serde_json::json;

use super::TestServer;
use crate::{
    peers::{Reaction, Receiver},
    support::{Options, new_key},
};

#[tokio::test]
async fn the_end_of_a_key_is_announced_four_times_ahead_and_each_time_once() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        server.user("ada@acme.test", &[(acme, "owner")]).await;
        server.user("bob@acme.test", &[(acme, "manager")]).await;
        server.key_for(Owner::Organization(acme), "ci", 60).await;
        let mut announced = Vec::new();

        for _ in 0..60 {
            // As often as nodes start and hours pass.
            announced.push(remind(&server.app).await.unwrap() + remind(&server.app).await.unwrap());
            server.pass(1);
        }

        assert_eq!(announced.iter().sum::<u64>(), 4, "{}", server.engine);
        let days: Vec<_> = (0_i64..).zip(announced).filter(|(_, told)| *told > 0).collect();
        assert_eq!(days, [(30, 1), (46, 1), (53, 1), (59, 1)], "{}", server.engine);
        let expected = [
            "API key ci of acme expires in 1 day",
            "API key ci of acme expires in 14 days",
            "API key ci of acme expires in 30 days",
            "API key ci of acme expires in 7 days",
        ];
        assert_eq!(server.mails_to("ada@acme.test").await, expected, "{}", server.engine);
        assert!(server.mails_to("bob@acme.test").await.is_empty(), "{}", server.engine);
    }
}

#[tokio::test]
async fn of_announcements_that_were_missed_only_the_nearest_is_made() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    server.user("ada@acme.test", &[(acme, "owner")]).await;
    server.key_for(Owner::Organization(acme), "ci", 60).await;
    server.pass(55);

    remind(&server.app).await.unwrap();

    assert_eq!(server.mails_to("ada@acme.test").await, ["API key ci of acme expires in 5 days"]);
}

#[tokio::test]
async fn a_key_is_not_announced_as_far_ahead_as_it_was_made_for() {
    for (lifetime, expected) in [(1, 0), (2, 1), (5, 1), (7, 1), (14, 2), (30, 3), (32, 4)] {
        let server = TestServer::start().await;
        server.key_for(Owner::Organization(server.acme().await), "short", lifetime).await;
        let mut announced = remind(&server.app).await.unwrap();
        assert_eq!(announced, 0, "{lifetime}: its maker knows");

        for _ in 0..lifetime {
            server.pass(1);
            announced += remind(&server.app).await.unwrap();
        }

        assert_eq!(announced, expected, "{lifetime}");
    }
}

#[tokio::test]
async fn keys_that_nobody_can_use_and_keys_without_an_end_are_not_announced() {
    let server = TestServer::start().await;
    let owner = Owner::Organization(server.acme().await);
    let (asker, app) = (Asker::keyturn(), &server.app);
    let revoked = server.key_for(owner, "revoked", 40).await;
    let disabled = server.key_for(owner, "disabled", 40).await;
    let new = api_keys::NewApiKey { lifetime: Lifetime::Never, ..new_key(owner, "endless") };
    server.make_key(new).await;
    server.key_for(owner, "ended", 20).await;
    server.pass(20);

    server.revoke(revoked.id).await;
    server.disable(disabled.id).await;
    let while_disabled = remind(app).await.unwrap();
    api_keys::set_enabled(app, &asker, disabled.id, &Expected::Any, true).await.unwrap();
    let when_enabled = remind(app).await.unwrap();

    assert_eq!((while_disabled, when_enabled), (0, 1));
}

#[tokio::test]
async fn a_key_that_ends_at_another_time_than_was_announced_is_announced_again() {
    let mut options = Options::default();
    options.settings.keys.expiry_may_change = true;
    let server = TestServer::with(options).await;
    let key = server.key_for(Owner::Organization(server.acme().await), "ci", 40).await;
    server.pass(35);
    assert_eq!(remind(&server.app).await.unwrap(), 1);

    let later = Lifetime::Until(server.app.clock.now() + TimeDelta::days(6));
    let edit = api_keys::Edit { lifetime: Some(later), ..Default::default() };
    let asker = Asker::keyturn();
    api_keys::update(&server.app, &asker, key.id, &Expected::Any, edit).await.unwrap();

    assert_eq!(remind(&server.app).await.unwrap(), 1);
}

#[tokio::test]
async fn where_an_organization_has_no_owner_those_above_it_are_told() {
    for server in TestServer::on_each_engine().await {
        let acme = server.acme().await;
        let team = server.suborganization(acme, "team").await;
        let leaf = server.suborganization(team, "leaf").await;
        server.user("root@acme.test", &[(acme, "owner")]).await;
        let ada = server.user("ada@acme.test", &[(team, "owner")]).await;
        server.user("bob@acme.test", &[(leaf, "viewer")]).await;
        server.key_for(Owner::Organization(leaf), "ci", 40).await;
        server.pass(33);
        remind(&server.app).await.unwrap();

        server.enable_user(ada, false).await;
        server.pass(6);
        remind(&server.app).await.unwrap();

        let (week, day) = (
            "API key ci of acme/team/leaf expires in 7 days",
            "API key ci of acme/team/leaf expires in 1 day",
        );
        assert_eq!(server.mails_to("ada@acme.test").await, [week], "{}", server.engine);
        assert_eq!(server.mails_to("root@acme.test").await, [day], "{}", server.engine);
        assert!(server.mails_to("bob@acme.test").await.is_empty(), "{}", server.engine);
    }
}

#[tokio::test]
async fn of_a_users_key_the_user_is_told() {
    let server = TestServer::start().await;
    let acme = server.acme().await;
    server.user("root@acme.test", &[(acme, "owner")]).await;
    let ada = server.user("ada@acme.test", &[(acme, "viewer")]).await;
    server.key_for(Owner::User(ada), "mine", 40).await;
    server.pass(39);

    remind(&server.app).await.unwrap();

    assert_eq!(server.mails_to("ada@acme.test").await, ["API key mine expires in 1 day"]);
    assert!(server.mails_to("root@acme.test").await.is_empty());
}

#[tokio::test]
async fn two_nodes_that_announce_at_once_announce_each_end_once() {
    for (here, there) in TestServer::pairs_on_each_engine().await {
        let acme = here.acme().await;
        here.user("ada@acme.test", &[(acme, "owner")]).await;
        for number in 0..50 {
            here.key_for(Owner::Organization(acme), &format!("key-{number}"), 40).await;
        }
        for node in [&here, &there] {
            node.pass(33);
        }

        let (one, other) = tokio::join!(remind(&here.app), remind(&there.app));

        assert_eq!(one.unwrap() + other.unwrap(), 50, "{}", here.engine);
        assert_eq!(here.mails_to("ada@acme.test").await.len(), 50, "{}", here.engine);
    }
}

#[tokio::test]
async fn the_webhooks_from_the_organization_to_the_root_hear_of_it() {
    for server in TestServer::on_each_engine().await {
        let receiver = Receiver::start(Reaction::status(204));
        let acme = server.acme().await;
        let team = server.suborganization(acme, "team").await;
        let other = server.suborganization(acme, "other").await;
        let above = server.webhook(acme, &receiver).await;
        let own = server.webhook(team, &receiver).await;
        let beside = server.webhook(other, &receiver).await;
        let key = server.key_for(Owner::Organization(team), "ci", 40).await;
        server.pass(33);

        remind(&server.app).await.unwrap();
        server.deliver().await;

        assert_eq!(receiver.received().len(), 2, "{}", server.engine);
        for (webhook, count) in [(above, 1), (own, 1), (beside, 0)] {
            let fates = server.fates(&Recipient::Webhook(webhook.id)).await;
            assert_eq!(fates.len(), count, "{}", server.engine);
        }
        let expected = json!({
            "type": "api_key.expires_soon",
            "timestamp": "2027-02-17T08:00:00Z",
            "data": {
                "api_key": {
                    "id": key.id,
                    "name": "ci",
                    "organization_id": team,
                    "organization": "acme/team",
                    "expires_at": "2027-02-24T08:00:00Z",
                },
                "days": 7,
            },
        });
        assert_eq!(receiver.received()[0].json(), expected, "{}", server.engine);
    }
}
