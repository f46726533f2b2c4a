//! Keeping a credential, printing it, forgetting it.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
};

use super::{
    fake::any_key,
    home::{Home, mode},
};

const URL: &str = "https://id.example.com";

#[test]
fn a_key_is_kept_in_a_file_of_its_owner_only() {
    let (home, key) = (Home::new(), any_key());

    let kept = home.type_in(&["set-token", "--url", URL, "--name", "ci"], &format!("{key}\n"));

    assert_eq!((kept.code, kept.err.as_str()), (0, ""), "{kept:?}");
    assert!(!kept.out.contains(&key) && kept.out.contains(URL), "{kept:?}");
    assert_eq!(home.succeeds(&["token"]), key);
    assert_eq!(mode(&home.settings()), 0o600);
    assert_eq!(mode(home.settings().parent().unwrap()), 0o700);
    assert_eq!(home.read_settings(), format!("credential: {key}\nurl: {URL}\nname: ci\n"));
}

#[test]
fn the_folder_of_settings_is_where_the_user_wants_it() {
    let (mut home, key) = (Home::new(), any_key());
    let folder = home.path().join("elsewhere");
    home.set("XDG_CONFIG_HOME", folder.to_str().unwrap());

    home.type_in(&["set-token"], &key);

    assert!(folder.join("keyturn/settings.yaml").exists());
    assert!(!home.settings().exists());
}

#[test]
fn a_mistyped_key_is_noticed_offline_and_nothing_is_kept() {
    let (home, mut key) = (Home::new(), any_key());
    key.replace_range(10..11, if &key[10..11] == "a" { "b" } else { "a" });

    let refused = home.type_in(&["set-token"], &key);

    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("mistyped") && !refused.err.contains(&key[5..]), "{refused:?}");
    assert!(!home.settings().exists());
}

#[test]
fn what_is_no_credential_is_not_kept() {
    let home = Home::new();
    for text in ["", "\n", "two words\n", "one\ntwo\n"] {
        let refused = home.type_in(&["set-token"], text);
        assert_eq!(refused.code, 1, "{text:?}: {refused:?}");
    }
    assert!(!home.settings().exists());
}

#[test]
fn a_credential_is_no_argument() {
    let refused = Home::new().auth(&["set-token", &any_key()]);
    assert_eq!(refused.code, 2, "{refused:?}");
}

#[test]
fn a_secret_goes_nowhere_in_clear() {
    let home = Home::new();

    let refused = home.type_in(&["set-token", "--url", "http://id.example.com"], &any_key());

    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("https://"), "{refused:?}");
    assert!(!home.settings().exists());
}

#[test]
fn what_another_version_wrote_stays() {
    let home = Home::of(URL, "first");
    let text = home.read_settings() + "theme:\n  color: blue\n  sizes:\n  - 1\n  - 2\n";
    fs::write(home.settings(), text).unwrap();

    home.type_in(&["set-token"], "second");

    let expected =
        format!("credential: second\nurl: {URL}\ntheme:\n  color: blue\n  sizes:\n  - 1\n  - 2\n");
    assert_eq!(home.read_settings(), expected);
}

#[test]
fn damaged_settings_are_told_by_line_and_left_alone() {
    let home = Home::of(URL, "s3cret");
    let damaged = "url: https://id.example.com\ncredential: \"s3cret\n";
    fs::write(home.settings(), damaged).unwrap();

    for arguments in [["token"].as_slice(), &["token", "--bearer"], &["status"], &["logout"]] {
        let failed = home.auth(arguments);
        assert_eq!(failed.code, 1, "{failed:?}");
        assert!(failed.err.contains("settings.yaml, line "), "{failed:?}");
        assert!(!failed.err.contains("s3cret"), "{failed:?}");
    }
    assert_eq!(home.type_in(&["set-token"], "new").code, 1);
    assert_eq!(home.read_settings(), damaged);
}

#[test]
fn settings_of_the_wrong_type_are_told_by_name() {
    let home = Home::of(URL, "s3cret");
    for (text, complaint) in [
        ("credential: [s3cret]\n", "`credential` must be a text"),
        ("credential: s3cret\nurl: 5\n", "`url` must be a text"),
        ("- s3cret\n", "settings are lines"),
        ("credential: s3cret\nurl: http://id.example.com\n", "https://"),
    ] {
        fs::write(home.settings(), text).unwrap();
        let failed = home.auth(&["token"]);
        assert_eq!(failed.code, 1, "{text}: {failed:?}");
        assert!(failed.err.contains(complaint) && !failed.err.contains("s3cret"), "{failed:?}");
    }
}

#[test]
fn a_credential_that_others_can_read_is_not_used_until_that_is_mended() {
    let home = Home::of(URL, "opaque");
    fs::set_permissions(home.settings(), Permissions::from_mode(0o644)).unwrap();

    let refused = home.auth(&["token"]);

    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("chmod 600") && refused.err.contains("644"), "{refused:?}");
    assert_eq!(home.type_in(&["set-token"], "new").code, 0);
    assert_eq!(mode(&home.settings()), 0o600);
    assert_eq!(home.succeeds(&["token"]), "new");
}

#[test]
fn settings_behind_a_link_stay_behind_it() {
    let home = Home::of(URL, "first");
    let real = home.path().join("real.yaml");
    fs::rename(home.settings(), &real).unwrap();
    symlink(&real, home.settings()).unwrap();

    home.type_in(&["set-token"], "second");

    assert!(fs::symlink_metadata(home.settings()).unwrap().is_symlink());
    assert!(fs::read_to_string(real).unwrap().contains("second"));
}

#[test]
fn what_a_killed_process_left_behind_is_in_nobodys_way() {
    let home = Home::of(URL, "first");
    let left = home.settings().with_extension("new");
    fs::write(&left, "half of a fi").unwrap();

    assert_eq!(home.type_in(&["set-token"], "second").code, 0);

    assert_eq!(home.succeeds(&["token"]), "second");
    assert!(!left.exists());
}

#[test]
fn the_environment_wins_over_the_file() {
    let mut home = Home::of(URL, "kept");
    home.set("KEYTURN_API_KEY", "from-the-environment");

    assert_eq!(home.succeeds(&["token"]), "from-the-environment");
    home.unset("KEYTURN_API_KEY");
    home.set("KEYTURN_API_KEY", "");
    assert_eq!(home.succeeds(&["token"]), "kept");
}

#[test]
fn logging_out_forgets_the_credential_and_keeps_the_rest() {
    let home = Home::of(URL, "s3cret");

    let said = home.succeeds(&["logout"]);

    assert!(said.contains("goes on living") && said.contains("keyturn key revoke"), "{said}");
    assert_eq!(home.read_settings(), format!("url: {URL}\n"));
    assert_eq!(home.auth(&["token"]).code, 3);
    assert!(home.succeeds(&["logout"]).contains("No credential was kept"));
}

#[test]
fn whoever_holds_nothing_is_told_how_to() {
    for arguments in [["token"].as_slice(), &["token", "--bearer"], &["status"], &["header"]] {
        let refused = Home::new().auth(arguments);
        assert_eq!((refused.code, refused.out.as_str()), (3, ""), "{refused:?}");
        assert!(refused.err.contains("keyturn auth set-token"), "{refused:?}");
    }
}
