//! Access tokens: fetched once, kept until shortly before they end, whoever asks.

use std::{fs, process::Stdio};

use super::{
    super::support::{Place, wait},
    fake::{Behaviour, Fake, any_key},
    home::{Ended, Home, mode},
};

#[test]
fn a_key_is_turned_into_an_access_token() {
    let (place, key) = Place::with_key();
    let server = place.serve();
    let home = Home::of(&format!("http://{}", server.address), &key.secret);

    let token = home.json(&["token", "--bearer", "--json"]);

    let bearer = token["access_token"].as_str().unwrap();
    place.keep_out_of_logs(bearer);
    assert_eq!((bearer.split('.').count(), &token["token_type"]), (3, &"Bearer".into()));
    assert!(token["expires_at"].as_str().unwrap().ends_with('Z'), "{token}");
    assert_eq!(home.succeeds(&["token", "--bearer"]), bearer);
    assert_eq!(home.succeeds(&["header"]), format!("Authorization: Bearer {bearer}"));
}

#[test]
fn a_token_is_asked_for_once_and_again_when_told_to() {
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());

    let tokens = [0; 3].map(|_| home.succeeds(&["token", "--bearer"]));
    let fresh = home.succeeds(&["token", "--bearer", "--fresh"]);

    assert_eq!(tokens, ["token-1"; 3]);
    assert_eq!(fresh, "token-2");
    assert_eq!(home.succeeds(&["token", "--bearer"]), "token-2");
    assert_eq!(fake.asked(), 2);
}

#[test]
fn every_wish_has_a_token_of_its_own() {
    let fake = Fake::start();
    let mut home = Home::of(&fake.url, &any_key());
    let wishes = [
        ["--resource", "https://a.example.com"],
        ["--resource", "https://b.example.com"],
        ["--scope", "write read"],
        ["--organization", "0197a0a0-0000-7000-8000-000000000000"],
    ];

    let asked = wishes.map(|wish| {
        home.succeeds(&[&["token", "--bearer"], wish.as_slice()].concat());
        fake.form()
    });

    assert_eq!(asked[0]["resource"], "https://a.example.com");
    assert_eq!(asked[2]["scope"], "read write");
    assert_eq!(asked[3]["organizationId"], "0197a0a0-0000-7000-8000-000000000000");
    assert_eq!(asked[0]["pat"], any_key());
    home.succeeds(&["token", "--bearer", "--scope", "read", "--scope", "write"]);
    assert_eq!(fake.asked(), 4, "the same scopes in another order are the same wish");
    home.set("KEYTURN_API_KEY", "ktr_first");
    home.succeeds(&["token", "--bearer", "--resource", "https://a.example.com"]);
    assert_eq!(fake.asked(), 5, "another credential is given no token of this one");
}

#[test]
fn a_token_about_to_end_is_not_handed_out() {
    let fake = Fake::with(Behaviour { lifetime: 0, ..Behaviour::default() });
    let home = Home::of(&fake.url, &any_key());

    let tokens = [0; 2].map(|_| home.succeeds(&["token", "--bearer"]));

    assert_eq!(tokens, ["token-1", "token-2"]);
}

#[test]
fn twenty_processes_make_one_exchange() {
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());
    let start = || {
        let mut command = home.command(&["token", "--bearer"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };

    let children: Vec<_> = (0..20).map(|_| start()).collect();
    let ended = children.into_iter().map(|child| Ended::of(child.wait_with_output().unwrap()));
    let ended: Vec<_> = ended.collect();

    for ended in ended {
        assert_eq!((ended.code, ended.out.as_str()), (0, "token-1\n"), "{}", ended.err);
    }
    assert_eq!(fake.asked(), 1);
}

#[test]
fn a_process_that_is_killed_while_it_asks_is_in_nobodys_way() {
    let fake = Fake::with(Behaviour { first_hangs: true, ..Behaviour::default() });
    let home = Home::of(&fake.url, &any_key());
    let mut killed = home.command(&["token", "--bearer"]).spawn().unwrap();
    wait(|| fake.asked() == 1, || "it asks for no token".to_owned());
    killed.kill().unwrap();
    killed.wait().unwrap();

    assert_eq!(home.succeeds(&["token", "--bearer"]), "token-1");
}

#[test]
fn a_damaged_token_is_replaced() {
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());
    home.succeeds(&["token", "--bearer"]);
    let path = &home.tokens()[0];
    let text = fs::read_to_string(path).unwrap();
    let damages =
        ["", "\0\0\0", "{", &text[..text.len() / 2], &text.replace("token-1", "a\\nb"), "[1]"];

    for (number, damage) in damages.iter().enumerate() {
        fs::write(path, damage).unwrap();
        let token = home.succeeds(&["token", "--bearer"]);
        assert_eq!(token, format!("token-{}", number + 2), "{damage:?}");
    }
    assert_eq!(home.succeeds(&["token", "--bearer"]), "token-7");
}

#[test]
fn kept_tokens_are_their_owners_only_and_gone_with_the_credential() {
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());
    home.succeeds(&["token", "--bearer"]);

    let [path] = home.tokens().try_into().unwrap();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    home.succeeds(&["logout"]);

    assert_eq!(home.tokens().len(), 0);
}

#[test]
fn tokens_that_ended_are_cleared_away() {
    let fake = Fake::with(Behaviour { lifetime: 0, ..Behaviour::default() });
    let home = Home::of(&fake.url, &any_key());

    for resource in ["https://a.example.com", "https://b.example.com", "https://c.example.com"] {
        home.succeeds(&["token", "--bearer", "--resource", resource]);
    }

    assert_eq!(home.tokens().len(), 1);
}

#[test]
fn without_a_home_a_key_from_the_environment_works_all_the_same() {
    let fake = Fake::start();
    let home = Home::new();
    let mut command = home.command(&["token", "--bearer", "--url", &fake.url]);

    let ended = command.env_remove("HOME").env("KEYTURN_API_KEY", any_key()).output().unwrap();

    assert_eq!(Ended::of(ended).out, "token-1\n");
    assert!(!home.path().join(".config").exists());
}

/// As in a container whose file system nobody may write to.
#[test]
fn where_nothing_can_be_kept_every_use_asks_the_server() {
    let fake = Fake::start();
    let mut home = Home::new();
    fs::create_dir_all(home.path().join(".config/keyturn")).unwrap();
    fs::write(home.path().join(".config/keyturn/tokens"), "no folder").unwrap();
    home.set("KEYTURN_API_KEY", any_key());
    home.set("KEYTURN_URL", &fake.url);

    let ended = home.auth(&["token", "--bearer"]);

    assert_eq!((ended.code, ended.out.as_str()), (0, "token-1\n"), "{ended:?}");
    assert!(ended.err.contains("cannot be kept"), "{ended:?}");
}

#[test]
fn a_wish_for_an_access_token_without_bearer_is_wrong_usage() {
    let refused =
        Home::of("https://id.example.com", &any_key()).auth(&["token", "--scope", "read"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("--bearer"), "{refused:?}");
}
