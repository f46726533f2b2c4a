//! The credential helper: by its protocol, and by git itself.

use std::process::Command;

use super::{
    fake::{Fake, any_key},
    home::{Ended, Home, feed},
};
use crate::documents::is_missing;

const ASKED: &str = "protocol=https\nhost=git.example.com\n";
const GET: [&str; 4] = ["git-credential", "--host", "git.example.com", "get"];
const ERASE: [&str; 4] = ["git-credential", "--host", "git.example.com", "erase"];

/// Git 2.46 and later know how to send a token as a bearer.
const KNOWS_AUTHTYPE: &str = "capability[]=authtype\ncapability[]=state\n";

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

#[test]
fn git_is_given_a_bearer_where_it_can_send_one() {
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());

    let said = home.type_in(&GET, &format!("{KNOWS_AUTHTYPE}{ASKED}wwwauth[]=Bearer\n\n")).out;

    let lines: Vec<_> = said.lines().take(4).collect();
    let expected =
        ["capability[]=authtype", "authtype=Bearer", "credential=token-1", "ephemeral=1"];
    assert_eq!(lines, expected);
    assert!(value(&said, "password_expiry_utc").unwrap().parse::<i64>().unwrap() > 0);
    assert_eq!(value(&said, "password"), None);
}

#[test]
fn an_older_git_is_given_a_password() {
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());

    let said = home.type_in(&GET, ASKED).out;
    let named = home.type_in(&GET, &format!("{ASKED}username=me\n")).out;

    let expected = (Some("oauth2"), Some("token-1"));
    assert_eq!((value(&said, "username"), value(&said, "password")), expected);
    assert_eq!(value(&named, "username"), Some("me"));
    assert_eq!(value(&said, "authtype"), None);
}

#[test]
fn a_token_is_handed_to_no_other_host() {
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());
    for asked in [
        "protocol=https\nhost=git.example.org\n",
        "protocol=https\nhost=git.example.com.evil.org\n",
        "protocol=https\nhost=evil.git.example.com\n",
        "protocol=https\nhost=git.example.com:8443\n",
        "protocol=http\nhost=git.example.com\n",
        "protocol=ftp\nhost=git.example.com\n",
        "host=git.example.com\n",
        "protocol=https\n",
        "",
    ] {
        let ended = home.type_in(&GET, asked);
        assert_eq!((ended.code, ended.out.as_str()), (0, ""), "{asked}");
    }
    assert_eq!(fake.asked(), 0);
    let upper = home.type_in(&GET, "protocol=https\nhost=GIT.example.com:443\n");
    assert_eq!(value(&upper.out, "password"), Some("token-1"));
}

#[test]
fn without_a_host_it_is_the_servers_own() {
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());
    let own = fake.url.strip_prefix("http://").unwrap();
    let get = ["git-credential", "get"];

    let given = home.type_in(&get, &format!("protocol=http\nhost={own}\n"));
    let refused = home.type_in(&get, ASKED);

    assert_eq!(value(&given.out, "password"), Some("token-1"));
    assert_eq!(refused.out, "");
}

#[test]
fn a_token_that_a_host_rejected_is_dropped_and_a_newer_one_stays() {
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());
    let get = || value(&home.type_in(&GET, ASKED).out, "password").map(str::to_owned);
    get();

    assert_eq!(home.type_in(&ERASE, &format!("{ASKED}password=token-1\n")).code, 0);
    assert_eq!(get().as_deref(), Some("token-2"));
    home.type_in(&ERASE, &format!("{ASKED}password=token-1\n"));
    home.type_in(&ERASE, "protocol=https\nhost=git.example.org\npassword=token-2\n");

    assert_eq!(get().as_deref(), Some("token-2"));
}

#[test]
fn what_git_offers_to_keep_and_what_a_later_git_says_is_ignored() {
    let home = Home::new();
    for operation in ["store", "something-new"] {
        let ended = home.type_in(&["git-credential", operation], ASKED);
        assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (0, "", ""));
    }
}

fn git(home: &Home, arguments: &[&str], text: &str) -> Ended {
    let helper = "credential.helper=!keyturn auth git-credential --host git.example.com";
    let mut command = home.program("git", &[&["-c", helper, "credential"], arguments].concat());
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    feed(command, text)
}

#[test]
fn git_itself_drives_the_helper() {
    if is_missing("git") {
        return;
    }
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());

    let filled = git(&home, &["fill"], ASKED);
    let other = git(&home, &["fill"], "protocol=https\nhost=git.example.org\n");
    assert_eq!(git(&home, &["approve"], &filled.out).code, 0);
    assert_eq!(git(&home, &["reject"], &filled.out).code, 0);
    let next = git(&home, &["fill"], ASKED);

    assert_eq!(value(&filled.out, "password"), Some("token-1"), "{filled:?}");
    assert!(other.code != 0 && !other.out.contains("token"), "{other:?}");
    assert_eq!(value(&next.out, "password"), Some("token-2"), "{next:?}");
}

#[test]
fn a_git_that_can_send_a_bearer_takes_it() {
    let output = Command::new("git").arg("version").output();
    let version = output.map(|output| String::from_utf8(output.stdout).unwrap());
    let numbers = version.unwrap_or_default();
    let mut numbers = numbers.split([' ', '.']).filter_map(|part| part.trim().parse::<u32>().ok());
    if (numbers.next(), numbers.next()) < (Some(2), Some(46)) {
        eprintln!("skipped: git is older than 2.46");
        return;
    }
    let fake = Fake::start();
    let home = Home::of(&fake.url, &any_key());

    let filled = git(&home, &["fill"], &format!("{KNOWS_AUTHTYPE}{ASKED}"));

    assert_eq!(value(&filled.out, "authtype"), Some("Bearer"), "{filled:?}");
    assert_eq!(value(&filled.out, "credential"), Some("token-1"), "{filled:?}");
}
