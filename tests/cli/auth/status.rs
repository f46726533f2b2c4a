//! `keyturn auth status`: whether the credential works now.

use axum::http::StatusCode;

use super::{
    super::support::{Place, free_port},
    fake::{Behaviour, Fake, REFRESH_TOKEN, any_key},
    home::Home,
};

#[test]
fn it_tells_whose_credential_is_in_use_and_from_where() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    let url = format!("http://{}", server.address);
    let home = Home::of(&url, &key.secret);

    let status = home.json(&["status", "--json"]);
    let text = home.succeeds(&["status"]);

    assert_eq!(status["works"], true);
    assert_eq!(status["key_id"], key.id.as_str());
    assert_eq!((&status["url"], &status["credential"]), (&url.into(), &"ktk_…".into()));
    assert_eq!(status["from"], home.settings().to_str().unwrap());
    assert!(status["organization_id"].is_string() && status["roles"].is_array(), "{status}");
    assert!(status["expires_at"].is_string() && status["scopes"].is_string(), "{status}");
    assert!(text.contains(&key.id) && text.contains("yes"), "{text}");
    assert!(!text.contains(&key.secret) && !status.to_string().contains(&key.secret));
}

#[test]
fn a_key_that_was_revoked_works_no_more() {
    let (place, key) = Place::with_key();
    let home = Home::of("http://127.0.0.1:9", &key.secret);
    place.succeeds(&["key", "revoke", "ci"]);
    let server = place.serve();

    let refused = home.auth(&["status", "--json", "--url", &format!("http://{}", server.address)]);

    assert_eq!(refused.code, 3, "{refused:?}");
    let status: serde_json::Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!(status["works"], false);
    assert!(refused.err.contains("the key was revoked"), "{refused:?}");
}

#[test]
fn a_token_that_is_no_jwt_has_a_status_too() {
    let fake = Fake::start();
    let home = Home::of(&fake.url, REFRESH_TOKEN);
    let text = home.succeeds(&["status"]);
    assert!(text.contains("refresh token ktr_…") && !text.contains(REFRESH_TOKEN), "{text}");
}

#[test]
fn the_exit_code_says_what_to_do() {
    let refuses = |status, body| {
        let refuses = Some((status, body));
        let fake = Fake::with(Behaviour { refuses, ..Behaviour::default() });
        let ended = Home::of(&fake.url, &any_key()).auth(&["token", "--bearer"]);
        assert_eq!(ended.out, "");
        (ended.code, ended.err)
    };

    let (code, said) = refuses(StatusCode::UNAUTHORIZED, r#"{"error":"invalid_client"}"#);
    assert!(code == 3 && said.contains("invalid_client"), "{code} {said}");
    assert_eq!(refuses(StatusCode::FORBIDDEN, "{}").0, 3);
    assert_eq!(refuses(StatusCode::BAD_REQUEST, r#"{"error":"invalid_grant"}"#).0, 3);
    assert_eq!(refuses(StatusCode::BAD_REQUEST, r#"{"error":"invalid_scope"}"#).0, 1);
    assert_eq!(refuses(StatusCode::TOO_MANY_REQUESTS, "").0, 4);
    assert_eq!(refuses(StatusCode::BAD_GATEWAY, "<html>").0, 4);
    assert_eq!(refuses(StatusCode::OK, "<html>").0, 1);
    let home = Home::of(&format!("http://127.0.0.1:{}", free_port()), &any_key());
    assert_eq!(home.auth(&["token", "--bearer"]).code, 4);
}

#[test]
fn a_failure_is_not_remembered() {
    let refuses = Some((StatusCode::SERVICE_UNAVAILABLE, ""));
    let fake = Fake::with(Behaviour { refuses, ..Behaviour::default() });
    let home = Home::of(&fake.url, &any_key());

    let codes = [0; 2].map(|_| home.auth(&["token", "--bearer"]).code);

    assert_eq!((codes, fake.asked()), ([4, 4], 2));
}
