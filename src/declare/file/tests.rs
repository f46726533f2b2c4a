//! Tests of reading: what a slip of the pen is answered with, and what is not said.

use super::*;
use crate::{
    clock::timestamp,
    declare::{ApiKey, Reach},
    domain::{Lifetime, WhenLeaked},
};

const ACME: &str = "[[organization]]\npath = \"acme\"\n";

/// What is wrong with `ACME` and this after it, in an empty database.
fn problem(more: &str) -> String {
    let wanted = File::read(&format!("{ACME}{more}"))
        .and_then(|file| file.over(&State::default()).map(|wanted| wanted.state));
    wanted.expect_err(more).to_string()
}

fn wanted(text: &str, present: &State) -> State {
    File::read(text).unwrap().over(present).unwrap().state
}

#[test]
fn a_slip_of_the_pen_is_told_by_its_place() {
    let slips = [
        ("enable = true\n", "line 3, column 1: unknown field `enable`"),
        ("enabled = \"yes\"\n", "line 3, column 11: invalid type"),
        ("[[organisation]]\n", "line 3, column 3: unknown field `organisation`"),
        ("[[organization]]\npath = \"a//b\"\n", "line 4, column 8: an organization is named from"),
        ("[[role]]\nname = \"x\"\nscopes = []\n", "missing field `organization`"),
        ("[[key]]\nname = \"ci\"\nsecret = \"x\"\n", "line 5, column 1: unknown field `secret`"),
        ("[[key]]\nexpires = \"soon\"\n", "line 4, column 11: say a date like 2030-01-31"),
        ("[[key]]\nroles = \"viewer\"\n", "line 4, column 9: roles are a list"),
        ("[[key]]\nroles = [\"a b\"]\n", "line 4, column 9: roles[0]: a role is 1 to 64"),
        ("[[key]]\nreach = \"all\"\n", "line 4, column 9: a reach is \"own\", \"subtree\", or"),
        (
            "[[key]]\nallowed_networks = [\"10.2\"]\n",
            "line 4, column 20: allowed_networks[0]: an address range",
        ),
        ("[[resource]]\nalgorithm = \"HS256\"\n", "line 4, column 13: an algorithm is ES256"),
        ("path = \"twice\"\n", "line 3, column 1: duplicate key"),
        ("[[organization]\n", "line 3, column 1"),
    ];
    for (slip, expected) in slips {
        let problem = problem(slip);
        assert!(problem.contains(expected), "{slip}: {problem}");
    }
}

#[test]
fn what_cannot_be_is_told_by_the_place_of_the_thing() {
    let key = "[[key]]\norganization = \"acme\"\nname = \"ci\"\n";
    let cases = [
        (ACME.to_owned(), "line 3, column 1: organization acme stands at line 1, column 1 already"),
        (
            "\n[[organization]]\npath = \"b/c\"".to_owned(),
            "line 4, column 1: there is no organization b",
        ),
        ("[[key]]\nname = \"ci\"".to_owned(), "line 3, column 1: a key needs `organization` or"),
        (format!("{key}user = \"a@b\""), "line 3, column 1: a key needs `organization` or `user`"),
        (key.to_owned(), "line 3, column 1: key ci of acme has to be made, and nothing says where"),
        (
            format!("{key}reach = []\nwrite_secret_to = \"x\""),
            "line 3, column 1: key ci of acme would reach no",
        ),
        (
            format!("{key}reach = [\"b\"]\nwrite_secret_to = \"x\""),
            "line 3, column 1: there is no organization b",
        ),
        (
            "[[member]]\norganization = \"acme\"\nuser = \"a@b\"\nrole = \"owner\"".to_owned(),
            "line 3, column 1: there is no user a@b: add a [[user]]",
        ),
    ];
    for (more, expected) in cases {
        let problem = problem(&more);
        assert!(problem.starts_with(expected), "{more}: {problem}");
    }
    let unknown = File::read("default_resource = \"api\"").unwrap().over(&State::default());
    let problem = unknown.unwrap_err().to_string();
    assert!(problem.starts_with("line 1, column 20: there is no resource api"), "{problem}");
}

#[test]
fn what_is_not_said_is_the_default_of_a_new_thing_and_stays_otherwise() {
    let key = "[[key]]\norganization = \"acme\"\nname = \"ci\"\n";
    let new = wanted(&format!("{ACME}{key}write_secret_to = \"x\""), &State::default());
    let mut present = new.clone();
    let changed = ApiKey {
        reach: Reach::Subtree,
        expires: Lifetime::Never,
        when_leaked: WhenLeaked::Notify,
        locked: true,
        ..present.api_keys.values().next().unwrap().clone()
    };
    present.api_keys.values_mut().for_each(|key| *key = changed.clone());
    present.organizations.values_mut().for_each(|it| it.enabled = false);

    let unsaid = wanted(&format!("{ACME}{key}"), &present);
    let said =
        wanted(&format!("{ACME}enabled = true\n{key}reach = \"own\"\nlocked = false"), &present);

    let fresh = new.api_keys.values().next().unwrap();
    assert_eq!((fresh.expires, fresh.enabled, fresh.locked), (Lifetime::Default, true, false));
    assert_eq!(fresh.roles.as_ref().unwrap().to_string(), "viewer");
    // Who runs the server stays as well: what is not said is not managed.
    assert_eq!(unsaid, State { operators: None, ..present });
    assert!(said.organizations.values().all(|it| it.enabled));
    let expected = ApiKey { reach: Reach::Own, locked: false, ..changed };
    assert_eq!(said.api_keys.into_values().next().unwrap(), expected);
}

#[test]
fn an_end_is_a_date_a_moment_or_never() {
    let end = |text: &str| {
        let key = format!(
            "[[key]]\nuser = \"a@b\"\nname = \"ci\"\nwrite_secret_to = \"x\"\nexpires = {text}"
        );
        let state = wanted(&format!("[[user]]\nemail = \"a@b\"\n{key}"), &State::default());
        state.api_keys.into_values().next().unwrap().expires
    };
    let until = |seconds| Lifetime::Until(timestamp(seconds).unwrap());

    for text in ["1970-01-03", "\"1970-01-03\"", "1970-01-03T01:00:00+01:00"] {
        assert_eq!(end(text), until(2 * 86_400), "{text}");
    }
    assert_eq!(end("\"never\""), Lifetime::Never);
}

#[test]
fn a_revoked_key_is_not_taken_for_one_that_works() {
    let text =
        format!("{ACME}[[key]]\norganization = \"acme\"\nname = \"ci\"\nwrite_secret_to = \"x\"");
    let mut present = wanted(&text, &State::default());
    present.revoked = std::mem::take(&mut present.api_keys).into_keys().collect();

    let problem = File::read(&text).unwrap().over(&present).unwrap_err().to_string();

    assert!(
        problem.starts_with("line 3, column 1: key ci of acme is revoked, and stays so"),
        "{problem}"
    );
}
