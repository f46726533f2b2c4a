//! What keyturn does by itself every minute: no table grows for ever.

use chrono::TimeDelta;
use keyturn::{
    domain::{Once, Owner},
    manage::{
        Asker, Made, Rejection,
        api_keys::{self, NewApiKey},
        audit_trail::{self, Chain},
        upkeep::{Retention, upkeep},
    },
};

use crate::support::{TestServer, new_key};

fn retention(audit: Option<TimeDelta>) -> Retention {
    Retention { usage: TimeDelta::days(90), refusals: TimeDelta::days(30), audit }
}

async fn whole(server: &TestServer) -> i64 {
    match audit_trail::verify(&server.app, &Asker::keyturn()).await.unwrap() {
        Chain::Whole { events, .. } => events,
        broken => panic!("{broken:?}"),
    }
}

#[tokio::test]
async fn a_request_sent_again_within_a_day_makes_nothing_new() {
    for server in TestServer::on_each_engine().await {
        let (app, acme) = (&server.app, Owner::Organization(server.acme().await));
        let asker = Asker::operator("ada".to_owned());
        let once = Once::new("again", &[b"request"]).unwrap();
        let other = Once::new("again", &[b"another request"]).unwrap();
        let create = async |once: &Once| {
            let new = NewApiKey { ..new_key(acme, "ci") };
            let made = api_keys::create_once(app, &asker, new, once).await;
            made.map(|made| match made {
                Made::New(created) => (true, created.key.id),
                Made::Before(key) => (false, key.id),
            })
        };

        let (is_new, id) = create(&once).await.unwrap();
        app.clock.advance(TimeDelta::hours(24));
        upkeep(app, retention(None)).await.unwrap();
        let within_a_day = create(&once).await.unwrap();
        let other_request = create(&other).await.err();
        app.clock.advance(TimeDelta::seconds(1));
        upkeep(app, retention(None)).await.unwrap();
        let later = create(&once).await.err();

        assert!(is_new, "{}", server.engine);
        assert_eq!(within_a_day, (false, id), "{}", server.engine);
        assert!(matches!(other_request, Some(Rejection::OtherRequest)), "{other_request:?}");
        assert!(matches!(later, Some(Rejection::NameTaken(_))), "it is forgotten: {later:?}");
    }
}

#[tokio::test]
async fn the_audit_trail_is_kept_as_long_as_was_said() {
    for server in TestServer::on_each_engine().await {
        let (app, acme) = (&server.app, Owner::Organization(server.acme().await));
        let week = TimeDelta::days(7);
        let old = whole(&server).await;
        app.clock.advance(TimeDelta::seconds(1));
        server.key(acme, "ci").await;
        app.clock.advance(week);

        upkeep(app, retention(None)).await.unwrap();
        let for_ever = whole(&server).await;
        upkeep(app, retention(Some(week))).await.unwrap();
        let a_week = whole(&server).await;
        server.key(acme, "other").await;

        assert_eq!((for_ever, a_week), (old + 1, 1), "{}", server.engine);
        assert_eq!(whole(&server).await, 2, "the chain goes on");
    }
}
