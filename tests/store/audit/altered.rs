//! Whoever changes the audit trail behind keyturn's back is found, whatever they change.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use keyturn::{
    domain::{AuditEvent, OrganizationId},
    store::audit_chain::Chain,
};

use super::{event, record, verify, whole};
use crate::{Engine, engines, id, now};

/// What a column holds, and so how it is written in SQL.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Bytes,
    Id,
    Number,
}

const COLUMNS: [(&str, Kind); 12] = [
    ("id", Kind::Id),
    ("at", Kind::Number),
    ("actor", Kind::Text),
    ("actor_email", Kind::Text),
    ("action", Kind::Text),
    ("subject", Kind::Text),
    ("organization_id", Kind::Id),
    ("source", Kind::Text),
    ("request_id", Kind::Id),
    ("detail", Kind::Text),
    ("number", Kind::Number),
    ("hash", Kind::Bytes),
];

/// Of these the event in the middle has all, the others none.
const OPTIONAL: [&str; 4] = ["actor_email", "organization_id", "source", "request_id"];

/// A value as a statement reads it back.
fn literal(engine: &Engine, kind: Kind, bytes: &[u8]) -> String {
    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    match (kind, engine.name) {
        (Kind::Number, _) => i64::from_be_bytes(bytes.try_into().unwrap()).to_string(),
        (Kind::Text, "sqlite") => format!("cast(x'{hex}' as text)"),
        (Kind::Text, _) => format!("convert_from('\\x{hex}', 'UTF8')"),
        (Kind::Id | Kind::Bytes, "sqlite") => format!("x'{hex}'"),
        (Kind::Id, _) => format!("'{hex}'::uuid"),
        (Kind::Bytes, _) => format!("'\\x{hex}'::bytea"),
    }
}

/// The bytes of a column of the event with this number.
async fn bytes(engine: &Engine, column: &str, kind: Kind, number: i64) -> Vec<u8> {
    let as_hex = match (kind, engine.name) {
        (Kind::Number, "sqlite") => format!("printf('%016x', {column})"),
        (Kind::Number, _) => format!("lpad(to_hex({column}), 16, '0')"),
        (_, "sqlite") => format!("hex({column})"),
        (Kind::Text, _) => format!("encode(convert_to({column}, 'UTF8'), 'hex')"),
        (Kind::Id, _) => format!("encode(uuid_send({column}), 'hex')"),
        (Kind::Bytes, _) => format!("encode({column}, 'hex')"),
    };
    let query = format!("select {as_hex} from audit_events where number = {number}");
    let hex = engine.texts(&query).await.remove(0);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.as_bytes().chunks(2).map(byte).collect()
}

/// Three events, the one in the middle with a value in every column.
async fn three_events(engine: &Engine) -> [String; 3] {
    let full = AuditEvent {
        actor_email: Some("ci.0123@keyturn.test".to_owned()),
        organization_id: Some(OrganizationId(id())),
        source: Some("2001:db8::1".parse().unwrap()),
        request_id: Some(id()),
        detail: serde_json::json!({ "name": "\u{e9} 'quoted'" }),
        at: now() + TimeDelta::seconds(1),
        ..event("api_key.created")
    };
    let events = [event("first"), full, event("third")];
    record(&engine.store, events.clone()).await;
    events.map(|event| event.subject)
}

/// The number of the event that is named, if the chain is not whole.
async fn named(engine: &Engine) -> Option<i64> {
    match verify(&engine.store).await {
        Chain::Whole { .. } => None,
        Chain::Altered { number, .. } | Chain::Missing { number } => Some(number),
    }
}

/// Writes a value into one column of one event, looks, and undoes it. An event is known by its
/// `hash`, or by its `id` where the hash itself is changed.
async fn named_with(
    engine: &Engine,
    number: i64,
    (column, kind): (&str, Kind),
    changed: &str,
) -> Option<i64> {
    let anchor = if column == "hash" { ("id", Kind::Id) } else { ("hash", Kind::Bytes) };
    let row = literal(engine, anchor.1, &bytes(engine, anchor.0, anchor.1, number).await);
    let was = if changed == "null" || !OPTIONAL.contains(&column) || number == 2 {
        literal(engine, kind, &bytes(engine, column, kind, number).await)
    } else {
        "null".to_owned()
    };
    let set = async |value: &str| {
        let row = format!("where {} = {row}", anchor.0);
        engine.sql(&format!("update audit_events set {column} = {value} {row}")).await;
    };
    set(changed).await;
    let named = named(engine).await;
    set(&was).await;
    named
}

#[tokio::test]
async fn every_column_is_looked_at() {
    for engine in engines().await {
        let columns = match engine.name {
            "sqlite" => "select name from pragma_table_info('audit_events')",
            _ => {
                "select column_name::text from information_schema.columns
                where table_name = 'audit_events' and table_schema = 'public'"
            }
        };

        let columns: BTreeSet<_> = engine.texts(columns).await.into_iter().collect();

        let known = COLUMNS.map(|(name, _)| name.to_owned()).into();
        assert_eq!(columns, known, "{}", engine.name);
    }
}

#[tokio::test]
async fn one_byte_of_any_column_of_any_event_gives_it_away() {
    for engine in engines().await {
        three_events(&engine).await;
        for number in 1..=3 {
            for (column, kind) in COLUMNS {
                if OPTIONAL.contains(&column) && number != 2 {
                    continue;
                }
                let bytes = bytes(&engine, column, kind, number).await;
                // Every byte of one event; of the others the first and the last.
                let all = (0..bytes.len())
                    .filter(|place| number == 2 || *place == 0 || *place == bytes.len() - 1);
                for place in all {
                    let mut flipped = bytes.clone();
                    // Leaves ASCII what it is, and UTF-8 as well.
                    flipped[place] ^= 0x10;
                    let flipped = literal(&engine, kind, &flipped);
                    let named = named_with(&engine, number, (column, kind), &flipped).await;
                    let what = format!("{} {column} of {number}, byte {place}", engine.name);
                    assert_eq!(named, Some(number), "{what}");
                }
            }
        }
        assert_eq!(whole(&engine.store).await, 3, "{}: all was undone", engine.name);
    }
}

/// What the engine holds without complaint and nobody can read any more. PostgreSQL checks texts
/// and ids itself.
#[tokio::test]
async fn bytes_that_are_no_text_and_no_id_are_named_as_well() {
    let engine = engines().await.remove(0);
    three_events(&engine).await;
    for number in 1..=3 {
        for (column, value) in [
            ("actor", "cast(x'ff6f' as text)"),
            ("action", "cast(x'c3' as text)"),
            ("detail", "cast(x'7b80' as text)"),
            ("source", "cast(x'ff' as text)"),
            ("id", "x'00'"),
            ("organization_id", "x''"),
            ("hash", "x'00ff'"),
        ] {
            let kind = COLUMNS.iter().find(|(name, _)| *name == column).unwrap().1;
            let named = named_with(&engine, number, (column, kind), value).await;
            assert_eq!(named, Some(number), "{column} of {number}");
        }
    }
    assert_eq!(whole(&engine.store).await, 3, "all was undone");
}

#[tokio::test]
async fn what_is_emptied_and_what_is_filled_gives_itself_away() {
    for engine in engines().await {
        three_events(&engine).await;
        let empty = [("number", Kind::Number), ("hash", Kind::Bytes)];
        let optional = COLUMNS.into_iter().filter(|(name, _)| OPTIONAL.contains(name));

        for (column, kind) in optional.chain(empty) {
            let emptied = named_with(&engine, 2, (column, kind), "null").await;
            assert_eq!(emptied, Some(2), "{} {column}", engine.name);
        }
        for (column, kind) in COLUMNS.into_iter().filter(|(name, _)| OPTIONAL.contains(name)) {
            let value = literal(&engine, kind, &bytes(&engine, column, kind, 2).await);
            let filled = named_with(&engine, 3, (column, kind), &value).await;
            assert_eq!(filled, Some(3), "{} {column}", engine.name);
        }
        assert_eq!(whole(&engine.store).await, 3, "{}: all was undone", engine.name);
    }
}

#[tokio::test]
async fn an_event_that_was_deleted_is_missed_wherever_it_stood() {
    for (deleted, named) in [(1, 1), (2, 2), (3, 3)] {
        for engine in engines().await {
            three_events(&engine).await;

            engine.sql(&format!("delete from audit_events where number = {deleted}")).await;

            let found = verify(&engine.store).await;
            assert_eq!(found, Chain::Missing { number: named }, "{}", engine.name);
        }
    }
}

#[tokio::test]
async fn events_that_change_places_or_are_made_up_give_themselves_away() {
    for engine in engines().await {
        let [first, _, third] = three_events(&engine).await;
        let swap = |a: &str, b: &str| {
            format!("update audit_events set subject = '{b}' where subject = '{a}' and number = 1")
        };

        engine.sql(&swap(&first, &third)).await;
        let swapped = named(&engine).await;
        engine.sql(&swap(&third, &first)).await;
        let put_back = named(&engine).await;
        engine
            .sql(
                "insert into audit_events (id, at, actor, action, subject, detail, number, hash)
                select hash_id.id, at, actor, action, subject, detail, 4, hash
                from audit_events, (select organization_id as id from audit_events
                    where number = 2) as hash_id
                where number = 3",
            )
            .await;

        assert_eq!(swapped, Some(1), "{}", engine.name);
        assert_eq!(put_back, None);
        assert_eq!(named(&engine).await, Some(4), "one that keyturn never wrote");
    }
}
