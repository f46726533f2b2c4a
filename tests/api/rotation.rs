//! A key gets a new secret while the old one still works, and nobody is locked out or let in.

use chrono::TimeDelta;
use keyturn::{
    clock::Timestamp,
    domain::{ApiKey, ApiKeyId, Expected, Lifetime, Owner, Secret},
    manage::{
        Asker, Rejection,
        api_keys::{self, Edit, NewApiKey, OldSecret, Rotated, Rotation},
    },
    store,
};

use crate::support::{TestServer, new_key};

const ANY: &Expected = &Expected::Any;

fn week() -> TimeDelta {
    TimeDelta::days(7)
}

async fn rotate(
    server: &TestServer,
    id: ApiKeyId,
    old_secret: OldSecret,
    lifetime: Option<Lifetime>,
) -> Result<Rotated, Rejection> {
    let rotation = Rotation { old_secret, lifetime, force: true };
    api_keys::rotate(&server.app, &Asker::keyturn(), id, ANY, rotation).await
}

async fn set_end(server: &TestServer, id: ApiKeyId, end: Timestamp) -> Result<ApiKey, Rejection> {
    api_keys::set_rotation_end(&server.app, &Asker::keyturn(), id, ANY, end).await
}

/// Which of these secrets are exchanged now.
async fn work<const N: usize>(server: &TestServer, secrets: [&Secret; N]) -> [bool; N] {
    let mut outcomes = [false; N];
    for (outcome, secret) in outcomes.iter_mut().zip(secrets) {
        *outcome = server.exchange("ci", secret).await.status == 200;
    }
    outcomes
}

/// How many secrets of the key are not dead.
async fn living(server: &TestServer, id: ApiKeyId) -> usize {
    let mut tx = server.app.store.read().await.unwrap();
    let secrets = store::api_key_secrets::of_key(&mut tx, id).await.unwrap();
    secrets.iter().filter(|secret| secret.is_live(server.app.clock.now())).count()
}

/// A server of each engine with the key `ci` of an organization.
async fn keys() -> Vec<(TestServer, ApiKey, Secret)> {
    let mut keys = Vec::new();
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, secret) = server.key(acme, "ci").await;
        keys.push((server, key, secret));
    }
    keys
}

/// Lets time pass as long as nobody looks away from the feed.
async fn wait(server: &TestServer, span: TimeDelta) {
    server.app.clock.advance(span);
    server.app.catch_up().await.unwrap();
}

#[tokio::test]
async fn kx_10_the_old_secret_dies_when_its_owner_said() {
    for end in ["at once", "in the past", "in a week", "at a moment"] {
        for (server, key, old) in keys().await {
            let now = server.app.clock.now();
            let (old_secret, span) = match end {
                "at once" => (OldSecret::DiesAfter(TimeDelta::zero()), TimeDelta::zero()),
                "in the past" => (OldSecret::DiesAt(now - week()), TimeDelta::zero()),
                "in a week" => (OldSecret::DiesAfter(week()), week()),
                _ => (OldSecret::DiesAt(now + TimeDelta::hours(3)), TimeDelta::hours(3)),
            };

            let rotated = rotate(&server, key.id, old_secret, None).await.unwrap();
            let at_first = work(&server, [&old, &rotated.secret]).await;
            wait(&server, (span - TimeDelta::seconds(1)).max(TimeDelta::zero())).await;
            let just_before = work(&server, [&old, &rotated.secret]).await;
            wait(&server, TimeDelta::seconds(1)).await;
            let after = work(&server, [&old, &rotated.secret]).await;

            let lives = !span.is_zero();
            assert_eq!(rotated.old_secret_dies_at, Some(now + span), "{} {end}", server.engine);
            assert_eq!(at_first, [lives, true], "{} {end}", server.engine);
            assert_eq!(just_before, [lives, true], "{} {end}", server.engine);
            assert_eq!(after, [false, true], "{} {end}", server.engine);
        }
    }
}

#[tokio::test]
async fn kx_10_more_than_a_week_is_refused_and_nothing_is_changed() {
    for (server, key, old) in keys().await {
        let second = TimeDelta::seconds(1);
        let latest = server.app.clock.now() + week();

        let span = rotate(&server, key.id, OldSecret::DiesAfter(week() + second), None).await;
        let for_ever = rotate(&server, key.id, OldSecret::DiesAfter(TimeDelta::MAX), None).await;
        let moment = rotate(&server, key.id, OldSecret::DiesAt(latest + second), None).await;

        for refused in [span, for_ever, moment] {
            let told = matches!(refused, Err(Rejection::GraceTooLong(end)) if end == latest);
            assert!(told, "{}: {refused:?}", server.engine);
        }
        assert_eq!(living(&server, key.id).await, 1);
        assert_eq!(work(&server, [&old]).await, [true]);
    }
}

#[tokio::test]
async fn kx_10_a_rotated_key_is_the_same_key() {
    for (server, key, _) in keys().await {
        let edit = Edit { description: Some("nightly".parse().unwrap()), ..Edit::default() };
        let asker = Asker::keyturn();
        let key = api_keys::update(&server.app, &asker, key.id, ANY, edit).await.unwrap();

        let rotated = rotate(&server, key.id, OldSecret::DiesAfter(week()), None).await.unwrap();

        let version = keyturn::domain::Version(key.version.0 + 1);
        assert_eq!(rotated.key, ApiKey { version, ..key }, "{}", server.engine);
    }
}

/// All within one second, and with time between them.
#[tokio::test]
async fn kx_10_of_all_its_secrets_only_the_last_two_work() {
    for pause in [TimeDelta::zero(), TimeDelta::hours(1)] {
        for (server, key, first) in keys().await {
            let mut secrets = vec![first];
            for _ in 0..6 {
                wait(&server, pause).await;
                let rotated = rotate(&server, key.id, OldSecret::DiesAfter(week()), None).await;
                secrets.push(rotated.unwrap().secret);

                let working =
                    work(&server, [&secrets[secrets.len() - 2], &secrets[secrets.len() - 1]]);
                assert_eq!(working.await, [true, true], "{} {pause}", server.engine);
                for older in &secrets[..secrets.len() - 2] {
                    assert_eq!(work(&server, [older]).await, [false], "{} {pause}", server.engine);
                }
                assert_eq!(living(&server, key.id).await, 2);
            }
            let last = rotate(&server, key.id, OldSecret::DiesAfter(TimeDelta::zero()), None).await;
            assert_eq!(living(&server, key.id).await, 1, "{} {pause}", server.engine);
            assert_eq!(work(&server, [&last.unwrap().secret]).await, [true]);
        }
    }
}

#[tokio::test]
async fn kx_10_an_expired_key_needs_a_new_end_and_its_old_secrets_stay_dead() {
    for (server, key, first) in keys().await {
        let second = server.rotate(key.id, week()).await;
        let end = key.expires_at.unwrap();
        wait(&server, end - server.app.clock.now()).await;
        let new_end = end + TimeDelta::days(30);

        let unsaid = rotate(&server, key.id, OldSecret::DiesAfter(week()), None).await;
        let lifetime = Some(Lifetime::Until(new_end));
        let rotated =
            rotate(&server, key.id, OldSecret::DiesAfter(week()), lifetime).await.unwrap();
        let revived = set_end(&server, key.id, server.app.clock.now() + TimeDelta::hours(1)).await;

        assert!(matches!(unsaid, Err(Rejection::Expired)), "{}: {unsaid:?}", server.engine);
        assert_eq!(rotated.key.expires_at, Some(new_end), "{}", server.engine);
        assert_eq!(rotated.old_secret_dies_at, None, "none worked any more");
        let working = work(&server, [&first, &second, &rotated.secret]).await;
        assert_eq!(working, [false, false, true], "{}", server.engine);
        assert!(matches!(revived, Err(Rejection::NotRotating)), "{revived:?}");
        assert_eq!(living(&server, key.id).await, 1);
    }
}

#[tokio::test]
async fn kx_10_an_old_secret_gains_nothing_from_the_new_end_of_its_key() {
    for server in TestServer::on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let end = server.app.clock.now() + TimeDelta::hours(2);
        let new = NewApiKey { lifetime: Lifetime::Until(end), ..new_key(acme, "ci") };
        let (key, old) = server.make_key(new).await;

        let lifetime = Some(Lifetime::Never);
        let rotated =
            rotate(&server, key.id, OldSecret::DiesAfter(week()), lifetime).await.unwrap();
        wait(&server, TimeDelta::hours(2) - TimeDelta::seconds(1)).await;
        let before = work(&server, [&old, &rotated.secret]).await;
        wait(&server, TimeDelta::seconds(1)).await;
        let after = work(&server, [&old, &rotated.secret]).await;

        assert_eq!(rotated.old_secret_dies_at, Some(end), "{}", server.engine);
        assert_eq!(rotated.key.expires_at, None);
        assert_eq!((before, after), ([true, true], [false, true]), "{}", server.engine);
    }
}

#[tokio::test]
async fn kx_10_a_rotation_is_finished_early() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, old) = server.key(acme, "ci").await;
        let new = server.rotate(key.id, week()).await;
        other.app.catch_up().await.unwrap();
        assert_eq!(work(&other, [&old, &new]).await, [true, true], "{}", server.engine);

        set_end(&server, key.id, server.app.clock.now() - TimeDelta::hours(1)).await.unwrap();
        let here = work(&server, [&old, &new]).await;
        other.app.catch_up().await.unwrap();
        let there = work(&other, [&old, &new]).await;
        let again = set_end(&server, key.id, server.app.clock.now()).await;

        assert_eq!((here, there), ([false, true], [false, true]), "{}", server.engine);
        assert!(matches!(again, Err(Rejection::NotRotating)), "{again:?}");
    }
}

#[tokio::test]
async fn kx_10_a_rotation_is_extended_to_a_week_after_it_began() {
    for (server, key, old) in keys().await {
        let latest = server.app.clock.now() + week();
        let new = server.rotate(key.id, TimeDelta::hours(1)).await;
        wait(&server, TimeDelta::minutes(59)).await;

        let too_long = set_end(&server, key.id, latest + TimeDelta::seconds(1)).await;
        set_end(&server, key.id, latest).await.unwrap();
        wait(&server, TimeDelta::days(6)).await;
        let extended = work(&server, [&old, &new]).await;
        wait(&server, TimeDelta::days(1)).await;
        let over = work(&server, [&old, &new]).await;
        let revived = set_end(&server, key.id, latest + TimeDelta::days(1)).await;

        let told = matches!(too_long, Err(Rejection::GraceTooLong(end)) if end == latest);
        assert!(told, "{}: {too_long:?}", server.engine);
        assert_eq!((extended, over), ([true, true], [false, true]), "{}", server.engine);
        assert!(matches!(revived, Err(Rejection::NotRotating)), "what is dead stays dead");
    }
}

#[tokio::test]
async fn a_key_that_was_never_rotated_has_no_rotation_to_end() {
    for (server, key, secret) in keys().await {
        let outcome = set_end(&server, key.id, server.app.clock.now()).await;

        assert!(matches!(outcome, Err(Rejection::NotRotating)), "{}", server.engine);
        assert_eq!(work(&server, [&secret]).await, [true]);
    }
}

#[tokio::test]
async fn a_rotation_revives_no_key_that_was_stopped() {
    for (server, key, secret) in keys().await {
        let acme = key.owner;
        let (disabled, _) = server.key(acme, "disabled").await;
        server.disable(disabled.id).await;
        server.revoke(key.id).await;

        let revoked = rotate(&server, key.id, OldSecret::DiesAfter(week()), None).await;
        let rotated = server.rotate(disabled.id, TimeDelta::hours(1)).await;
        let answer = server.exchange("disabled", &rotated).await;

        assert!(matches!(revoked, Err(Rejection::Revoked)), "{}: {revoked:?}", server.engine);
        assert_eq!(work(&server, [&secret]).await, [false]);
        assert_eq!(answer.body["error_description"], "the key is disabled");
    }
}

#[tokio::test]
async fn a_revoked_key_was_revoked_once() {
    for (server, key, _) in keys().await {
        let moment = server.app.clock.now();
        server.revoke(key.id).await;
        wait(&server, TimeDelta::hours(1)).await;
        server.revoke(key.id).await;

        let kept = api_keys::show(&server.app, &Asker::keyturn(), key.id).await.unwrap();
        let trail = server.audit_trail(&format!("key:{}", key.id)).await;

        assert_eq!(kept.key.revoked_at, Some(moment), "{}", server.engine);
        let actions: Vec<_> = trail.iter().map(|event| &*event.action).collect();
        assert_eq!(actions, ["api_key.created", "api_key.revoked"]);
    }
}

#[tokio::test]
async fn a_locked_key_works_and_nothing_of_it_is_changed() {
    for (server, key, old) in keys().await {
        let (app, asker, id) = (&server.app, Asker::keyturn(), key.id);
        let new = server.rotate(id, week()).await;
        let key = api_keys::set_locked(app, &asker, id, ANY, true).await.unwrap();

        let refusals = [
            rotate(&server, id, OldSecret::DiesAfter(week()), None).await.map(drop),
            set_end(&server, id, app.clock.now()).await.map(drop),
            api_keys::update(app, &asker, id, ANY, Edit::default()).await.map(drop),
            api_keys::set_enabled(app, &asker, id, ANY, false).await.map(drop),
            api_keys::revoke(app, &asker, id, ANY).await.map(drop),
            api_keys::delete(app, &asker, id, ANY).await,
        ];
        let kept = api_keys::show(app, &asker, id).await.unwrap().key;
        let working = work(&server, [&old, &new]).await;
        let again = api_keys::set_locked(app, &asker, id, ANY, true).await.unwrap();
        let unlocked = api_keys::set_locked(app, &asker, id, ANY, false).await.unwrap();

        for refused in refusals {
            assert!(matches!(refused, Err(Rejection::Locked)), "{}: {refused:?}", server.engine);
        }
        assert_eq!(kept, key, "{}", server.engine);
        assert_eq!(working, [true, true], "{}", server.engine);
        assert_eq!(again.version, key.version, "locking twice is locking once");
        assert_eq!(unlocked.locked_at, None);
        api_keys::delete(app, &asker, id, ANY).await.unwrap();
    }
}

#[tokio::test]
async fn a_deleted_key_is_unknown_and_its_name_is_free() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (key, old) = server.key(acme, "ci").await;
        let rotated = server.rotate(key.id, week()).await;
        other.app.catch_up().await.unwrap();
        assert_eq!(work(&other, [&old, &rotated]).await, [true, true]);

        api_keys::delete(&server.app, &Asker::keyturn(), key.id, ANY).await.unwrap();
        let here = work(&server, [&old, &rotated]).await;
        other.app.catch_up().await.unwrap();
        let there = work(&other, [&old, &rotated]).await;
        let (new, secret) = server.key(acme, "ci").await;
        let anew = work(&server, [&old, &secret]).await;

        assert_eq!((here, there), ([false, false], [false, false]), "{}", server.engine);
        assert_eq!(anew, [false, true], "{}", server.engine);
        assert_ne!(new.id, key.id);
        let gone = api_keys::show(&server.app, &Asker::keyturn(), key.id).await.err();
        assert!(matches!(gone, Some(Rejection::NotFound("key"))), "{gone:?}");
        let trail = server.audit_trail(&format!("key:{}", key.id)).await;
        assert_eq!(trail.last().unwrap().action, "api_key.deleted", "what it did is still told");
    }
}

/// Two nodes, and two who have seen the same state.
#[tokio::test]
async fn of_two_who_rotate_or_change_a_key_at_once_one_is_told_to_look_again() {
    for (server, other) in TestServer::pairs_on_each_engine().await {
        let acme = Owner::Organization(server.acme().await);
        let (mut key, _) = server.key(acme, "ci").await;
        for round in 0..10 {
            let (seen, asker) = (Expected::OneOf(vec![key.version]), Asker::keyturn());
            let rotation =
                Rotation { old_secret: OldSecret::DiesAfter(week()), lifetime: None, force: true };
            let described = format!("{round}").parse().unwrap();
            let edit = Edit { description: Some(described), ..Edit::default() };

            let (rotated, updated) = tokio::join!(
                api_keys::rotate(&server.app, &asker, key.id, &seen, rotation),
                api_keys::update(&other.app, &asker, key.id, &seen, edit)
            );

            let what = format!("{} {round}", server.engine);
            let (won, lost) = match (rotated, updated) {
                (Ok(rotated), Err(lost)) => (rotated.key, lost),
                (Err(lost), Ok(updated)) => (updated, lost),
                both => panic!("{what}: {both:?}"),
            };
            assert!(matches!(lost, Rejection::ChangedMeanwhile), "{what}: {lost:?}");
            assert_eq!(won.version.0, key.version.0 + 1, "{what}");
            assert!(living(&server, key.id).await <= 2, "{what}");
            key = api_keys::show(&server.app, &asker, key.id).await.unwrap().key;
            assert_eq!(key, won, "{what}");
        }
    }
}
