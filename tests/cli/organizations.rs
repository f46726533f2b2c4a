//! Organizations, roles, people and resources at the machine.

use serde_json::json;

use super::support::{Place, wait};

fn place() -> Place {
    let (place, _) = Place::with_key();
    place.succeeds(&["org", "create", "team", "--parent", "acme"]);
    place.succeeds(&["user", "create", "ada@example.com", "--no-password", "--name", "Ada"]);
    place
}

#[test]
fn an_organization_is_shown_with_members_roles_and_keys() {
    let place = place();
    place.succeeds(&["key", "create", "x", "--org", "acme/team"]);
    place.succeeds(&["role", "define", "deployer", "--org", "acme", "--scope", "deploy"]);
    place.succeeds(&["role", "define", "tester", "--org", "team", "--scope", "test"]);
    place.succeeds(&["member", "set", "ada@example.com", "--role", "deployer", "--org", "team"]);

    let team = place.json(&["org", "show", "acme/team"]);
    let acme = place.json(&["organization", "show", "acme"]);
    let text = place.succeeds(&["org", "show", "acme"]);

    assert_eq!((&team["path"], &team["status"]), (&json!("acme/team"), &json!("active")));
    assert_eq!(team["members"][0]["email"], "ada@example.com");
    let role = |name: &str, scopes: &str, inherited: bool| json!({ "name": name, "scopes": scopes, "inherited": inherited });
    let roles = json!([role("deployer", "deploy", true), role("tester", "test", false)]);
    assert_eq!(team["roles"], roles);
    assert_eq!((&acme["keys"], &acme["keys_in_tree"]), (&json!(1), &json!(2)));
    assert!(text.contains("1, and 1 below"), "{text}");
    let listed = place.json(&["member", "list", "--org", "team"]);
    assert_eq!((&listed[0]["name"], &listed[0]["role"]), (&json!("Ada"), &json!("deployer")));
    let of_acme = place.json(&["role", "list", "--org", "acme"]);
    assert_eq!(of_acme.as_array().unwrap().len(), 4, "built in, and what acme defines: {of_acme}");
}

#[test]
fn an_organization_is_renamed_and_goes_on() {
    let place = place();
    place.succeeds(&["org", "rename", "team", "crew"]);

    let paths = place.json(&["org", "list"]);
    let taken = {
        place.succeeds(&["org", "create", "other", "--parent", "acme"]);
        place.fails(&["org", "rename", "other", "crew"])
    };

    assert_eq!(paths[1]["path"], "acme/crew");
    assert!(taken.contains("exists already"), "{taken}");
}

/// Lets another organization run the server: `acme` can be disabled and deleted then.
fn hand_server_on(place: &Place) {
    place.succeeds(&["org", "create", "operators"]);
    place.succeeds(&["server", "operators", "set", "operators"]);
}

#[test]
fn an_organization_stops_its_keys_and_those_below_it() {
    let place = place();
    let made = place.json(&["key", "create", "x", "--org", "team"]);
    let key = super::support::Key {
        name: "x".to_owned(),
        secret: made["secret"].as_str().unwrap().to_owned(),
        id: String::new(),
    };
    place.keep_out_of_logs(&key.secret);
    let server = place.serve();
    assert_eq!(server.exchange(&key).status, 200);

    hand_server_on(&place);
    place.succeeds(&["org", "disable", "acme"]);
    server.until_status(&key, 401);
    let listed = place.succeeds(&["org", "list"]);
    place.succeeds(&["org", "enable", "acme"]);

    server.until_status(&key, 200);
    assert!(listed.contains("disabled above"), "{listed}");
}

#[test]
fn an_organization_goes_when_nothing_is_in_the_way() {
    let place = place();
    place.succeeds(&["role", "define", "deployer", "--org", "acme", "--scope", "deploy"]);
    place.succeeds(&["member", "set", "ada@example.com", "--role", "viewer", "--org", "acme"]);

    hand_server_on(&place);

    let refused = place.fails(&["org", "delete", "acme"]);
    for line in ["organization team", "api key ci"] {
        assert!(refused.contains(&format!("\n    {line}")), "{refused}");
    }
    // What is in the way comes with the command that clears it.
    for command in refused.lines().filter_map(|line| line.split_once("keyturn ")) {
        place.succeeds(&command.1.split(' ').collect::<Vec<_>>());
    }
    place.succeeds(&["org", "delete", "acme"]);

    let left = place.json(&["org", "list"]);
    assert_eq!((left.as_array().unwrap().len(), &left[0]["name"]), (1, &json!("operators")));
    assert_eq!(place.json(&["user", "list"])[0]["memberships"], json!([]));
}

#[test]
fn a_role_goes_when_nobody_has_it() {
    let place = place();
    place.succeeds(&["role", "define", "deployer", "--org", "acme", "--scope", "deploy"]);
    place.succeeds(&["member", "set", "ada@example.com", "--role", "deployer", "--org", "team"]);
    place.succeeds(&["key", "create", "x", "--org", "team", "--role", "deployer"]);

    let refused = place.fails(&["role", "delete", "deployer", "--org", "acme"]);
    let elsewhere = place.fails(&["role", "delete", "deployer", "--org", "team"]);
    place.succeeds(&["member", "remove", "ada@example.com", "--org", "team"]);
    place.succeeds(&["key", "update", "x", "--role", "viewer"]);
    place.succeeds(&["role", "delete", "deployer", "--org", "acme"]);

    assert!(
        refused.contains("member ada@example.com") && refused.contains("api key x"),
        "{refused}"
    );
    assert!(elsewhere.contains("`keyturn role list`"), "{elsewhere}");
    assert_eq!(place.json(&["role", "list"]).as_array().unwrap().len(), 3);
}

#[test]
fn a_user_is_called_otherwise_and_a_stranger_is_not_found() {
    let place = place();

    place.succeeds(&["user", "rename", "ada@example.com", "Ada Lovelace"]);

    assert_eq!(place.json(&["user", "list"])[0]["name"], "Ada Lovelace");
    for arguments in [
        &["user", "disable", "bob@example.com"][..],
        &["member", "set", "bob@example.com", "--role", "viewer", "--org", "acme"],
        &["key", "create", "x", "--user", "bob@example.com"],
    ] {
        let complaint = place.fails(arguments);
        assert!(complaint.contains("`keyturn user list`"), "{complaint}");
    }
}

#[test]
fn fx_31_a_resource_is_changed_in_part_its_jwt_type_too() {
    let place = place();
    let server = place.serve();
    place.succeeds(&["resource", "register", "a", "--scope", "read", "--lifetime", "60"]);
    place.succeeds(&["resource", "register", "b", "--scope", "write"]);
    place.succeeds(&["resource", "update", "b", "--default", "--lifetime", "40"]);
    let one = |name: &str| {
        let all = place.json(&["resource", "list"]);
        all.as_array().unwrap().iter().find(|it| it["identifier"] == name).unwrap().clone()
    };
    assert_eq!(one("b")["is_default"], true);

    place.succeeds(&["resource", "update", "a", "--default", "--algorithm", "EdDSA"]);
    place.succeeds(&["resource", "update", "a", "--jwt-type", "JWT"]);
    place.succeeds(&["resource", "update", "a", "--default"]);

    let expected = json!({
        "identifier": "a", "scopes": "read", "algorithm": "EdDSA", "jwt_type": "JWT",
        "lifetime_seconds": 60,
        "is_default": true,
    });
    let mut changed = one("a");
    // From when on the new algorithm signs depends on the clock.
    for passing in ["algorithm_from", "current_algorithm"] {
        changed.as_object_mut().unwrap().remove(passing);
    }
    assert_eq!((changed, &one("b")["lifetime_seconds"]), (expected, &json!(40)));
    place.succeeds(&["resource", "update", "a", "--usual-lifetime"]);
    assert_eq!(one("a")["lifetime_seconds"], 360);
    assert!(
        place.fails(&["resource", "update", "c", "--default"]).contains("`keyturn resource list`")
    );
    let published = || server.get("/.well-known/jwks.json").unwrap().body.contains("Ed25519");
    wait(published, || "the new algorithm has no key".to_owned());
}

#[test]
fn fx_03_the_doctor_shows_who_runs_the_server_and_a_command_hands_it_on() {
    let place = place();
    place.succeeds(&["org", "create", "other"]);
    let doctor = || place.run(&["doctor"]);

    let shown = place.json(&["server", "operators", "show"]);
    let before = String::from_utf8(doctor().stdout).unwrap();
    let refused = place.fails(&["org", "delete", "acme"]);
    let below = place.fails(&["server", "operators", "set", "acme/team"]);
    place.succeeds(&["server", "operators", "set", "other"]);
    let after = String::from_utf8(doctor().stdout).unwrap();

    assert_eq!(shown["organization"], "acme");
    assert!(before.contains("organization acme"), "{before}");
    assert!(refused.contains("keyturn server operators set"), "{refused}");
    assert!(below.contains("without a parent"), "{below}");
    assert!(after.contains("organization other"), "{after}");
    let events = place.json(&["audit", "list", "--action", "server.operators_set"]);
    assert_eq!(events.as_array().unwrap().len(), 1, "{events}");
}
