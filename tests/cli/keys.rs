//! What owners do with keys at the machine, and what a running server makes of it.

use keyturn::{
    clock::Clock,
    domain::{
        ApiKey, ApiKeyId, Networks, OrganizationId, Owner, ProofDemand, Reach, Text, Version,
        WhenLeaked,
    },
    random::Random,
    store::{self, Options, Store},
};
use serde_json::{Value, json};

use super::support::{A_SECOND_WITH_SLACK, Key, Place};

/// Thumbprints of keys.
const KEY: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
const OTHER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// In the order of the alphabet: keys that are made in one second have none among them.
fn names(listed: &Value) -> Vec<&str> {
    let listed = listed.as_array().unwrap().iter();
    let mut names: Vec<_> = listed.map(|it| it["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_locked_key_works_and_is_neither_changed_nor_ended() {
    let (place, key) = Place::with_key();
    let server = place.serve();

    place.succeeds(&["key", "lock", "ci"]);

    for change in ["disable", "revoke", "delete", "rotate"] {
        let complaint = place.fails(&["key", change, "ci"]);
        assert!(complaint.contains("`keyturn key unlock ci`"), "{complaint}");
    }
    place.fails(&["key", "update", "ci", "-d", "other"]);
    assert_eq!(server.exchange(&key).status, 200);
    assert!(place.succeeds(&["key", "list"]).contains("locked"));
    place.succeeds(&["key", "unlock", "ci"]);
    place.succeeds(&["key", "revoke", "ci"]);
    server.until_status(&key, 401);
}

#[test]
fn a_deleted_key_is_refused_and_its_name_is_free_again() {
    let (place, old) = Place::with_key();
    let server = place.serve();
    assert_eq!(server.exchange(&old).status, 200);
    assert!(place.fails(&["key", "create", "ci"]).contains("`keyturn key rotate ci`"));

    let told = place.succeeds(&["key", "delete", "ci"]);
    let delay = server.until_status(&old, 401);
    let new = place.key("ci");

    assert!(told.contains("`keyturn key revoke`"), "{told}");
    assert!(delay < A_SECOND_WITH_SLACK, "the server went on for {delay:?}");
    assert_eq!((server.exchange(&new).status, server.exchange(&old).status), (200, 401));
    let events = place.json(&["audit", "list", "--key", &old.id]);
    assert_eq!(events[0]["action"], "api_key.deleted");
}

#[test]
fn several_keys_are_changed_at_once_or_none() {
    let (place, _) = Place::with_key();
    place.key("other");

    let complaint = place.fails(&["key", "revoke", "ci", "nobody"]);
    let before = place.json(&["key", "list", "--status", "active"]);
    let changed = place.json(&["key", "revoke", "ci", "other", "ci"]);

    assert!(complaint.contains("there is no key nobody"), "{complaint}");
    assert_eq!(names(&before), ["ci", "other"]);
    assert_eq!(names(&changed), ["ci", "other"]);
    assert_eq!(
        (&changed[0]["status"], &changed[1]["status"]),
        (&json!("revoked"), &json!("revoked"))
    );
    assert_eq!(names(&place.json(&["key", "list", "--status", "active"])), [""; 0]);
}

#[test]
fn what_was_done_before_a_refusal_is_told() {
    let (place, _) = Place::with_key();
    place.key("other");
    place.succeeds(&["key", "lock", "other"]);

    let told = place.fails(&["key", "disable", "ci", "other"]);

    assert!(told.contains("Key ci is disabled."), "{told}");
    assert!(told.contains("key other: the key is locked"), "{told}");
}

#[test]
fn an_update_counts_from_the_next_token_on() {
    let (place, key) = Place::with_key();
    place.succeeds(&[
        "resource",
        "register",
        "https://a.example",
        "--scope",
        "read",
        "--scope",
        "write",
    ]);
    let server = place.serve();
    assert_eq!(server.exchange(&key).json()["scope"], "read");

    let told = place.succeeds(&["key", "update", "ci", "-d", "for CI", "--role", "manager"]);
    let wider = || server.exchange(&key).json()["scope"] == "read write";
    super::support::wait(wider, || "the new role does not count".to_owned());
    place.succeeds(&["key", "update", "ci", "--cidr", "10.0.0.0/8", "--when-leaked", "notify"]);
    server.until_status(&key, 403);
    place.succeeds(&["key", "update", "ci", "--any-address"]);
    server.until_status(&key, 200);

    assert!(told.contains("for CI") && told.contains("manager"), "{told}");
    let shown = place.json(&["key", "show", "ci"]);
    assert_eq!(shown["description"], "for CI");
    assert_eq!(shown["when_leaked"], "notify");
    assert_eq!(shown["allowed_networks"], json!([]));
}

#[test]
fn a_key_that_has_to_be_proved_says_so_and_its_secret_alone_is_refused() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    server.until_status(&key, 200);

    let told = place.succeeds(&["key", "update", "ci", "--proof", KEY]);
    server.until_status(&key, 400);
    let refused = server.exchange(&key).json();
    let simulated = place.succeeds(&["key", "simulate", "ci"]);
    let wrong = place.fails(&["key", "update", "ci", "--proof", "some"]);
    place.succeeds(&["key", "update", "ci", "--proof", "none"]);
    server.until_status(&key, 200);

    assert!(told.contains(&format!("the possession of {KEY}")), "{told}");
    assert_eq!(refused["error"], "invalid_dpop_proof");
    assert!(simulated.contains(KEY) && simulated.contains("token lives"), "{simulated}");
    assert!(wrong.contains("`none`, `any`, or up to 16 thumbprints"), "{wrong}");
}

#[test]
fn an_update_without_a_change_is_a_mistake_and_a_fixed_end_stays() {
    let (place, _) = Place::with_key();

    let nothing = place.run(&["key", "update", "ci"]);
    let fixed = place.fails(&["key", "update", "ci", "--expires", "30"]);

    assert_eq!(nothing.status.code(), Some(2));
    assert!(fixed.contains("`keyturn key rotate ci --expires 90d`"), "{fixed}");
}

#[test]
fn the_end_of_a_key_may_change_where_that_is_allowed() {
    let (place, _) = Place::with_key_and(&[("API_KEYS__EXPIRY_MAY_CHANGE", "true")]);

    place.succeeds(&["key", "update", "ci", "--expires", "30"]);

    let listed = place.succeeds(&["key", "list"]);
    assert!(listed.contains("active, 29 days left") || listed.contains("active, 30 days left"));
}

#[test]
fn keys_are_listed_by_state_name_owner_and_age() {
    let (place, _) = Place::with_key();
    place.succeeds(&["organization", "create", "team", "--parent", "acme"]);
    place.succeeds(&["user", "create", "ada@example.com", "--no-password"]);
    place.succeeds(&["key", "create", "short", "--org", "acme", "--expires", "3"]);
    place.succeeds(&["key", "create", "short", "--org", "team"]);
    place.succeeds(&["key", "create", "own", "--user", "Ada@example.com"]);
    place.succeeds(&["key", "disable", "own"]);

    let list = |arguments: &[&str]| place.json(&[&["key", "list"], arguments].concat());

    assert_eq!(names(&list(&[])), ["ci", "own", "short", "short"]);
    assert_eq!(names(&list(&["--org", "acme/team"])), ["short"]);
    assert_eq!(names(&list(&["--user", "ada@example.com"])), ["own"]);
    assert_eq!(names(&list(&["--status", "disabled"])), ["own"]);
    assert_eq!(names(&list(&["--name", "short"])), ["short", "short"]);
    assert_eq!(list(&["--expires-before", "4"])[0]["organization"], "acme");
    assert_eq!(names(&list(&["--unused-since", "1"])), [""; 0]);
    assert_eq!(names(&list(&["--unused-since", "2999-01-01", "--status", "active"])).len(), 3);
    let ambiguous = place.fails(&["key", "revoke", "short"]);
    assert!(ambiguous.contains("of acme/team"), "{ambiguous}");
    assert!(place.fails(&["key", "list", "--status", "lost"]).contains("possible values"));
}

/// Rows as a server would have made them, in one transaction: a command for each takes too long.
async fn fill(place: &Place, organization: OrganizationId, count: u32) {
    let url = format!("sqlite:{}", place.path().join("keyturn.db").display());
    let store = Store::open(&url, Options::default()).await.unwrap();
    let now = Clock::system().now();
    let mut tx = store.write().await.unwrap();
    for number in 0..count {
        let key = ApiKey {
            id: ApiKeyId(Random::System.id(now)),
            owner: Owner::Organization(organization),
            name: format!("key-{number}").parse().unwrap(),
            description: Text::default(),
            roles: Some("viewer".parse().unwrap()),
            reach: Reach::Own,
            allowed_networks: Networks::default(),
            created_at: now,
            expires_at: None,
            disabled_at: None,
            locked_at: None,
            revoked_at: None,
            when_leaked: WhenLeaked::Revoke,
            proof: ProofDemand::None,
            version: Version::FIRST,
        };
        store::api_keys::insert(&mut tx, &key).await.unwrap();
    }
    tx.commit(now).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_many_pages_is_one_list() {
    let (place, _) = Place::with_key();
    let organization = &place.json(&["org", "list"])[0]["id"];
    fill(&place, organization.as_str().unwrap().parse().unwrap(), 1200).await;

    let listed = place.json(&["key", "list"]);
    let table = place.succeeds(&["key", "list"]);

    let mut all = names(&listed);
    assert_eq!(all.len(), 1201);
    all.dedup();
    assert_eq!(all.len(), 1201, "some key is listed twice");
    assert_eq!(table.lines().count(), 1202);
}

#[test]
fn after_a_key_is_made_its_maker_knows_what_to_do() {
    let (place, _) = Place::with_key();

    let shown = place.succeeds(&["key", "create", "night run", "--expires", "90"]);

    assert!(shown.contains("/auth/v1/api-key/token"), "{shown}");
    assert!(shown.contains("--data-urlencode 'name=night run'"), "{shown}");
    assert!(shown.contains("`keyturn key rotate 'night run' --expires 90d`"), "{shown}");
    assert!(shown.contains("in 90 days") || shown.contains("in 89 days"), "{shown}");
    assert!(shown.contains("not in code"), "{shown}");
}

#[test]
fn a_key_is_made_with_all_that_is_said_of_it() {
    let (place, _) = Place::with_key_and(&[("API_KEYS__MAY_NEVER_EXPIRE", "true")]);
    place.succeeds(&["org", "create", "team", "--parent", "acme"]);

    place.succeeds(&[
        "key",
        "create",
        "all",
        "-d",
        "of it",
        "--org",
        "acme",
        "--role",
        "manager",
        "--role",
        "viewer",
        "--reach",
        "subtree",
        "--expires",
        "never",
        "--cidr",
        "10.2.0.0/16",
        "--cidr",
        "2001:db8::/32",
        "--when-leaked",
        "disable",
        "--proof",
        KEY,
        "--proof",
        OTHER_KEY,
    ]);

    let shown = place.json(&["key", "show", "all"]);
    let expected = json!({
        "description": "of it",
        "organization": "acme",
        "roles": ["manager", "viewer"],
        "reach": "subtree",
        "expires_at": null,
        "allowed_networks": ["10.2.0.0/16", "2001:db8::/32"],
        "when_leaked": "disable",
        "proof": format!("{KEY} {OTHER_KEY}"),
        "status": "active",
        "rotation": null,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[name], value, "{name}");
    }
}

#[test]
fn a_key_that_is_not_there_is_told_with_the_way_to_find_it() {
    let (place, key) = Place::with_key();
    place.succeeds(&["key", "delete", "ci"]);
    for name in ["ci", &key.id] {
        for command in ["show", "revoke", "enable", "delete"] {
            let output = place.run(&["key", command, name]);
            let complaint = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{complaint}");
            assert!(complaint.contains("`keyturn key list`"), "{complaint}");
        }
    }
}

#[test]
fn an_enabled_key_that_is_revoked_does_not_pass_for_one_that_works() {
    let (place, _): (Place, Key) = Place::with_key();
    place.succeeds(&["key", "disable", "ci"]);
    place.succeeds(&["key", "revoke", "ci"]);

    let told = place.succeeds(&["key", "enable", "ci"]);

    assert!(told.contains("still revoked"), "{told}");
}

#[test]
fn fx_37a_an_end_is_a_span_a_date_or_a_moment() {
    let settings =
        [("API_KEYS__LONGEST_LIFETIME_DAYS", "3650"), ("API_KEYS__MAY_NEVER_EXPIRE", "true")];
    let (place, _) = Place::with_key_and(&settings);
    let moment = "2030-01-31T12:00:00Z";

    for (number, end) in
        ["90", "90d", "12h", "2w", "2030-01-31", moment, "never"].iter().enumerate()
    {
        let name = format!("k{number}");
        place.succeeds(&["key", "create", &name, "--role", "viewer", "--expires", end]);
        let shown = place.json(&["key", "show", &name]);
        let expected = match *end {
            "2030-01-31" => Some("2030-01-31T00:00:00Z"),
            it if it == moment => Some(moment),
            _ => None,
        };
        if let Some(expected) = expected {
            assert_eq!(shown["expires_at"], expected, "{end}");
        }
        assert_eq!(shown["expires_at"].is_null(), *end == "never", "{end}");
    }
    let wrong = place.fails(&["key", "create", "x", "--expires", "tomorrow"]);
    for way in ["--expires", "90d", "2030-01-31,", "2030-01-31T12:00:00Z", "`never`"] {
        assert!(wrong.contains(way), "{way}: {wrong}");
    }
}

#[test]
fn fx_39n_advice_on_a_taken_name_is_advice_that_works() {
    let (place, _) = Place::with_key();

    place.succeeds(&["key", "disable", "ci"]);
    let disabled = place.fails(&["key", "create", "ci"]);
    place.succeeds(&["key", "enable", "ci"]);
    place.succeeds(&["key", "revoke", "ci"]);
    let revoked = place.fails(&["key", "create", "ci"]);
    let rotated = place.fails(&["key", "rotate", "ci"]);
    place.succeeds(&["key", "delete", "ci"]);
    place.key("ci");

    assert!(disabled.contains("`keyturn key enable ci`"), "{disabled}");
    for told in [revoked, rotated] {
        assert!(told.contains("revoked") && told.contains("`keyturn key delete ci`"), "{told}");
    }
}
