//! The audit trail as a chain: read on from any place, and whatever was done to it is found.

use chrono::TimeDelta;
use keyturn::{
    clock::Timestamp,
    domain::{Actor, AuditEvent},
    store::{
        audit_chain::{self, Chain},
        audit_events::Recorded,
    },
};

use crate::{Engine, engines, id, now};

async fn record(engine: &Engine, at: Timestamp, action: &'static str) {
    let mut tx = engine.store.write().await.unwrap();
    tx.record(AuditEvent {
        id: id(),
        at,
        actor: Actor::Keyturn,
        actor_email: None,
        action: action.into(),
        subject: "key:1".to_owned(),
        organization_id: None,
        source: None,
        request_id: None,
        detail: serde_json::json!({}),
    });
    tx.commit(at).await.unwrap();
}

/// Five events, a minute between them.
async fn trail(engine: &Engine) -> Vec<Recorded> {
    for (minute, action) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let minutes = TimeDelta::minutes(minute.try_into().unwrap());
        record(engine, now() + minutes, action).await;
    }
    onwards(engine, 0).await
}

async fn onwards(engine: &Engine, after: i64) -> Vec<Recorded> {
    let mut tx = engine.store.read().await.unwrap();
    audit_chain::onwards(&mut tx, after).await.unwrap()
}

async fn verify(engine: &Engine) -> Chain {
    let mut tx = engine.store.read().await.unwrap();
    audit_chain::verify(&mut tx).await.unwrap()
}

fn actions(events: &[Recorded]) -> Vec<(i64, &str)> {
    events.iter().map(|it| (it.number, &*it.event.action)).collect()
}

#[tokio::test]
async fn the_trail_is_read_on_from_any_event_and_any_moment() {
    for engine in engines().await {
        let all = trail(&engine).await;

        let rest = onwards(&engine, 3).await;
        let mut tx = engine.store.read().await.unwrap();
        let mut since = async |seconds| {
            let at = now() + TimeDelta::seconds(seconds);
            audit_chain::first_since(&mut tx, at).await.unwrap()
        };
        let firsts = [since(-1).await, since(60).await, since(61).await, since(241).await];

        let expected = [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e")];
        assert_eq!(actions(&all), expected, "{}", engine.name);
        assert_eq!(rest, all[3..], "{}", engine.name);
        assert_eq!(firsts, [Some(1), Some(2), Some(3), None], "{}", engine.name);
        let head = all[4].hash.clone();
        assert_eq!(verify(&engine).await, Chain::Whole { events: 5, unchained: 0, head });
    }
}

#[tokio::test]
async fn an_event_is_known_by_its_hash_until_a_later_one_was_deleted_for_its_age() {
    for engine in engines().await {
        let all = trail(&engine).await;
        let mut tx = engine.store.write().await.unwrap();
        audit_chain::prune(&mut tx, Some(now() + TimeDelta::seconds(61)), None).await.unwrap();

        let mut found = Vec::new();
        for event in &all {
            found.push(audit_chain::number_of(&mut tx, &event.hash).await.unwrap());
        }
        tx.commit(now()).await.unwrap();

        assert_eq!(found, [None, Some(2), Some(3), Some(4), Some(5)], "{}", engine.name);
        let head = all[4].hash.clone();
        assert_eq!(verify(&engine).await, Chain::Whole { events: 3, unchained: 0, head });
    }
}

#[tokio::test]
async fn the_first_event_that_was_altered_or_taken_out_is_named() {
    let altered = |all: &[Recorded], number: i64| {
        let id = all.iter().find(|it| it.number == number).unwrap().event.id;
        Chain::Altered { number, id: Some(id) }
    };
    let harms = [
        "update audit_events set detail = '{ }' where number = 3",
        "update audit_events set number = 9 where number = 3",
        "delete from audit_events where number = 3",
        "delete from audit_events where number >= 4",
        "delete from audit_events",
    ];
    for (place, harm) in harms.into_iter().enumerate() {
        for engine in engines().await {
            let all = trail(&engine).await;

            engine.sql(harm).await;

            let expected = match place {
                0 => altered(&all, 3),
                1 | 2 => Chain::Missing { number: 3 },
                3 => Chain::Missing { number: 4 },
                _ => Chain::Missing { number: 1 },
            };
            assert_eq!(verify(&engine).await, expected, "{}: {harm}", engine.name);
        }
    }
}

/// Else a trail that grows while it is verified would look as if its end were missing.
#[tokio::test]
async fn what_a_reading_transaction_sees_is_from_one_moment() {
    for engine in engines().await {
        record(&engine, now(), "before").await;
        let mut tx = engine.store.read().await.unwrap();
        let before = audit_chain::onwards(&mut tx, 0).await.unwrap();

        record(&engine, now(), "after").await;

        let again = audit_chain::onwards(&mut tx, 0).await.unwrap();
        assert_eq!(again, before, "{}", engine.name);
        assert_eq!(onwards(&engine, 0).await.len(), 2, "{}", engine.name);
    }
}
