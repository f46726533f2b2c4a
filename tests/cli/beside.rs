//! Commands beside a running server: it goes by what they change within a second.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::support::{A_SECOND_WITH_SLACK, Place, wait};

#[test]
fn a_key_made_beside_the_server_works_until_it_is_revoked() {
    let (place, _) = Place::with_key();
    let server = place.serve();

    let key = place.key("deploy");
    assert_eq!(server.exchange(&key).status, 200);
    place.succeeds(&["key", "revoke", "deploy"]);
    let delay = server.until_status(&key, 401);

    assert!(delay < A_SECOND_WITH_SLACK, "the server went on for {delay:?}");
    let listed = place.json(&["key", "list"]);
    let deploy = listed.as_array().unwrap().iter().find(|it| it["name"] == "deploy").unwrap();
    assert_eq!(deploy["status"], "revoked");
}

#[test]
fn a_disabled_key_is_refused_and_an_enabled_one_works_again() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    assert_eq!(server.exchange(&key).status, 200);

    place.succeeds(&["key", "disable", &key.id]);
    let stopped = server.until_status(&key, 401);
    place.succeeds(&["key", "enable", &key.name]);
    let started = server.until_status(&key, 200);

    assert!(stopped.max(started) < A_SECOND_WITH_SLACK, "{stopped:?}, {started:?}");
}

#[test]
fn a_rotated_key_has_two_secrets_for_a_while() {
    let (place, key) = Place::with_key();
    let server = place.serve();

    let new = place.renewed(&key, &["key", "rotate", "ci"]);
    assert_eq!((server.exchange(&key).status, server.exchange(&new).status), (200, 200));
    place.succeeds(&["key", "rotate", "ci", "--old-secret-lives", "0", "--force"]);

    server.until_status(&new, 401);
    assert_eq!(server.exchange(&key).status, 401);
}

#[test]
fn when_a_key_was_last_used_is_listed() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    assert_eq!(server.exchange(&key).status, 200);

    let used = || place.json(&["key", "show", "ci"])["last_used_from"] == "127.0.0.1";

    wait(used, || "the use is not listed".to_owned());
}

#[test]
fn a_secret_goes_into_a_new_file_of_its_owner_only() {
    let (place, _) = Place::with_key();
    let path = place.path().join("key.json");
    let create = ["key", "create", "filed", "-d", "for a robot", "-f", "key.json"];

    let shown = place.succeeds(&create);

    let file: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!((&file["name"], &file["description"]), (&"filed".into(), &"for a robot".into()));
    assert!(!shown.contains(file["secret"].as_str().unwrap()), "{shown}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let refused = place.fails(&["key", "create", "other", "-f", "key.json"]);
    assert!(refused.contains("key.json"), "{refused}");
    assert!(place.fails(&["key", "show", "other"]).contains("there is no key other"));
}

#[test]
fn a_file_is_taken_back_where_no_key_is_made() {
    let (place, _) = Place::with_key();
    place.fails(&["key", "create", "ci", "-f", "key.json"]);
    assert!(!place.path().join("key.json").exists());
}

#[test]
fn ks_05_the_database_is_its_owners_only() {
    let (place, _) = Place::with_key();
    let _server = place.serve();
    for file in ["keyturn.db", "keyturn.db-wal", "keys/key-encryption-key"] {
        let mode = fs::metadata(place.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}: {mode:o}");
    }
}

#[test]
fn a_command_in_the_wrong_folder_makes_nothing() {
    let place = Place::new();
    let complaint = place.fails(&["key", "list"]);
    assert!(complaint.contains("there is no database keyturn.db"), "{complaint}");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn an_organization_that_is_not_named_must_be_the_only_one() {
    let (place, _) = Place::with_key();
    place.succeeds(&["organization", "create", "team", "--parent", "acme"]);

    let complaint = place.fails(&["key", "create", "x"]);

    assert!(complaint.contains("--org") && complaint.contains("acme/team"), "{complaint}");
    place.succeeds(&["key", "create", "x", "--org", "acme/team", "--expires", "30"]);
    place.fails(&["key", "create", "y", "--org", "acme/team", "--reach", "acme"]);
}
