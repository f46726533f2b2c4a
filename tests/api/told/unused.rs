//! Keys that nobody uses are disabled where the operator wants that, and somebody is told.

use chrono::TimeDelta;
use keyturn::{
    domain::{Actor, Expected, Owner, Status},
    manage::{Asker, api_keys, unused::disable_unused},
};

use super::TestServer;
use crate::support::Options;

fn after_30_days() -> Options {
    let mut options = Options::default();
    options.settings.disable_unused_after = Some(TimeDelta::days(30));
    options
}

impl TestServer {
    async fn status(&self, key: &keyturn::domain::ApiKey) -> Status {
        let shown = api_keys::show(&self.app, &Asker::keyturn(), key.id).await.unwrap();
        shown.key.status(self.app.clock.now())
    }
}

#[tokio::test]
async fn a_key_that_nobody_used_made_or_enabled_for_so_long_is_disabled_and_works_no_more() {
    for server in TestServer::on_each_engine_with(after_30_days).await {
        let acme = server.acme().await;
        server.user("ada@acme.test", &[(acme, "owner")]).await;
        let owner = Owner::Organization(acme);
        let (idle, secret) = server.key(owner, "idle").await;
        let (used, used_secret) = server.key(owner, "used").await;
        let (rotated, _) = server.key(owner, "rotated").await;
        let (enabled, _) = server.key(owner, "enabled").await;
        let (locked, _) = server.key(owner, "locked").await;
        let (app, asker) = (&server.app, Asker::keyturn());
        assert_eq!(server.exchange("idle", &secret).await.status, 200);
        server.pass(10);
        let (new, _) = server.key(owner, "new").await;
        assert_eq!(server.exchange("used", &used_secret).await.status, 200);
        server.rotate(rotated.id, TimeDelta::zero()).await;
        server.disable(enabled.id).await;
        api_keys::set_enabled(app, &asker, enabled.id, &Expected::Any, true).await.unwrap();
        api_keys::set_locked(app, &asker, locked.id, &Expected::Any, true).await.unwrap();
        server.settle().await;
        server.pass(21);

        let disabled = disable_unused(app).await.unwrap();

        assert_eq!(disabled, 1, "{}", server.engine);
        assert_eq!(server.status(&idle).await, Status::Disabled, "{}", server.engine);
        for kept in [&used, &rotated, &enabled, &locked, &new] {
            assert_eq!(
                server.status(kept).await,
                Status::Active,
                "{}: {}",
                server.engine,
                kept.name
            );
        }
        assert_eq!(server.exchange("idle", &secret).await.status, 401, "{}", server.engine);
        let mails = server.mails_to("ada@acme.test").await;
        assert_eq!(mails, ["API key idle of acme was disabled because it is unused"]);
        let last = server.audit_trail(&format!("key:{}", idle.id)).await.pop().unwrap();
        assert_eq!((last.actor, &*last.action), (Actor::Keyturn, "api_key.disabled"));
        assert_eq!(last.detail["reason"], "unused", "{}", server.engine);
    }
}

#[tokio::test]
async fn unless_an_operator_asks_for_it_no_key_is_disabled() {
    let server = TestServer::start().await;
    let (key, _) = server.key(Owner::Organization(server.acme().await), "ci").await;
    server.pass(180);

    assert_eq!(disable_unused(&server.app).await.unwrap(), 0);
    assert_eq!(server.status(&key).await, Status::Active);
}

#[tokio::test]
async fn two_nodes_that_look_at_once_disable_each_key_once() {
    for (here, there) in TestServer::pairs_on_each_engine_with(after_30_days).await {
        let acme = here.acme().await;
        here.user("ada@acme.test", &[(acme, "owner")]).await;
        for number in 0..150 {
            here.key(Owner::Organization(acme), &format!("key-{number}")).await;
        }
        for node in [&here, &there] {
            node.pass(31);
        }

        let (one, other) = tokio::join!(disable_unused(&here.app), disable_unused(&there.app));

        assert_eq!(one.unwrap() + other.unwrap(), 150, "{}", here.engine);
        assert_eq!(here.mails_to("ada@acme.test").await.len(), 150, "{}", here.engine);
    }
}
