//! What had ended after a backup ends again when it is restored with an audit export, and what
//! cannot be ended or proven is said.

use std::fs;

use super::{
    leaked::GitHub,
    support::{Key, Place},
};

const COPY: &str = "copy.backup";
const EXPORT: &str = "audit.jsonl";

/// A place with a key and a backup, and these settings.
fn backed_up(settings: &[(&str, &str)]) -> (Place, Key) {
    let (place, key) = Place::with_key_and(settings);
    place.succeeds(&["backup", COPY, "--with-key-encryption-key"]);
    (place, key)
}

/// A place beside it with nothing in it but the backup and the export of what came after, which
/// lacks so many lines at its beginning.
fn beside(place: &Place, without: usize) -> Place {
    let mut other = Place::new();
    other.set("DATABASE__URL", "sqlite:keyturn.db");
    fs::copy(place.path().join(COPY), other.path().join(COPY)).unwrap();
    let export = place.succeeds(&["audit", "export"]);
    let lines: Vec<_> = export.lines().skip(without).collect();
    fs::write(other.path().join(EXPORT), lines.join("\n")).unwrap();
    other
}

const RESTORE: [&str; 4] = ["restore", COPY, "--audit", EXPORT];

#[test]
fn fx_27_a_restore_ends_a_key_again_whose_secret_leaked_after_the_backup() {
    let github = GitHub::start();
    let settings = github.settings();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (place, key) = backed_up(&settings);
    let server = place.serve();
    github.report(&server, &key.secret);
    server.stop();
    let restored = beside(&place, 0);

    let told = restored.succeeds(&RESTORE);

    assert!(told.contains("(api_key.leaked)"), "{told}");
    assert_eq!(restored.json(&["key", "show", "ci"])["status"], "revoked");
}

#[test]
fn fx_27_a_restore_says_what_its_export_does_not_prove() {
    let (place, _) = backed_up(&[]);
    let before = place.succeeds(&["audit", "export"]).lines().count();
    place.succeeds(&["key", "update", "ci", "--description", "changed since"]);
    place.succeeds(&["key", "revoke", "ci"]);
    let (whole, unproven, late) =
        (beside(&place, before - 1), beside(&place, before), beside(&place, before + 1));

    let whole = whole.succeeds(&RESTORE);
    let unproven = unproven.succeeds(&RESTORE);
    let late = late.succeeds(&RESTORE);

    let (proof, gap) = ("nothing proves", "begins too late");
    assert!(!whole.contains(proof) && !whole.contains(gap), "{whole}");
    assert!(unproven.contains(proof) && !unproven.contains(gap), "{unproven}");
    assert!(late.contains(proof) && late.contains(gap), "{late}");
    for told in [whole, unproven, late] {
        assert!(told.contains("(api_key.revoked)"), "{told}");
    }
}

/// The organization that runs the server cannot be disabled, and that another one came to run it is
/// lost.
#[test]
fn fx_27_a_restore_lists_what_could_not_be_ended_again_and_goes_on() {
    let (place, _) = backed_up(&[]);
    place.succeeds(&["org", "create", "beta"]);
    place.succeeds(&["server", "operators", "set", "beta"]);
    place.succeeds(&["org", "disable", "acme"]);
    place.succeeds(&["key", "revoke", "ci"]);
    let restored = beside(&place, 0);

    let told = restored.fails(&RESTORE);

    assert!(told.contains("1 of what had ended works again"), "{told}");
    assert_eq!(restored.json(&["key", "show", "ci"])["status"], "revoked");
}
