//! What is set wrong is said before anything is made.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use super::support::Place;

#[test]
fn an_unknown_setting_is_named() {
    let place = Place::new();
    fs::write(place.path().join("keyturn.toml"), "lisen = \"127.0.0.1:1\"\n").unwrap();
    let complaint = place.fails(&["serve"]);
    assert!(
        complaint.contains("keyturn.toml, line 1") && complaint.contains("lisen"),
        "{complaint}"
    );
    assert!(!place.path().join("keyturn.db").exists());
}

#[test]
fn an_unknown_variable_is_named() {
    let mut place = Place::new();
    place.set("LISEN", "127.0.0.1:1");
    let complaint = place.fails(&["serve"]);
    assert!(complaint.contains("KEYTURN_LISEN: there is no setting lisen"), "{complaint}");
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let complaint = Place::new().fails(&["serve", "--config", "absent.toml"]);
    assert_eq!(complaint.matches("No such file").count(), 1, "{complaint}");
}

#[test]
fn jw_06_a_key_file_that_others_can_read_is_refused() {
    let (place, _) = Place::with_key();
    place.serve().stop();
    let file = place.path().join("keys/key-encryption-key");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();

    let complaint = place.fails(&["serve"]);

    assert!(complaint.contains("chmod 600 keys/key-encryption-key"), "{complaint}");
}

#[test]
fn a_database_that_cannot_be_opened_is_named_without_its_password() {
    let mut place = Place::new();
    place.set("DATABASE__URL", "sqlite:nowhere/keyturn.db");
    let complaint = place.fails(&["serve"]);
    assert!(complaint.contains("nowhere/keyturn.db"), "{complaint}");

    let mut place = Place::new();
    place.set("DATABASE__URL", "postgres://u:pass-word@127.0.0.1:1/x");
    let complaint = place.fails(&["key", "list"]);
    assert!(complaint.contains("refused") && !complaint.contains("pass-word"), "{complaint}");
}
