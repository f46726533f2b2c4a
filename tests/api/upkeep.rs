//! What keyturn does by itself every minute, as far as whoever asks for things can tell.

use chrono::TimeDelta;
use keyturn::{
    domain::{Kept, Once, Owner, Retention},
    manage::{
        Asker, Made, Rejection,
        api_keys::{self, NewApiKey},
        upkeep::Upkeep,
    },
};

use crate::support::{TestServer, new_key};

#[tokio::test]
async fn a_request_sent_again_within_a_day_makes_nothing_new() {
    for server in TestServer::on_each_engine().await {
        let (app, acme) = (&server.app, Owner::Organization(server.acme().await));
        let asker = Asker::operator("ada");
        let for_ever = Kept { age: None, rows: None };
        let retention = Retention { usage: for_ever, refusals: for_ever, audit: for_ever };
        let mut upkeep = Upkeep::new(retention);
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
        upkeep.run(app).await.unwrap();
        let within_a_day = create(&once).await.unwrap();
        let other_request = create(&other).await.err();
        app.clock.advance(TimeDelta::seconds(1));
        upkeep.run(app).await.unwrap();
        let later = create(&once).await.err();

        assert!(is_new, "{}", server.engine);
        assert_eq!(within_a_day, (false, id), "{}", server.engine);
        assert!(matches!(other_request, Some(Rejection::OtherRequest)), "{other_request:?}");
        assert!(matches!(later, Some(Rejection::NameTaken(_))), "it is forgotten: {later:?}");
    }
}
