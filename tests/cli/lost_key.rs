//! The key-encryption key is lost or exchanged: nothing is made over what it encrypted (JW-10).

use std::{fs, path::PathBuf};

use super::support::{Place, free_port};

const FILE: &str = "keys/key-encryption-key";

/// A place where a server has run, its signing keys, and where its key-encryption key is.
fn used() -> (Place, serde_json::Value, PathBuf) {
    let (place, _) = Place::with_key();
    place.serve().stop();
    let keys = place.json(&["signing-key", "list"]);
    let file = place.path().join(FILE);
    (place, keys, file)
}

#[test]
fn jw_10_a_lost_file_is_not_made_anew() {
    let (place, before, file) = used();
    fs::remove_file(&file).unwrap();

    for command in ["serve", "quickstart"] {
        let complaint = place.fails(&[command]);
        assert!(complaint.contains("keys/key-encryption-key is missing"), "{complaint}");
    }
    place.fails(&["signing-key", "rotate"]);
    place.fails(&["resource", "register", "api", "--scope", "read", "--algorithm", "EdDSA"]);

    assert!(!file.exists());
    assert_eq!(place.json(&["signing-key", "list"]), before);
}

#[test]
fn jw_10_another_key_is_refused_and_said_to_be_another() {
    let (place, before, file) = used();
    let (_other, _, others) = used();
    fs::copy(others, file).unwrap();

    let complaint = place.fails(&["serve"]);

    assert!(complaint.contains("were encrypted by key-encryption key"), "{complaint}");
    place.fails(&["signing-key", "rotate"]);
    assert_eq!(place.json(&["signing-key", "list"]), before);
}

#[test]
fn a_server_that_lost_the_file_for_ever_starts_with_new_keys() {
    let (place, keys, file) = used();
    fs::remove_file(&file).unwrap();

    for key in keys.as_array().unwrap() {
        place.succeeds(&["signing-key", "revoke", key["kid"].as_str().unwrap()]);
    }

    place.serve_on(free_port()).stop();
}
