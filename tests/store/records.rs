//! Usage, refusals, audit events and counters: what is recorded is found.

use std::borrow::Cow;

use chrono::TimeDelta;
use keyturn::{
    clock::{self, Timestamp},
    domain::{
        Actor, Algorithm, ApiKey, ApiKeyId, AuditEvent, Circumstances, JwtType, Networks,
        OrganizationId, Owner, ProofDemand, Reach, RefusalRecord, Resource, Secret, SecretId,
        Sight, Text, Use, UserAgent, Version, WhenLeaked,
    },
    random::Random,
    store::{
        Page, api_key_secrets, api_keys,
        audit_events::{self, Filter, Recorded},
        counters, last_used, refusals, resources, usage,
    },
};

use crate::{Engine, engines, id, now};

pub(crate) async fn key(engine: &Engine) -> (ApiKeyId, SecretId) {
    let owner = Owner::Organization(engine.organization().await.id);
    let key = ApiKey {
        id: ApiKeyId(id()),
        owner,
        name: "ci".parse().unwrap(),
        description: Text::default(),
        roles: None,
        reach: Reach::Own,
        allowed_networks: Networks::default(),
        created_at: now(),
        expires_at: None,
        disabled_at: None,
        locked_at: None,
        revoked_at: None,
        when_leaked: WhenLeaked::Revoke,
        proof: ProofDemand::None,
        version: Version::FIRST,
    };
    let secret = Secret::generate(&"ktk".parse().unwrap(), &Random::System);
    let mut tx = engine.store.write().await.unwrap();
    api_keys::insert(&mut tx, &key).await.unwrap();
    let secret_id = SecretId(id());
    api_key_secrets::insert(&mut tx, secret_id, key.id, secret.hash(), now()).await.unwrap();
    tx.commit(now()).await.unwrap();
    (key.id, secret_id)
}

fn at(minute: i64, source: &str, outcome: &str) -> Circumstances {
    Circumstances {
        minute,
        source: source.parse().unwrap(),
        user_agent: UserAgent::new("curl/8"),
        outcome: outcome.to_owned().into(),
    }
}

fn minute(number: i64) -> Timestamp {
    clock::timestamp(number * 60).unwrap()
}

#[tokio::test]
async fn usage_adds_up_however_many_rows_come_at_once() {
    for engine in engines().await {
        let (key, secret) = key(&engine).await;
        let mut tx = engine.store.write().await.unwrap();
        let mut counts = vec![(secret, 1)];
        for count in 2..80 {
            let secret = SecretId(id());
            let hash = Secret::generate(&"ktk".parse().unwrap(), &Random::System).hash();
            api_key_secrets::insert(&mut tx, secret, key, hash, now()).await.unwrap();
            counts.push((secret, count));
        }
        let circumstances = at(7, "2001:db8::1", "issued");

        usage::add(&mut tx, &circumstances, &counts).await.unwrap();
        usage::add(&mut tx, &circumstances, &counts[..40]).await.unwrap();
        usage::add(&mut tx, &circumstances, &[]).await.unwrap();

        let found = usage::of_key(&mut tx, key).await.unwrap();
        assert_eq!(found.len(), 79, "{}", engine.name);
        for (place, (secret_id, count)) in counts.into_iter().enumerate() {
            let used = Use { secret_id, circumstances: circumstances.clone() };
            let expected = if place < 40 { count * 2 } else { count };
            assert!(found.contains(&(used, expected)), "{}: {place}", engine.name);
        }
    }
}

#[tokio::test]
async fn the_last_use_is_the_last_token_and_not_the_last_refusal() {
    for engine in engines().await {
        let (_, secret) = key(&engine).await;
        let mut tx = engine.store.write().await.unwrap();
        let mut found = vec![usage::last_used(&mut tx, secret).await.unwrap()];

        // Within the hour of the first, at its end, and long after.
        for minute in [700, 701, 760, 2000] {
            let issued = at(minute, "192.0.2.1", "issued");
            let refused = at(minute + 1, "192.0.2.3", "key_expired");
            usage::add(&mut tx, &issued, &[(secret, 1)]).await.unwrap();
            usage::add(&mut tx, &refused, &[(secret, 1)]).await.unwrap();
            last_used::mark(&mut tx, minute, &[secret]).await.unwrap();
            found.push(usage::last_used(&mut tx, secret).await.unwrap());
        }

        let from = || Some("192.0.2.1".to_owned());
        let expected = [700, 701, 760, 2000].map(|minute| Some((minute, from())));
        assert_eq!(found[0], None, "{}", engine.name);
        assert_eq!(found[1..], expected, "{}", engine.name);
    }
}

#[tokio::test]
async fn old_usage_goes_step_by_step_and_the_last_use_is_still_known() {
    for engine in engines().await {
        let (key, secret) = key(&engine).await;
        let mut tx = engine.store.write().await.unwrap();
        for (minute, source) in
            [(1, "192.0.2.1"), (1, "192.0.2.2"), (2, "192.0.2.1"), (3, "192.0.2.1")]
        {
            let issued = at(minute, source, "issued");
            usage::add(&mut tx, &issued, &[(secret, 1)]).await.unwrap();
            last_used::mark(&mut tx, minute, &[secret]).await.unwrap();
        }

        let mut steps = Vec::new();
        for _ in 0..4 {
            steps.push(usage::prune(&mut tx, minute(3), 2).await.unwrap());
        }
        let left = usage::of_key(&mut tx, key).await.unwrap();
        usage::prune(&mut tx, minute(9), 2).await.unwrap();
        let last = usage::last_used(&mut tx, secret).await.unwrap();

        assert_eq!(steps, [2, 1, 0, 0], "{}", engine.name);
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].0.circumstances.minute, 3);
        assert_eq!(last, Some((1, None)), "about when, no longer from where");
    }
}

fn refusal(age: TimeDelta) -> RefusalRecord {
    RefusalRecord {
        request_id: id(),
        at: (now() - age).timestamp(),
        reason: "unknown_secret".to_owned(),
        detail: "no key has this 'secret'; \u{e9}".into(),
        api_key_id: Some(ApiKeyId(id())),
        organization_id: Some(OrganizationId(id())),
        source: "2001:db8::1".parse().unwrap(),
        user_agent: UserAgent::new("curl/8"),
        door: "/auth/v1/api-key/token".to_owned(),
    }
}

#[tokio::test]
async fn a_refusal_is_found_by_its_request_until_it_is_old() {
    for engine in engines().await {
        let anonymous = RefusalRecord { api_key_id: None, ..refusal(TimeDelta::zero()) };
        let (old, new) = (refusal(TimeDelta::days(31)), refusal(TimeDelta::days(30)));
        let mut tx = engine.store.write().await.unwrap();
        for refusal in [&anonymous, &old, &new, &new] {
            refusals::insert(&mut tx, refusal).await.unwrap();
        }

        let found = refusals::find(&mut tx, old.request_id).await.unwrap();
        let pruned = refusals::prune(&mut tx, now() - TimeDelta::days(30), 1000).await.unwrap();

        assert_eq!(found, Some(old.clone()), "{}", engine.name);
        assert_eq!(pruned, 1);
        assert_eq!(refusals::find(&mut tx, old.request_id).await.unwrap(), None);
        for kept in [new, anonymous] {
            let found = refusals::find(&mut tx, kept.request_id).await.unwrap();
            assert_eq!(found, Some(kept), "{}", engine.name);
        }
    }
}

#[tokio::test]
async fn what_happened_to_one_thing_is_told_newest_first() {
    for engine in engines().await {
        let event = |age: i64, action: &'static str, subject: &str| AuditEvent {
            id: id(),
            at: now() - TimeDelta::minutes(age),
            actor: Actor::Operator("ada".to_owned()),
            actor_email: None,
            action: Cow::Borrowed(action),
            subject: subject.to_owned(),
            organization_id: None,
            source: Some("192.0.2.1".parse().unwrap()),
            request_id: Some(id()),
            detail: serde_json::json!({ "name": "\u{e9} 'quoted'" }),
        };
        let events = [
            event(3, "api_key.created", "key:2"),
            event(2, "api_key.created", "key:1"),
            event(1, "api_key.revoked", "key:1"),
        ];
        let mut tx = engine.store.write().await.unwrap();
        for event in &events {
            tx.record(event.clone());
        }
        tx.commit(now()).await.unwrap();

        let filter = Filter { subject: Some("key:1".to_owned()), ..Filter::default() };
        let mut tx = engine.store.read().await.unwrap();
        let told = audit_events::list(&mut tx, Sight::Everything, true, &filter, Page::ALL).await;

        let told = told.unwrap().into_iter().map(|Recorded { number, event, .. }| (number, event));
        let [_, created, revoked] = events;
        assert_eq!(told.collect::<Vec<_>>(), [(3, revoked), (2, created)], "{}", engine.name);
    }
}

#[tokio::test]
async fn a_number_is_given_out_once_and_only_by_a_commit() {
    for engine in engines().await {
        let next = async |commits: bool| {
            let mut tx = engine.store.write().await.unwrap();
            let number = counters::next(&mut tx, counters::STATUS_INDEX).await.unwrap();
            if commits {
                tx.commit(now()).await.unwrap();
            }
            number
        };

        let numbers = [next(true).await, next(false).await, next(true).await];

        let mut tx = engine.store.read().await.unwrap();
        let last = counters::value(&mut tx, counters::STATUS_INDEX).await.unwrap();
        assert_eq!((numbers, last), ([1, 2, 2], 2), "{}", engine.name);
    }
}

#[tokio::test]
async fn fx_32_no_two_resources_have_spellings_of_one_uri() {
    for engine in engines().await {
        let resource = |identifier: &str| Resource {
            identifier: identifier.parse().unwrap(),
            scopes: "read".parse().unwrap(),
            algorithm: Algorithm::Es256,
            algorithm_before: None,
            jwt_type: JwtType::AccessToken,
            token_lifetime: None,
            created_at: now(),
            default_since: None,
            version: Version::FIRST,
        };
        let mut tx = engine.store.write().await.unwrap();

        assert!(resources::set(&mut tx, &resource("https://shop.test")).await.unwrap());
        for spelling in ["https://shop.test/", "https://SHOP.test:443"] {
            let again = resources::set(&mut tx, &resource(spelling)).await.unwrap();
            let found = resources::find(&mut tx, &spelling.parse().unwrap()).await.unwrap();
            assert!(!again, "{} {spelling}", engine.name);
            assert_eq!(found.unwrap().identifier.as_str(), "https://shop.test");
        }
        assert!(resources::set(&mut tx, &resource("https://shop.test/v1")).await.unwrap());
    }
}
