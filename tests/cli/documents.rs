//! The examples of our documents, run as they stand.

use std::{fs, path::Path, process::Command};

use keyturn::domain::RoleName;

use super::support::{Place, free_port, said};

/// The shell's lines below a heading.
pub(crate) fn examples(document: &str, heading: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let text = fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// Tells, with a word to whoever reads the log, where a program is missing.
pub(crate) fn is_missing(program: &str) -> bool {
    let missing = Command::new(program).arg("--help").output().is_err();
    if missing {
        eprintln!("skipped: there is no {program}");
    }
    missing
}

/// What the shell printed. Panics unless all of the script succeeds.
pub(crate) fn shell(place: &Place, script: &str) -> String {
    let output = place.program("sh", &["-euc", script]).output().unwrap();
    assert!(output.status.success(), "{script}\n{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The secrets that a script has shown or written, which must not appear in a log.
fn keep_out_of_logs(place: &Place, text: &str) {
    for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        if word.starts_with("ktk_") || word.starts_with("ktc_") {
            place.keep_out_of_logs(word);
        }
    }
}

/// A place whose commands know where its server will listen.
fn settled() -> (Place, u16) {
    let (mut place, port) = (Place::new(), free_port());
    place.set("LISTEN", &format!("127.0.0.1:{port}"));
    (place, port)
}

#[test]
fn following_the_readme_a_key_is_made_used_rotated_and_revoked() {
    if ["sh", "curl", "jq"].into_iter().any(is_missing) {
        return;
    }
    let (place, port) = settled();
    let server = place.spawn("quickstart", port);
    server.wait_until_ready();
    let url = format!("http://{}", server.address);
    let examples = examples("README.md", "The life of a key");
    let script = examples.join("").replace("http://127.0.0.1:8080", &url);

    let told = shell(&place, &(script.clone() + "\nkeyturn key show deploy --json\n"));

    keep_out_of_logs(&place, &told);
    for step in ["create", "rotate", "rotation", "revoke"] {
        assert!(script.contains(&format!("keyturn key {step} deploy")), "{script}");
    }
    assert!(told.contains("Key deploy is revoked. This is final."), "{told}");
    assert!(told.contains("\"status\": \"revoked\""), "{told}");
}

#[test]
fn the_examples_for_those_who_manage_keys_run_one_after_the_other() {
    if ["sh", "curl", "jq"].into_iter().any(is_missing) {
        return;
    }
    let (place, port) = settled();
    let server = place.spawn("quickstart", port);
    server.wait_until_ready();
    let examples = examples("docs/CLI.md", "Managing keys");

    let told = shell(&place, &examples.join(""));

    keep_out_of_logs(&place, &told);
    assert!(examples.len() >= 6, "{examples:?}");
}

#[test]
fn fx_40_the_readme_says_which_scopes_of_resources_the_built_in_roles_have() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();

    for (role, scopes) in RoleName::all_built_in() {
        // Those with a colon are for the management API.
        let names = scopes.iter().filter(|scope| !scope.contains(':'));
        let names: Vec<_> = names.map(|scope| format!("`{scope}`")).collect();
        let (end, others) = names.split_last().unwrap();
        let sum = match others {
            [] => end.clone(),
            _ => format!("{} and {end}", others.join(", ")),
        };
        let sentence = format!("`{}` has {sum}", role.as_str());
        assert!(text.contains(&sentence), "README.md does not say: {sentence}");
    }
}
