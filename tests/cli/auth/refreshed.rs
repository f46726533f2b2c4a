//! A refresh token of a real server in place of a key.

use super::{
    super::{
        http::Connection,
        support::{Place, Server},
    },
    home::Home,
};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// A place whose keys are given refresh tokens, and the secret of its key.
fn place(rotates: &str) -> (Place, String) {
    let settings = [
        ("REFRESH_TOKENS__FOR_API_KEYS", "true"),
        ("REFRESH_TOKENS__ROTATE_FOR_API_KEYS", rotates),
    ];
    let (place, key) = Place::with_key_and(&settings);
    (place, key.secret)
}

fn refresh_token(place: &Place, server: &Server<'_>, secret: &str) -> String {
    let mut connection = Connection::open(server.address).unwrap();
    let answer = connection.post("/auth/v1/token", FORM, &format!("pat={secret}")).unwrap();
    place.keep_out_of_logs(&answer.token());
    let token = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    place.keep_out_of_logs(&token);
    token
}

#[test]
fn a_refresh_token_that_does_not_rotate_works_again_and_again() {
    let (place, secret) = place("false");
    let server = place.serve();
    let token = refresh_token(&place, &server, &secret);
    let url = format!("http://{}", server.address);
    let home = Home::of(&url, &token);
    let organization = place.json(&["organization", "list"])[0]["id"].as_str().unwrap().to_owned();

    let first = home.succeeds(&["token", "--bearer", "--fresh"]);
    let own = ["token", "--bearer", "--resource", &url, "--organization", &organization];
    let narrow = home.succeeds(&[&own[..], &["--scope", "keys:read"]].concat());

    assert!(first.split('.').count() == 3 && narrow.split('.').count() == 3);
    assert_eq!(home.succeeds(&["token"]), token);
}

#[test]
fn a_refresh_token_that_rotates_is_replaced_in_the_settings() {
    let (place, secret) = place("true");
    let server = place.serve();
    let token = refresh_token(&place, &server, &secret);
    let home = Home::of(&format!("http://{}", server.address), &token);

    let mut kept = vec![token];
    for _ in 0..3 {
        home.succeeds(&["token", "--bearer", "--fresh"]);
        kept.push(home.succeeds(&["token"]));
    }

    for token in &kept {
        place.keep_out_of_logs(token);
    }
    assert!(kept.is_sorted_by(|one, next| one != next), "{kept:?}");
    assert!(kept.iter().all(|token| token.starts_with("ktr_")));
}

#[test]
fn a_refresh_token_of_a_key_that_was_revoked_is_refused() {
    let (place, secret) = place("true");
    let server = place.serve();
    let home =
        Home::of(&format!("http://{}", server.address), &refresh_token(&place, &server, &secret));
    place.succeeds(&["key", "revoke", "ci"]);

    let refused = home.auth(&["token", "--bearer"]);

    assert_eq!(refused.code, 3, "{refused:?}");
}
