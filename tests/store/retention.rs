//! Every table has something that keeps it from growing for ever.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use keyturn::{
    domain::{Actor, AuditEvent, Kept, Retention},
    manage::upkeep::bounds,
    store::{
        audit_chain::{self, Chain},
        health, usage_journal, usage_quarantine,
    },
};

use crate::{engines, id, now};

#[tokio::test]
async fn every_table_of_the_live_schema_is_named_among_the_bounds() {
    let kept = Kept { age: Some(TimeDelta::days(1)), rows: Some(1) };
    let bounds = bounds(&Retention { usage: kept, refusals: kept, audit: kept });
    let named: BTreeSet<_> = bounds.iter().map(|(table, _)| (*table).to_owned()).collect();
    for engine in engines().await {
        let tables = health::tables(&engine.store, true).await.unwrap();

        let live: BTreeSet<_> = tables.into_iter().map(|size| size.table).collect();

        assert!(live.len() > 10, "{}: {live:?}", engine.name);
        assert_eq!(live, named, "{}: add the table to manage::upkeep::bounds", engine.name);
        assert_eq!(named.len(), bounds.len(), "none is named twice");
    }
}

#[test]
fn the_bound_of_every_table_is_documented() {
    let text = std::fs::read_to_string("docs/OPERATING.md").unwrap();
    let (_, section) = text.split_once("\n## What grows, and its bound\n").unwrap();
    let listed: String = section.lines().filter(|line| line.starts_with("| `")).collect();
    let kept = Kept { age: None, rows: None };

    for (table, _) in bounds(&Retention { usage: kept, refusals: kept, audit: kept }) {
        assert!(listed.contains(&format!("`{table}`")), "docs/OPERATING.md: nothing on {table}");
    }
}

#[tokio::test]
async fn a_table_tells_its_rows_and_its_bytes() {
    for engine in engines().await {
        for _ in 0..3 {
            usage_journal::append(&engine.store, id(), "{}").await.unwrap();
        }

        let tables = health::tables(&engine.store, false).await.unwrap();

        let journal = tables.iter().find(|size| size.table == "usage_journal").unwrap();
        assert_eq!((journal.rows, journal.is_counted), (3, true), "{}", engine.name);
        assert!(journal.bytes >= 8192, "{}: a table and its index: {journal:?}", engine.name);
    }
}

#[tokio::test]
async fn one_step_deletes_no_more_than_it_was_told() {
    for engine in engines().await {
        let mut tx = engine.store.write().await.unwrap();
        for _ in 0..5 {
            usage_quarantine::insert(&mut tx, id(), now(), "unreadable", "{}").await.unwrap();
        }
        let later = now() + TimeDelta::seconds(1);

        let mut steps = Vec::new();
        for before in [now(), later, later, later, later] {
            steps.push(usage_quarantine::prune(&mut tx, before, 2).await.unwrap());
        }

        assert_eq!(steps, [0, 2, 2, 1, 0], "{}", engine.name);
    }
}

#[tokio::test]
async fn the_newest_of_the_audit_trail_can_be_looked_at_alone() {
    for engine in engines().await {
        for number in 0..4 {
            let mut tx = engine.store.write().await.unwrap();
            tx.record(AuditEvent {
                id: id(),
                at: now(),
                actor: Actor::Operator("ada".to_owned()),
                actor_email: None,
                action: "api_key.created".into(),
                subject: format!("key:{number}"),
                organization_id: None,
                source: None,
                request_id: None,
                detail: serde_json::Value::Null,
            });
            tx.commit(now()).await.unwrap();
        }
        engine.sql("update audit_events set subject = 'key:9' where number = 2").await;
        let mut tx = engine.store.read().await.unwrap();

        let whole = audit_chain::verify(&mut tx).await.unwrap();
        let three = audit_chain::verify_newest(&mut tx, 3).await.unwrap();
        let two = audit_chain::verify_newest(&mut tx, 2).await.unwrap();

        for altered in [whole, three] {
            assert!(matches!(altered, Chain::Altered { number: 2, .. }), "{}", engine.name);
        }
        assert!(matches!(two, Chain::Whole { events: 2, .. }), "{}: {two:?}", engine.name);
    }
}
