//! The examples of `docs/API.md`, run as they stand.

use std::{fs, process::Command};

use super::support::Place;

/// All of the shell's lines, in their order: the later ones use what the earlier ones made.
fn script() -> String {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/API.md")).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect::<Vec<_>>().join("echo ---\n")
}

fn is_missing(program: &str) -> bool {
    let missing = Command::new(program).arg("--version").output().is_err();
    if missing {
        println!("skipped: {program} is not installed");
    }
    missing
}

#[test]
fn fx_40_the_examples_of_the_management_api_run_one_after_the_other() {
    if ["curl", "jq"].into_iter().any(is_missing) {
        return;
    }
    let mut place = Place::new();
    place.succeeds(&["migrate"]);
    let acme = place.json(&["organization", "create", "acme"]);
    place.set("REGISTRATION__MODE", "token");
    place.set("REGISTRATION__ORGANIZATION", acme["id"].as_str().unwrap());
    place.set("REGISTRATION__SCOPES", "keys:read");
    // As after `keyturn quickstart`: tokens that name no resource are for this one.
    let scopes = ["--scope", "read", "--scope", "write"];
    place.succeeds(&[&["resource", "register", "https://api.example.com"], &scopes[..]].concat());
    let port = super::support::free_port();
    let server = place.serve_on(port);

    let mut shell = place.program("sh", &["-euc", &script()]);
    shell.env("SERVER", format!("http://{}", server.address));
    let output = shell.output().unwrap();

    let made = fs::read_to_string(place.path().join("admin.json")).unwrap();
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    place.keep_out_of_logs(made["secret"].as_str().unwrap());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let told: Vec<_> = said.split("---\n").map(str::trim).collect();
    assert_eq!(told[2], "\"deploys from the pipeline\"");
    assert!(told[3].ends_with("[\n  false,\n  true\n]"), "{}", told[3]);
    assert_eq!(told[4], "revoked");
    assert_eq!(told[5], "\"admin\"\nnull");
    assert_eq!((told[6], told[7]), ("keys:read", "true"));
    assert_eq!(told[8], "false");
    assert!(told[9].starts_with("unknown field `role`"), "{}", told[9]);
    let access_token = "urn:ietf:params:oauth:token-type:access_token";
    assert_eq!(told[10], format!("{access_token}\nBearer\nkeys:read"));
    assert!(told.contains(&"200\n401"), "a revoked token: {said}");
    assert!(told.contains(&"a DPoP proof is demanded here"), "{said}");
    assert_eq!(told[told.len() - 3..told.len() - 1], ["keys:read", "Nightly build"], "{said}");
    assert_eq!(told.last(), Some(&"1\nrevoked"));
}
