//! One file for everything: applied, applied again, drifted from, exported; beside a server.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use serde_json::Value;

use super::{
    postgres,
    support::{Key, Place, Server, wait},
};

const FILE: &str = "declared.toml";

const ACME: &str = r#"
default_resource = "https://api.example.com"

[[organization]]
path = "acme"
enabled = true

[[organization]]
path = "acme/team"

[[role]]
organization = "acme"
name = "deployer"
scopes = ["deploy", "read"]

[[resource]]
identifier = "https://api.example.com"
scopes = ["deploy", "read", "write"]

[[user]]
email = "ada@example.com"
name = "Ada"

[[member]]
organization = "acme"
user = "ada@example.com"
role = "owner"

[[key]]
organization = "acme"
name = "ci"
description = "Builds\nat \"night\""
roles = ["deployer"]
reach = ["acme/team"]
expires = 2030-01-31
write_secret_to = "secrets/ci"

[[key]]
user = "ada@example.com"
name = "laptop"
allowed_networks = ["127.0.0.0/8"]
enabled = false
write_secret_to = "secrets/laptop"
"#;

/// A migrated database, where keys may live long, and a folder for their secrets.
fn prepared(mut place: Place) -> Place {
    place.set("API_KEYS__LONGEST_LIFETIME_DAYS", "3650");
    place.succeeds(&["migrate"]);
    fs::create_dir(place.path().join("secrets")).unwrap();
    place
}

fn on_sqlite() -> Place {
    prepared(Place::new())
}

async fn on_each_engine() -> Vec<Place> {
    let mut places = vec![on_sqlite()];
    if let Some(server) = postgres::server() {
        let mut place = Place::new();
        place.set("DATABASE__URL", &server.database().await);
        places.push(prepared(place));
    }
    places
}

fn write(place: &Place, text: &str) {
    fs::write(place.path().join(FILE), text).unwrap();
}

/// Its exit code, and what it printed.
fn plan(place: &Place, file: &str) -> (i32, String) {
    let output = place.run(&["apply", file, "--plan"]);
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn key(place: &Place, name: &str, file: &str) -> Key {
    let secret = fs::read_to_string(place.path().join(file)).unwrap();
    let secret = secret.strip_suffix('\n').unwrap().to_owned();
    place.keep_out_of_logs(&secret);
    Key { name: name.to_owned(), secret, id: String::new() }
}

fn files(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

fn until_status(server: &Server<'_>, key: &Key, status: u16) {
    wait(|| server.exchange(key).status == status, || format!("never {status}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_makes_everything_and_a_second_time_nothing() {
    for place in on_each_engine().await {
        write(&place, ACME);
        let server = place.serve();

        let (code, planned) = plan(&place, FILE);
        let nothing_yet = place.json(&["organization", "list"]);
        let applied = place.succeeds(&["apply", FILE]);
        let again = place.json(&["apply", FILE]);

        assert_eq!((code, nothing_yet), (5, Value::Array(Vec::new())));
        let made = planned.lines().filter(|line| line.starts_with("+ ")).count();
        assert_eq!(made, 8, "{planned}");
        assert!(applied.starts_with(&planned), "{applied}");
        assert!(applied.ends_with("Done: 10 changes.\n"), "{applied}");
        assert_eq!(again, serde_json::json!({ "applied": [], "unnamed": [] }));
        let ci = key(&place, "ci", "secrets/ci");
        let laptop = key(&place, "laptop", "secrets/laptop");
        until_status(&server, &ci, 200);
        assert_eq!(server.exchange(&laptop).status, 401, "it is disabled");
        let secret_file = fs::metadata(place.path().join("secrets/ci")).unwrap();
        assert_eq!(secret_file.permissions().mode() & 0o777, 0o600);
        assert!(!applied.contains(&ci.secret) && !applied.contains(&laptop.secret), "{applied}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_file_changes_nothing_and_makes_the_same_again() {
    for place in on_each_engine().await {
        write(&place, ACME);
        place.succeeds(&["apply", FILE]);
        place.succeeds(&["organization", "create", "a-b"]);
        let first = key(&place, "ci", "secrets/ci");

        let exported = place.succeeds(&["export"]);
        write(&place, &exported);
        let (code, planned) = plan(&place, FILE);
        write(&place, &place.succeeds(&["export", "--org", "acme/team"]));
        let (team_code, said_of_team) = plan(&place, FILE);

        assert_eq!((code, planned.as_str()), (0, "There is nothing to change.\n"), "{exported}");
        assert_eq!(place.succeeds(&["export"]), exported);
        assert!(!exported.contains(&first.secret), "{exported}");
        assert_eq!(team_code, 0, "{said_of_team}");
        assert!(said_of_team.contains("? organization a-b is there, not in the file"));
        let key_of = "name = \"ci\"";
        let again = exported
            .replace(key_of, "name = \"ci\"\nwrite_secret_to = \"ci\"")
            .replace("name = \"laptop\"", "name = \"laptop\"\nwrite_secret_to = \"laptop\"");
        let other = on_sqlite();
        write(&other, &again);
        other.succeeds(&["apply", FILE]);
        assert_eq!(other.succeeds(&["export"]), exported);
    }
}

#[test]
fn what_was_changed_by_hand_is_shown_and_changed_back() {
    let place = on_sqlite();
    write(&place, ACME);
    place.succeeds(&["apply", FILE]);
    let server = place.serve();
    let ci = key(&place, "ci", "secrets/ci");
    assert_eq!(server.exchange(&ci).status, 200);

    place.succeeds(&["role", "define", "deployer", "--org", "acme", "--scope", "read"]);
    place.succeeds(&["organization", "create", "operators"]);
    place.succeeds(&["server", "operators", "set", "operators"]);
    place.succeeds(&["organization", "disable", "acme"]);
    place.succeeds(&["role", "define", "extra", "--org", "acme", "--scope", "read"]);
    until_status(&server, &ci, 401);
    let (code, planned) = plan(&place, FILE);
    place.succeeds(&["apply", FILE]);

    assert_eq!(code, 5);
    let expected = "\
        ~ organization acme\n    enabled: false → true\n\
        ~ role deployer of acme\n    scopes: read → deploy read\n\
        ? organization operators is there, not in the file, and stays as it is\n\
        ? role extra of acme is there, not in the file, and stays as it is\n";
    assert_eq!(planned, expected);
    until_status(&server, &ci, 200);
    assert_eq!(plan(&place, FILE).0, 0);
}

#[test]
fn a_file_that_cannot_be_changes_nothing_and_names_the_line() {
    let place = on_sqlite();
    let key = "[[key]]\norganization = \"acme\"\nname = \"x\"\n";
    let lines = ACME.lines().count();
    let cases = [
        ("[[organization]]\npath = \"b\"\nenable = true\n".to_owned(), 3, "unknown field `enable`"),
        ("[[clients]]\nname = \"x\"\n".to_owned(), 1, "unknown field `clients`"),
        (key.to_owned(), 1, "write_secret_to"),
        (format!("{key}secret = \"ktk_1\"\n"), 4, "unknown field `secret`"),
        (
            format!("{key}roles = [\"nobodys\"]\nwrite_secret_to = \"x\"\n"),
            1,
            "role nobodys is not",
        ),
        (
            format!("{key}expires = 2001-01-01\nwrite_secret_to = \"x\"\n"),
            1,
            "must expire in the future",
        ),
        (
            format!("{key}reach = [\"b\"]\nwrite_secret_to = \"x\"\n"),
            1,
            "there is no organization b",
        ),
        ("[[organization]]\npath = \"acme\"\n".to_owned(), 1, "stands at line 4, column 1 already"),
        (
            "[[member]]\norganization = \"acme\"\nuser = \"b@b\"\nrole = \"owner\"\n".to_owned(),
            1,
            "add a [[user]]",
        ),
        (
            "[[role]]\norganization = \"acme\"\nname = \"owner\"\nscopes = []\n".to_owned(),
            1,
            "built in",
        ),
    ];
    for (more, line, expected) in cases {
        write(&place, &format!("{ACME}{more}"));

        let planned = place.fails(&["apply", FILE, "--plan"]);
        let applied = place.fails(&["apply", FILE]);

        let place_in_file = format!("{FILE}, line {}, column", lines + line);
        assert!(
            applied.contains(&place_in_file) && applied.contains(expected),
            "{more}\n{applied}"
        );
        assert_eq!(planned, applied);
        assert_eq!(place.json(&["organization", "list"]), Value::Array(Vec::new()), "{more}");
        assert!(files(&place.path().join("secrets")).is_empty(), "{more}");
    }
}

#[test]
fn a_secret_that_cannot_be_written_leaves_nothing_not_even_the_one_before_it() {
    let place = on_sqlite();
    write(&place, ACME);
    let taken = place.path().join("secrets/laptop");
    fs::write(&taken, "another secret").unwrap();

    let planned = place.fails(&["apply", FILE, "--plan"]);
    let applied = place.fails(&["apply", FILE]);

    let expected = "key laptop of ada@example.com: cannot make the new file secrets/laptop";
    assert!(planned.contains(expected), "{planned}");
    assert!(applied.contains(expected), "{applied}");
    assert_eq!(fs::read_to_string(&taken).unwrap(), "another secret");
    assert_eq!(files(&place.path().join("secrets")), ["laptop"]);
    assert_eq!(place.json(&["organization", "list"]), Value::Array(Vec::new()));
    assert_eq!(place.json(&["signing-key", "list"]), Value::Array(Vec::new()));
}

#[test]
fn a_path_for_a_secret_begins_at_the_folder_of_the_file() {
    let place = on_sqlite();
    let file = "[[organization]]\npath = \"acme\"\n\
                [[key]]\norganization = \"acme\"\nname = \"ci\"\nwrite_secret_to = \"ci\"\n";
    fs::write(place.path().join("secrets").join(FILE), file).unwrap();

    place.succeeds(&["apply", &format!("secrets/{FILE}")]);

    assert!(place.path().join("secrets/ci").exists());
}

#[test]
fn a_revoked_key_is_no_drift_and_cannot_be_declared() {
    let place = on_sqlite();
    write(&place, ACME);
    place.succeeds(&["apply", FILE]);
    place.succeeds(&["key", "revoke", "ci"]);

    let exported = place.succeeds(&["export"]);
    let refused = place.fails(&["apply", FILE]);
    write(&place, &exported);

    assert!(refused.contains("key ci of acme is revoked, and stays so"), "{refused}");
    assert_eq!(plan(&place, FILE), (0, "There is nothing to change.\n".to_owned()));
}

#[test]
fn the_end_of_a_key_changes_only_where_the_setting_says_so() {
    let mut place = on_sqlite();
    write(&place, ACME);
    place.succeeds(&["apply", FILE]);
    write(&place, &ACME.replace("2030-01-31", "2029-01-31"));

    let refused = place.fails(&["apply", FILE]);
    place.set("API_KEYS__EXPIRY_MAY_CHANGE", "true");
    let changed = place.succeeds(&["apply", FILE]);

    assert!(refused.contains("key ci of acme: when a key expires is fixed"), "{refused}");
    assert!(changed.contains("expires: 2030-01-31T00:00:00Z → 2029-01-31T00:00:00Z"), "{changed}");
}

/// The blocks of one language in the guide.
fn examples(language: &str) -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/DECLARATIVE.md");
    let text = fs::read_to_string(path).unwrap();
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_examples_of_the_guide_run_one_after_the_other() {
    let place = Place::new();
    let program = Path::new(env!("CARGO_BIN_EXE_keyturn")).parent().unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", program.display());
    let file = &examples("toml")[0];
    fs::write(place.path().join("keyturn.declared.toml"), file).unwrap();

    let examples = examples("sh");
    assert!(examples.len() >= 4, "{examples:?}");
    for example in examples {
        let mut shell = Command::new("sh");
        shell.args(["-euc", &example]).current_dir(place.path()).env_clear().env("PATH", &path);
        let output = shell.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{example}\n{said}");
    }

    let key = key(&place, "nightly build", "nightly-build.secret");
    let server = place.serve();
    assert_eq!(server.exchange(&key).status, 200);
}
