//! A database is backed up, restored and moved between engines, and nobody who uses it notices.

use std::{fs, os::unix::fs::PermissionsExt as _};

use keyturn::store::{Options, Store, transfer};

use super::{
    postgres,
    support::{Key, Place},
};

const REFRESH: [(&str, &str); 2] =
    [("REFRESH_TOKENS__FOR_API_KEYS", "true"), ("REFRESH_TOKENS__ROTATE_FOR_API_KEYS", "true")];

/// The same settings in a folder with nothing in it.
fn elsewhere(database: &str) -> Place {
    let mut place = Place::new();
    for (name, value) in REFRESH {
        place.set(name, value);
    }
    place.set("ISSUER", "http://127.0.0.1:8080");
    place.set("DATABASE__URL", database);
    place
}

fn original() -> (Place, Key) {
    let mut settings = REFRESH.to_vec();
    settings.push(("ISSUER", "http://127.0.0.1:8080"));
    Place::with_key_and(&settings)
}

/// An access token's refresh token.
fn refresh_token(place: &Place, key: &Key) -> String {
    let server = place.serve();
    let answer = server.exchange(key);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    server.stop();
    place.keep_out_of_logs(&token);
    token
}

/// The status of a refresh at a server that is started for it.
fn refresh(place: &Place, token: &str) -> u16 {
    let server = place.serve();
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    let status = server.post("/oauth2/token", &form).status;
    server.stop();
    status
}

#[test]
fn fx_27_what_was_revoked_after_a_backup_is_revoked_again() {
    let (place, key) = original();
    let other = place.key("other");
    let copy = place.path().join("copy.backup");
    let copy = copy.to_str().unwrap();
    place.succeeds(&["backup", copy, "--with-key-encryption-key"]);
    place.succeeds(&["key", "revoke", "other"]);
    place.succeeds(&["key", "update", "ci", "--description", "changed since"]);
    let export = place.path().join("audit.jsonl");
    fs::write(&export, place.succeeds(&["audit", "export"])).unwrap();

    let restored = elsewhere("sqlite:keyturn.db");
    let told = restored.succeeds(&["restore", copy, "--audit", export.to_str().unwrap()]);

    assert!(told.contains("(api_key.revoked)") && told.contains("1 x api_key.updated"), "{told}");
    let server = restored.serve();
    assert_eq!((server.exchange(&key).status, server.exchange(&other).status), (200, 401));
}

#[test]
fn fx_27_a_restore_ends_again_whatever_had_ended_in_whichever_order() {
    let (place, _) = original();
    for path in ["beta", "gamma"] {
        place.succeeds(&["org", "create", path]);
    }
    for email in ["ada@example.com", "bob@example.com", "cyd@example.com"] {
        let owner = ["--org", "beta", "--role", "owner"];
        place.succeeds(&[&["user", "create", email, "--name", "one"], &owner[..]].concat());
        place.succeeds(&["member", "set", email, "--role", "owner", "--org", "gamma"]);
    }
    let acme = ["--org", "acme"];
    let locked = place.json(&[&["key", "create", "locked"], &acme[..]].concat());
    place.succeeds(&["key", "lock", "locked"]);
    // RFC 7517, appendix A.1.
    let key = serde_json::json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "1",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    });
    let keys = serde_json::json!({ "keys": [key] }).to_string();
    fs::write(place.path().join("jwks.json"), keys).unwrap();
    let issuer = ["--issuer", "https://ci.example.com", "--jwks", "jwks.json", "--if", "sub=job"];
    let create = ["trust", "create", "ci-jobs", "--org", "acme", "--role", "viewer"];
    place.succeeds(&[&create[..], &issuer[..]].concat());
    let copy = place.path().join("copy.backup");
    let copy = copy.to_str().unwrap();
    place.succeeds(&["backup", copy, "--with-key-encryption-key"]);

    // Each after a word that must not take it back.
    place.succeeds(&["user", "disable", "ada@example.com"]);
    place.succeeds(&["member", "remove", "ada@example.com", "--org", "beta"]);
    place.succeeds(&["member", "set", "ada@example.com", "--role", "viewer", "--org", "gamma"]);
    place.succeeds(&["member", "remove", "bob@example.com", "--org", "beta"]);
    place.succeeds(&["member", "remove", "bob@example.com", "--org", "gamma"]);
    place.succeeds(&["member", "remove", "cyd@example.com", "--org", "beta"]);
    place.succeeds(&["member", "set", "cyd@example.com", "--role", "viewer", "--org", "gamma"]);
    place.succeeds(&["key", "unlock", "locked"]);
    place.succeeds(&["key", "revoke", "locked"]);
    place.succeeds(&["trust", "disable", "ci-jobs"]);
    let export = place.path().join("audit.jsonl");
    fs::write(&export, place.succeeds(&["audit", "export"])).unwrap();
    let restored = elsewhere("sqlite:keyturn.db");
    restored.succeeds(&["restore", copy, "--audit", export.to_str().unwrap()]);

    let state = |place: &Place| {
        let statuses = |list: &[&str]| {
            let listed = place.json(list).as_array().unwrap().clone().into_iter();
            listed.map(|it| (it["id"].to_string(), it["status"].to_string())).collect::<Vec<_>>()
        };
        let roles = ["beta", "gamma"].map(|organization| {
            let listed = place.json(&["member", "list", "--org", organization]);
            let listed = listed.as_array().unwrap().clone().into_iter();
            listed.map(|it| (it["email"].to_string(), it["role"].to_string())).collect::<Vec<_>>()
        });
        (statuses(&["user", "list"]), statuses(&["trust", "list"]), roles)
    };
    assert_eq!(state(&restored), state(&place));
    let id = locked["id"].as_str().unwrap();
    assert_eq!(restored.json(&["key", "show", id])["status"], "revoked");
}

#[test]
fn fx_27_a_restore_says_that_revoked_keys_come_back_where_there_is_no_export() {
    let (place, _) = original();
    let copy = place.path().join("copy.backup");
    let copy = copy.to_str().unwrap();
    place.succeeds(&["backup", copy, "--with-key-encryption-key"]);

    let told = elsewhere("sqlite:keyturn.db").succeeds(&["restore", copy]);

    assert!(told.contains("works again") && told.contains("--audit FILE"), "{told}");
}

#[test]
fn fx_54_a_backup_is_for_its_owner_and_replaces_nothing() {
    let (place, _) = original();
    let copy = place.path().join("copy.backup");
    place.succeeds(&["backup", copy.to_str().unwrap()]);

    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let refused = place.fails(&["backup", copy.to_str().unwrap()]);
    assert!(refused.contains("name a new file"), "{refused}");
    // Without the key-encryption key it is no use to anybody who finds it, and says so.
    let refused = elsewhere("sqlite:keyturn.db").fails(&["restore", copy.to_str().unwrap()]);
    assert!(refused.contains("needs key-encryption key"), "{refused}");
}

#[test]
fn fx_54_a_damaged_backup_is_refused() {
    let (place, _) = original();
    place.succeeds(&["key", "update", "ci", "--description", "stands in no index"]);
    let copy = place.path().join("copy.backup");
    place.succeeds(&["backup", copy.to_str().unwrap(), "--with-key-encryption-key"]);
    let mut bytes = fs::read(&copy).unwrap();
    let place_in_file = bytes.windows(18).position(|window| window == b"stands in no index");
    bytes[place_in_file.expect("the description stands in the file")] = b'S';
    fs::write(&copy, bytes).unwrap();

    let refused = elsewhere("sqlite:keyturn.db").fails(&["restore", copy.to_str().unwrap()]);

    assert!(refused.contains("damaged"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fx_53_a_database_moves_to_the_other_engine_and_back() {
    let Some(server) = postgres::server() else { return };
    let (place, key) = original();
    let revoked = place.key("revoked");
    place.succeeds(&["key", "revoke", "revoked"]);
    let token = refresh_token(&place, &key);
    let on_postgres = server.database().await;

    place.succeeds(&["copy", "--to", &on_postgres]);
    let again = place.fails(&["copy", "--to", &on_postgres]);
    assert!(again.contains("holds data"), "{again}");
    let back = place.path().join("back.db");
    let back = format!("sqlite:{}", back.display());
    let mut moved = elsewhere(&on_postgres);
    copy_key(&place, &moved);
    moved.succeeds(&["copy", "--to", &back]);

    let contents = async |url: &str| {
        let store = Store::open(url, Options::default()).await.unwrap();
        let contents = transfer::contents(&store).await.unwrap();
        store.close().await;
        contents
    };
    let original = format!("sqlite:{}", place.path().join("keyturn.db").display());
    let (mut one, mut two) = (contents(&original).await, contents(&on_postgres).await);
    let mut three = contents(&back).await;
    // Each copy begins an epoch of its own.
    for contents in [&mut one, &mut two, &mut three] {
        assert_eq!(contents.remove("change_feed").unwrap().rows, 1);
    }
    assert!(one.len() > 20 && one == two && two == three, "{one:?}\n{two:?}\n{three:?}");

    moved.set("DATABASE__URL", &back);
    assert_eq!(refresh(&moved, &token), 200);
    moved.set("DATABASE__URL", &on_postgres);
    assert_eq!(refresh(&moved, &token), 200);
    let server = moved.serve();
    assert_eq!((server.exchange(&key).status, server.exchange(&revoked).status), (200, 401));
}

fn copy_key(from: &Place, to: &Place) {
    fs::create_dir(to.path().join("keys")).unwrap();
    let file = "keys/key-encryption-key";
    fs::copy(from.path().join(file), to.path().join(file)).unwrap();
}

#[test]
fn fx_27_the_key_encryption_key_is_replaced_and_refresh_tokens_survive() {
    let (place, key) = original();
    let token = refresh_token(&place, &key);
    let before = place.succeeds(&["kek", "show"]);
    let file = place.path().join("keys/key-encryption-key");
    let old = fs::read(&file).unwrap();

    let told = place.succeeds(&["kek", "rotate"]);

    assert!(told.contains("2 signing keys"), "{told}");
    assert_ne!(place.succeeds(&["kek", "show"]), before);
    assert_eq!(refresh(&place, &token), 200);
    let server = place.serve();
    assert_eq!(server.exchange(&key).status, 200);
    server.stop();

    // A crash before the new file took its place: the next start finishes that.
    place.succeeds(&["kek", "rotate"]);
    let newest = fs::read(&file).unwrap();
    let kept = place.path().join(format!("keys/key-encryption-key.{}", before.trim()));
    assert_eq!(fs::read(&kept).unwrap(), old);
    let second = fs::read_dir(place.path().join("keys")).unwrap();
    let second = second
        .map(|entry| entry.unwrap().path())
        .find(|path| *path != kept && *path != file && fs::read(path).unwrap() != newest);
    fs::rename(&file, place.path().join("keys/key-encryption-key.next")).unwrap();
    fs::rename(second.unwrap(), &file).unwrap();
    assert_eq!(refresh(&place, &token), 200);
    assert_eq!(fs::read(&file).unwrap(), newest);
}
