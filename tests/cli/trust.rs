//! Rules of trust from the command line, on a real server.

use std::fs;

use serde_json::json;

use super::{
    foreign::Foreigner,
    http::Connection,
    support::{Key, Place},
};

const ISSUER: &str = "https://ci.example.com";
/// Far in the time to come, so that the token of a test does not expire.
const EXP: i64 = 4_000_000_000;

/// A place with a rule whose keys are pinned, and whoever signs by them.
fn place() -> (Place, Foreigner) {
    let (place, _): (Place, Key) = Place::with_key();
    let issuer = Foreigner::new("k1");
    fs::write(place.path().join("keys.json"), issuer.jwks()).unwrap();
    place.succeeds(&[
        "trust",
        "create",
        "deploy",
        "--issuer",
        ISSUER,
        "--jwks",
        "keys.json",
        "--audience",
        "keyturn",
        "--if",
        "project=web",
        "--if",
        "ref=main",
        "--if",
        "ref=v*",
        "--role",
        "viewer",
    ]);
    (place, issuer)
}

fn token(issuer: &Foreigner, branch: &str) -> String {
    issuer.token(&json!({
        "iss": ISSUER, "aud": "keyturn", "sub": "job", "jti": branch, "exp": EXP,
        "project": "web", "ref": branch,
    }))
}

#[test]
fn a_token_is_tried_out_without_being_used_up() {
    let (place, issuer) = place();
    let (good, bad) = (token(&issuer, "v1"), token(&issuer, "dev"));

    let holds = place.succeeds(&["trust", "test", &good, "--offline"]);
    let again = place.json(&["trust", "test", &good]);
    let does_not = place.fails(&["trust", "test", &bad]);
    let forged = place.fails(&["trust", "test", &token(&Foreigner::new("k1"), "v1")]);
    place.succeeds(&["trust", "disable", "deploy"]);
    let disabled = place.fails(&["trust", "test", &good]);

    assert!(holds.contains("Rule deploy of acme holds:"), "{holds}");
    assert!(holds.contains("yes  `ref` is `v1`, as `main` or `v*`"), "{holds}");
    assert_eq!(again[0]["holds"], true);
    assert!(does_not.contains("no   `ref` is `dev`, not `main` or `v*`"), "{does_not}");
    assert!(does_not.contains("no rule holds"), "{does_not}");
    assert!(forged.contains("signature is wrong"), "{forged}");
    assert!(disabled.contains("would hold, but is disabled"), "{disabled}");
}

#[test]
fn a_rule_is_looked_at_changed_and_deleted() {
    let (place, _) = place();

    let shown = place.succeeds(&["trust", "show", "deploy"]);
    let list = place.json(&["trust", "list"]);
    place.succeeds(&["trust", "update", "deploy", "--if", "project=web", "--resource", "api"]);
    place.succeeds(&["trust", "update", "deploy", "--alg", "RS256", "--alg", "ES256"]);
    let changed = place.json(&["trust", "show", "deploy"]);
    let shared = place.fails(&["trust", "update", "deploy", "--alg", "HS256"]);
    place.succeeds(&["trust", "update", "deploy", "--alg", "any"]);
    let any = place.succeeds(&["trust", "show", "deploy"]);
    let flawed = place.fails(&["trust", "update", "deploy", "--if", "repository=acme/web"]);
    place.succeeds(&["trust", "delete", "deploy"]);
    let gone = place.fails(&["trust", "show", "deploy"]);

    assert!(shown.contains("ref is main or v*") && shown.contains("pinned"), "{shown}");
    assert_eq!(list[0]["name"], "deploy");
    assert_eq!(changed["conditions"], json!({ "project": ["web"] }));
    assert_eq!(changed["resources"], json!(["api"]));
    assert_eq!(changed["algorithms"], json!(["ES256", "RS256"]));
    assert!(shared.contains("those of a public key"), "{shared}");
    assert!(any.contains("any algorithm"), "{any}");
    assert!(flawed.contains("repository_id"), "{flawed}");
    assert!(gone.contains("there is no rule deploy"), "{gone}");
}

#[test]
fn a_job_gets_a_token_from_a_server_that_runs() {
    let (place, issuer) = place();
    let server = place.serve();
    let token = token(&issuer, "main");
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    let form = format!("{grant}&assertion={token}");

    let form_type = "Content-Type: application/x-www-form-urlencoded\r\n";
    let mut connection = Connection::open(server.address).unwrap();
    let answer = connection.post("/oauth2/token", form_type, &form).unwrap();
    let again = connection.post("/oauth2/token", form_type, &form).unwrap();

    assert_eq!(answer.token().split('.').count(), 3);
    assert_eq!(again.status, 400, "{}", again.body);
}
