//! A key pair of the holder: tokens are bound to it, and whoever copies them has nothing.

use std::fs;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{
    super::{http::Connection, support::Place},
    fake::{Fake, any_key},
    home::{Home, mode},
};

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn a_proof_key_is_made_once_and_nobody_else_reads_it() {
    let home = Home::new();
    let path = home.path().join(".config/keyturn/proof-key.pem");

    let made = home.auth(&["proof-key"]);
    let again = home.json(&["proof-key", "--json"]);

    let thumbprint = made.out.trim_end();
    assert_eq!((made.code, thumbprint.len()), (0, 43), "{made:?}");
    assert_eq!(made.err, "", "the thumbprint alone, for another command");
    assert_eq!(again["thumbprint"], thumbprint);
    assert_eq!(again["file"], path.to_str().unwrap());
    assert_eq!(mode(&path), 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("-----BEGIN PRIVATE KEY-----"), "{text}");
    assert!(!made.out.contains(text.lines().nth(1).unwrap()));
}

#[test]
fn a_key_that_demands_the_proof_is_of_use_only_in_the_home_that_holds_it() {
    for nonce in ["off", "required"] {
        let (place, key) = Place::with_key_and(&[("DPOP__NONCE", nonce)]);
        let server = place.serve();
        let url = format!("http://{}", server.address);
        let (home, thiefs) = (Home::of(&url, &key.secret), Home::of(&url, &key.secret));
        let thumbprint = home.succeeds(&["proof-key"]);
        place.succeeds(&["key", "update", "ci", "--proof", &thumbprint]);

        let token = home.json(&["token", "--bearer", "--fresh", "--json"]);
        let without = thiefs.auth(&["token", "--bearer"]);
        thiefs.succeeds(&["proof-key"]);
        let with_another = thiefs.auth(&["token", "--bearer"]);

        let bound = token["access_token"].as_str().unwrap();
        place.keep_out_of_logs(bound);
        assert_eq!(token["token_type"], "DPoP", "{nonce}");
        assert_eq!(claims(bound)["cnf"]["jkt"], thumbprint);
        assert_eq!(home.succeeds(&["token", "--bearer"]), bound, "it is kept");
        for refused in [without, with_another] {
            assert_ne!(refused.code, 0, "{nonce}: {refused:?}");
            assert!(refused.err.contains("invalid_dpop_proof"), "{nonce}: {refused:?}");
        }
    }
}

#[test]
fn a_header_of_a_bound_token_goes_with_a_proof_for_one_request() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    let url = format!("http://{}", server.address);
    let home = Home::of(&url, &key.secret);
    home.succeeds(&["proof-key"]);
    let target = format!("{url}/api/v1/organizations");
    let asked = ["header", "--resource", &url, "--for", &target];
    let get = |headers: &str| {
        let headers = format!("{}\r\n", headers.replace('\n', "\r\n"));
        let mut connection = Connection::open(server.address).unwrap();
        connection.get_with("/api/v1/organizations", &headers).unwrap().status
    };

    let headers = home.succeeds(&asked);
    let nowhere = home.auth(&["header", "--resource", &url]);
    let (first, again) = (get(&headers), get(&headers));
    let next = get(&home.succeeds(&asked));

    let (token, proof) = headers.split_once('\n').unwrap();
    place.keep_out_of_logs(token.strip_prefix("Authorization: DPoP ").unwrap());
    assert!(proof.starts_with("DPoP: eyJ"), "{proof}");
    assert_eq!((first, again, next), (200, 401, 200), "a proof counts once");
    assert_eq!((nowhere.code, nowhere.err.contains("--for")), (2, true), "{nowhere:?}");
}

#[test]
fn fx_37d_a_header_has_the_nonce_that_the_server_wants() {
    let (place, key) = Place::with_key_and(&[("DPOP__NONCE", "required")]);
    let server = place.serve();
    let url = format!("http://{}", server.address);
    let home = Home::of(&url, &key.secret);
    home.succeeds(&["proof-key"]);
    let target = format!("{url}/api/v1/organizations");

    let headers = home.succeeds(&["header", "--resource", &url, "--for", &target]);

    place.keep_out_of_logs(headers.lines().next().unwrap().rsplit(' ').next().unwrap());
    let mut connection = Connection::open(server.address).unwrap();
    let headers = format!("{}\r\n", headers.replace('\n', "\r\n"));
    let answer = connection.get_with("/api/v1/organizations", &headers).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[test]
fn who_cannot_prove_a_key_is_given_no_bound_token() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    let home = Home::of(&format!("http://{}", server.address), &key.secret);
    home.succeeds(&["proof-key"]);

    let kubernetes = home.auth(&["exec-credential"]);

    assert_eq!((kubernetes.code, kubernetes.out.as_str()), (2, ""), "{kubernetes:?}");
    assert!(kubernetes.err.contains("keyturn auth proof-key"), "{kubernetes:?}");
}

/// As one that knows no proofs gives it, and ours does where it is asked by none.
#[test]
fn a_server_that_binds_nothing_gives_a_bearer_token() {
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());
    let before = home.succeeds(&["token", "--bearer"]);
    home.succeeds(&["proof-key"]);

    let after = home.json(&["token", "--bearer", "--json"]);

    assert_eq!((before.as_str(), &after["access_token"]), ("token-1", &"token-2".into()));
    assert_eq!(after["token_type"], "Bearer");
}

#[test]
fn a_proof_key_that_others_can_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());
    home.succeeds(&["proof-key"]);
    let path = home.path().join(".config/keyturn/proof-key.pem");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();

    let refused = home.auth(&["token", "--bearer"]);

    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(refused.err.contains("open to others"), "{refused:?}");
    assert_eq!(fake.asked(), 0);
}
