//! A refresh token in place of a key: discovered, posted, replaced where the server replaces it.

use std::process::Stdio;

use super::{
    fake::{Behaviour, Fake, REFRESH_TOKEN},
    home::{Ended, Home},
};

fn rotating() -> Fake {
    Fake::with(Behaviour { rotates: true, ..Behaviour::default() })
}

#[test]
fn a_refresh_token_is_accepted_where_a_key_is() {
    let fake = Fake::start();
    let home = Home::of(&fake.url, REFRESH_TOKEN);

    let tokens = [0; 2].map(|_| home.succeeds(&["token", "--bearer", "--fresh"]));

    assert_eq!(tokens, ["token-1", "token-2"]);
    let form = fake.form();
    assert_eq!(
        (form["grant_type"].as_str(), form["client_id"].as_str()),
        ("refresh_token", "keyturn-cli")
    );
    assert_eq!(home.succeeds(&["token"]), REFRESH_TOKEN, "one that does not rotate stays");
}

#[test]
fn the_client_is_the_one_that_is_named() {
    let fake = Fake::start();
    let home = Home::new();
    home.type_in(&["set-token", "--url", &fake.url, "--client-id", "mine"], REFRESH_TOKEN);

    home.succeeds(&["token", "--bearer"]);
    assert_eq!(fake.form()["client_id"], "mine");
    home.succeeds(&["token", "--bearer", "--client-id", "other", "--scope", "read"]);

    let form = fake.form();
    assert_eq!((form["client_id"].as_str(), form["scope"].as_str()), ("other", "read"));
}

#[test]
fn the_successor_is_kept_and_used() {
    let fake = rotating();
    let home = Home::of(&fake.url, REFRESH_TOKEN);

    for number in 1..=3 {
        let token = home.succeeds(&["token", "--bearer", "--fresh"]);
        assert_eq!(token, format!("token-{number}"));
    }

    assert_eq!(home.succeeds(&["token"]), "ktr_after-ktr_after-ktr_after-ktr_first");
}

#[test]
fn an_access_token_outlives_the_refresh_token_it_came_from() {
    let fake = rotating();
    let home = Home::of(&fake.url, REFRESH_TOKEN);
    let (a, b) = (["--resource", "https://a.example.com"], ["--resource", "https://b.example.com"]);
    let token = |wish: &[&str]| home.succeeds(&[&["token", "--bearer"], wish].concat());

    let tokens = [token(&a), token(&b), token(&a), token(&b)];

    assert_eq!(tokens, ["token-1", "token-2", "token-1", "token-2"]);
    assert_eq!(fake.asked(), 2);
}

/// The old one dies with each use: a second process that sent it too would be refused.
#[test]
fn processes_with_different_wishes_use_a_rotating_token_up_one_after_the_other() {
    let fake = rotating();
    let home = Home::of(&fake.url, REFRESH_TOKEN);
    let start = |number: usize| {
        let resource = format!("https://{number}.example.com");
        let mut command = home.command(&["token", "--bearer", "--resource", &resource]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };

    let children: Vec<_> = (0..10).map(start).collect();

    for child in children {
        let ended = Ended::of(child.wait_with_output().unwrap());
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    assert_eq!(fake.asked(), 10);
}

#[test]
fn a_credential_that_was_set_by_hand_is_given_no_token_of_the_one_before() {
    let fake = rotating();
    let home = Home::of(&fake.url, REFRESH_TOKEN);
    home.succeeds(&["token", "--bearer"]);
    let text = home.read_settings().replace("credential: ktr_after-", "credential: ktr_mine-");
    std::fs::write(home.settings(), text).unwrap();

    let refused = home.auth(&["token", "--bearer"]);

    assert_eq!(refused.code, 3, "{refused:?}");
}

#[test]
fn the_environment_cannot_keep_a_successor_and_says_so() {
    let fake = rotating();
    let mut home = Home::new();
    home.set("KEYTURN_API_KEY", REFRESH_TOKEN);
    home.set("KEYTURN_URL", &fake.url);

    let ended = home.auth(&["token", "--bearer"]);

    assert_eq!((ended.code, ended.out.as_str()), (0, "token-1\n"));
    assert!(ended.err.contains("KEYTURN_API_KEY"), "{ended:?}");
    assert!(!home.settings().exists());
    assert_eq!(home.auth(&["token", "--bearer", "--fresh"]).code, 3);
}

#[test]
fn a_server_that_calls_itself_another_gets_no_refresh_token() {
    let issuer = Some("https://id.example.com".to_owned());
    let fake = Fake::with(Behaviour { issuer, ..Behaviour::default() });
    let home = Home::of(&fake.url, REFRESH_TOKEN);

    let refused = home.auth(&["token", "--bearer"]);

    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("https://id.example.com"), "{refused:?}");
    assert_eq!(fake.asked(), 0);
}
