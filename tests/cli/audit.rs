//! The audit trail at the machine: searched, exported, and found out where somebody touched it.

use std::process::Command;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use uuid::Uuid;

use super::support::Place;

/// A trail of some events.
fn place() -> Place {
    let (place, _) = Place::with_key();
    place.key("other");
    place.succeeds(&["key", "disable", "ci"]);
    place.succeeds(&["key", "revoke", "other"]);
    place
}

async fn sql(place: &Place, statement: &str) {
    let url = format!("sqlite:{}", place.path().join("keyturn.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
    statement.execute(&mut connection).await.unwrap();
}

fn actions(events: &Value) -> Vec<&str> {
    events.as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap()).collect()
}

#[test]
fn changes_are_found_by_key_actor_organization_kind_and_time() {
    let place = place();
    let list = |arguments: &[&str]| place.json(&[&["audit", "list"], arguments].concat());

    let of_ci = list(&["--key", "ci"]);
    let actor = of_ci[0]["actor"].as_str().unwrap().to_owned();

    assert_eq!(actions(&of_ci), ["api_key.disabled", "api_key.created"]);
    assert_eq!(actions(&list(&["--limit", "1"])), ["api_key.revoked"]);
    assert_eq!(actions(&list(&["--action", "organization.created"])).len(), 1);
    assert_eq!(actions(&list(&["--org", "acme"])).len(), 5);
    assert_eq!(actions(&list(&["--actor", &actor])).len(), 5);
    assert_eq!(actions(&list(&["--actor", "key:ci"])).len(), 0);
    assert_eq!(actions(&list(&["--since", "1"])).len(), 5);
    assert_eq!(actions(&list(&["--until", "1"])).len(), 0);
    let table = place.succeeds(&["audit", "list"]);
    let is_told = |line: &str| line.contains("api_key.disabled") && line.contains("key ci");
    assert!(table.lines().any(is_told), "{table}");
    assert!(place.fails(&["audit", "list", "--actor", "ada"]).contains("an actor is"));
}

#[test]
fn fx_38_an_operator_is_named_by_sudo_then_by_the_user_of_the_process() {
    let place = place();
    // One that does not run the server, so that it can be disabled.
    place.succeeds(&["organization", "create", "other"]);
    let who = Command::new("id").arg("-un").output().unwrap().stdout;
    let user = String::from_utf8(who).unwrap().trim().to_owned();
    let actor = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["organization", "disable", "other"]);
        let done = command.envs(variables.iter().copied()).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        place.succeeds(&["organization", "enable", "other"]);
        let listed = place.json(&["audit", "list", "--action", "organization.disabled"]);
        listed[0]["actor"].as_str().unwrap().to_owned()
    };

    let bare = actor(&[]);
    let lied = actor(&[("USER", "mallory"), ("LOGNAME", "eve"), ("USERNAME", "eve")]);
    let by_sudo = actor(&[("USER", "root"), ("SUDO_USER", "ada")]);

    assert_eq!(bare, format!("operator:{user}"));
    assert_eq!(lied, bare);
    assert_eq!(by_sudo, "operator:ada");
}

#[tokio::test]
async fn one_flipped_byte_is_found_and_named() {
    let place = place();
    let whole = place.json(&["audit", "verify"]);
    assert_eq!((&whole["outcome"], &whole["events"]), (&"whole".into(), &5.into()));

    sql(&place, "update audit_events set action = 'api_key.crebted' where number = 2").await;

    let output = place.run(&["audit", "verify"]);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint.contains("event 2 of the audit trail"), "{complaint}");
    let told = place.run(&["audit", "verify", "--json"]);
    let json: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&json["outcome"], &json["number"]), (&"altered".into(), &2.into()));
}

#[tokio::test]
async fn an_event_that_was_taken_out_is_found_in_the_middle_and_at_the_end() {
    for number in [3, 5] {
        let place = place();
        sql(&place, &format!("delete from audit_events where number = {number}")).await;

        let complaint = place.fails(&["audit", "verify"]);

        assert!(complaint.contains(&format!("event {number} of the audit trail is missing")));
    }
}

/// What somebody does who knows how: takes out the end and turns the counter back.
#[tokio::test]
async fn a_trail_that_was_cut_whole_is_found_by_its_head() {
    let place = place();
    let head = place.json(&["audit", "verify"])["head"].as_str().unwrap().to_owned();
    place.succeeds(&["key", "enable", "ci"]);
    let later = place.json(&["audit", "verify", "--expect", &head]);
    assert_eq!((&later["events"], &later["expected_number"]), (&6.into(), &5.into()));

    sql(&place, "delete from audit_events where number > 4").await;
    sql(&place, "update counters set value = 4 where name = 'audit_events'").await;

    place.succeeds(&["audit", "verify"]);
    let complaint = place.fails(&["audit", "verify", "--expect", &head]);
    assert!(complaint.contains("was written anew"), "{complaint}");
    assert_eq!(place.run(&["audit", "verify", "--expect", "head"]).status.code(), Some(2));
}

/// As docs/CLI.md says it, from the exported line alone.
fn hash_after(previous: &[u8], event: &Value) -> Vec<u8> {
    let mut hash = Context::new(&SHA256);
    let mut add = |bytes: Option<&[u8]>| {
        hash.update(&bytes.map_or(u64::MAX, |bytes| bytes.len() as u64).to_be_bytes());
        hash.update(bytes.unwrap_or_default());
    };
    let text = |name: &str| event[name].as_str();
    let id = |name: &str| text(name).map(|id| id.parse::<Uuid>().unwrap());
    let at: keyturn::clock::Timestamp = text("at").unwrap().parse().unwrap();
    add(Some(previous));
    add(Some(&event["number"].as_i64().unwrap().to_be_bytes()));
    add(Some(id("id").unwrap().as_bytes()));
    add(Some(&at.timestamp().to_be_bytes()));
    for name in ["actor", "action", "subject"] {
        add(text(name).map(str::as_bytes));
    }
    add(Some(event["detail"].to_string().as_bytes()));
    add(id("organization_id").as_ref().map(|id| &id.as_bytes()[..]));
    add(text("source").map(str::as_bytes));
    add(id("request_id").as_ref().map(|id| &id.as_bytes()[..]));
    hash.finish().as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from_digit(digit.into(), 16).unwrap()).collect()
}

#[test]
fn an_export_is_a_chain_that_anybody_can_check() {
    let place = place();

    let exported = place.succeeds(&["audit", "export"]);
    let since = place.succeeds(&["audit", "export", "--since", "1"]);
    let none = place.succeeds(&["audit", "export", "--since", "2999-01-01"]);

    let events: Vec<Value> =
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut head = vec![0; 32];
    for (number, event) in (1..).zip(&events) {
        assert_eq!(event["number"], number);
        head = hash_after(&head, event);
        assert_eq!(event["hash"], hex(&head), "{event}");
    }
    assert_eq!(events.len(), 5);
    assert_eq!(place.json(&["audit", "verify"])["head"], hex(&head));
    assert_eq!((since, none), (exported, String::new()));
}

/// More than one page of them.
#[tokio::test]
async fn a_long_trail_is_exported_and_verified_page_by_page() {
    let place = place();
    let url = format!("sqlite:{}", place.path().join("keyturn.db").display());
    let store =
        keyturn::store::Store::open(&url, keyturn::store::Options::default()).await.unwrap();
    let now = keyturn::clock::Clock::system().now();
    let mut tx = store.write().await.unwrap();
    for _ in 0..2100 {
        tx.record(keyturn::domain::AuditEvent {
            id: keyturn::random::Random::System.id(now),
            at: now,
            actor: keyturn::domain::Actor::Keyturn,
            actor_email: None,
            action: "signing_key.rotated".into(),
            subject: "signing_key:x".to_owned(),
            organization_id: None,
            source: Some("192.0.2.1".parse().unwrap()),
            request_id: None,
            detail: serde_json::json!({ "b": 1, "a": "\u{e9}" }),
        });
    }
    tx.commit(now).await.unwrap();

    let exported = place.succeeds(&["audit", "export"]);
    let listed = place.json(&["audit", "list", "--limit", "1100"]);

    let numbers = exported.lines().map(|line| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["number"].as_i64().unwrap()
    });
    assert!(numbers.eq(1..=2105), "the export has gaps");
    assert_eq!(place.json(&["audit", "verify"])["events"], 2105);
    let listed = listed.as_array().unwrap();
    assert_eq!((listed.len(), &listed[0]["number"]), (1100, &2105.into()));
}
