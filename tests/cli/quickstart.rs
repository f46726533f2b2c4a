//! `keyturn quickstart`: from an empty folder to a verified token, whatever happens on the way.

use std::{process::Command, thread, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;

use super::support::{Key, Place, Server, below, free_port, wait};

/// All that quickstart prints, once it has.
fn printed(server: &Server<'_>) -> String {
    let done = || server.printed("out").contains("Serving on");
    wait(done, || format!("quickstart prints nothing: {}", server.printed("log")));
    server.printed("out")
}

/// What stands in single quotes after `--data-urlencode 'field=`.
fn posted<'a>(text: &'a str, field: &str) -> &'a str {
    let begin = format!("--data-urlencode '{field}=");
    let (_, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("no {field} in:\n{text}"));
    rest.split('\'').next().unwrap()
}

fn key(text: &str) -> Key {
    let (name, secret) = (posted(text, "name").to_owned(), posted(text, "secret").to_owned());
    Key { name, secret, id: String::new() }
}

/// Whatever a resource server does with a token.
fn verify(server: &Server<'_>, token: &str) -> Value {
    let jwks: JwkSet =
        serde_json::from_value(server.get("/.well-known/jwks.json").unwrap().json()).unwrap();
    let kid = decode_header(token).unwrap().kid.unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&["https://api.example.com"]);
    validation.set_issuer(&[format!("http://{}", server.address)]);
    let jwk = DecodingKey::from_jwk(jwks.find(&kid).expect("the key is published")).unwrap();
    decode(token, &jwk, &validation).unwrap().claims
}

#[test]
fn what_is_printed_gives_a_token_that_verifies() {
    let place = Place::new();
    let server = place.spawn("quickstart", free_port());
    let text = printed(&server);
    let key = key(&text);
    place.keep_out_of_logs(&key.secret);

    let token = server.exchange(&key).token();

    assert_eq!(token.split('.').count(), 3);
    assert_eq!(verify(&server, &token)["scope"], "read write");
    assert!(text.contains(&format!("http://{}/.well-known/jwks.json", server.address)), "{text}");
    assert!(text.contains("audience=\"https://api.example.com\""), "{text}");
    assert!(text.contains("leeway=30"), "clocks differ: {text}");
}

/// The lines between `TOKEN=$(curl` and `access_token)`, run by a shell.
#[test]
fn the_printed_lines_can_be_pasted() {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !has("curl") || !has("jq") {
        eprintln!("skipped: no curl or no jq");
        return;
    }
    let place = Place::new();
    let server = place.spawn("quickstart", free_port());
    let text = printed(&server);
    let begin = text.find("TOKEN=$(curl").unwrap();
    let end = text.find("access_token)").unwrap() + "access_token)".len();
    let script = format!("{}\nprintf %s \"$TOKEN\"", &text[begin..end]);

    let output = Command::new("sh").args(["-c", &script]).output().unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    verify(&server, &String::from_utf8(output.stdout).unwrap());
}

#[test]
fn a_second_run_serves_what_is_there_and_shows_no_secret() {
    let place = Place::new();
    let port = free_port();
    let server = place.spawn("quickstart", port);
    let key = key(&printed(&server));
    server.stop();

    let server = place.spawn("quickstart", port);
    let text = printed(&server);

    assert!(!text.contains("ktk_"), "{text}");
    assert!(text.contains("keyturn key create"), "{text}");
    assert_eq!(server.exchange(&key).status, 200);
}

#[test]
fn an_address_in_use_leaves_the_folder_empty() {
    let (place, busy) = (Place::new(), Place::new());
    let occupied = busy.spawn("quickstart", free_port());
    printed(&occupied);

    let mut command = place.command(&["quickstart"]);
    let output = command.env("KEYTURN_LISTEN", occupied.address.to_string()).output().unwrap();

    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot listen on"));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

/// FI-02: killed wherever it is, the next run either makes all or finds all.
#[test]
fn a_quickstart_that_was_killed_is_finished_by_the_next() {
    for _ in 0..10 {
        let place = Place::new();
        let port = free_port();
        for _ in 0..3 {
            let server = place.spawn("quickstart", port);
            thread::park_timeout(Duration::from_micros(below(60_000)));
            server.kill();
        }

        let server = place.spawn("quickstart", port);
        let text = printed(&server);

        let keys = place.json(&["key", "list"]);
        assert_eq!(keys.as_array().unwrap().len(), 1, "{text}");
        assert_eq!(place.json(&["resource", "list"])[0]["is_default"], true);
        server.wait_until_ready();
    }
}
