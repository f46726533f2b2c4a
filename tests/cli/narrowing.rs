//! A list that narrows never opens because an item of it is blank: FX-04 on the command line, in a
//! declared file and in the environment.

use std::fs;

use super::support::Place;

const BLANK: [&str; 3] = ["", "  ", "\u{a0}"];

fn place() -> Place {
    let place = Place::new();
    place.succeeds(&["migrate"]);
    place.succeeds(&["org", "create", "acme"]);
    place.keep_out_of_logs(
        place.json(&["key", "create", "bound", "--cidr", "203.0.113.0/24"])["secret"]
            .as_str()
            .unwrap(),
    );
    let shop = ["client", "register", "shop", "--grant", "client_credentials"];
    place.keep_out_of_logs(place.json(&shop)["secret"].as_str().unwrap());
    let issuer = "https://ci.example.com";
    let conditions = ["--if", "sub=a", "--role", "viewer", "--alg", "RS256"];
    place.succeeds(&[&["trust", "create", "ci", "--issuer", issuer][..], &conditions].concat());
    place
}

#[test]
fn fx_04f_a_blank_flag_is_refused_by_its_name() {
    let place = place();
    let before = place.succeeds(&["export"]);
    let commands: [(&[&str], &str); 20] = [
        (&["key", "create", "c"], "--cidr"),
        (&["key", "create", "c"], "--role"),
        (&["key", "create", "c"], "--reach"),
        (&["key", "create", "c"], "--proof"),
        (&["key", "update", "bound"], "--cidr"),
        (&["key", "update", "bound"], "--role"),
        (&["key", "update", "bound"], "--reach"),
        (&["key", "update", "bound"], "--proof"),
        (&["key", "simulate", "bound"], "--scope"),
        (&["client", "register", "c"], "--scope"),
        (&["client", "update", "shop"], "--scope"),
        (&["client", "update", "shop"], "--resource"),
        (&["client", "update", "shop"], "--grant"),
        (&["trust", "update", "ci"], "--cidr"),
        (&["trust", "update", "ci"], "--alg"),
        (&["trust", "update", "ci"], "--resource"),
        (&["trust", "update", "ci"], "--role"),
        (&["webhook", "create", "https://hooks.example.com/"], "--event"),
        (&["role", "define", "deployer"], "--scope"),
        (&["resource", "register", "api"], "--scope"),
    ];

    for (command, flag) in commands {
        for blank in BLANK {
            let told = place.fails(&[command, &[flag, blank]].concat());
            assert!(told.contains(flag), "{command:?} {flag} {blank:?}: {told}");
        }
    }
    let told = place.fails(&["client", "update", "shop", "--redirect-uri", ""]);
    assert!(told.contains("redirect_uris[0]"), "{told}");
    let told = place.fails(&["key", "update", "bound", "--reach", "acme,,"]);
    assert!(told.contains("--reach[1] is blank"), "{told}");

    assert_eq!(place.succeeds(&["export"]), before, "nothing was changed");
}

#[test]
fn fx_04g_a_token_is_not_wished_for_by_a_blank_flag() {
    let place = Place::new();
    for flag in ["--scope", "--resource", "--organization"] {
        for blank in BLANK {
            let told = place.fails(&["auth", "token", flag, blank]);
            assert!(told.contains(flag) && told.contains("blank"), "{flag} {blank:?}: {told}");
        }
    }
}

#[test]
fn fx_04h_a_blank_item_in_a_declared_file_is_told_by_its_place() {
    let place = place();
    let file = place.path().join("keyturn-state.toml");
    let key = "[[key]]\norganization = \"acme\"\nname = \"bound\"\n";
    let client = "[[client]]\norganization = \"acme\"\nname = \"shop\"\n";
    let trust = "[[trust]]\norganization = \"acme\"\nname = \"ci\"\n\
                 issuer = \"https://ci.example.com\"\n";
    let rest = "roles = [\"viewer\"]\nconditions = { sub = [\"a\"] }\n";
    let bad = [
        (format!("{key}allowed_networks = [ITEM]"), "allowed_networks[0]"),
        (format!("{key}roles = [\"viewer\", ITEM]"), "roles[1]"),
        (format!("{key}reach = [ITEM]"), "reach[0]"),
        (format!("{key}proof = [ITEM]"), "proof[0]"),
        (format!("{client}scopes = [ITEM]"), "scopes[0]"),
        (format!("{client}resources = [\"api\", ITEM]"), "resources[1]"),
        (format!("{client}grants = [ITEM]"), "grants[0]"),
        (format!("{trust}{rest}algorithms = [ITEM]"), "algorithms[0]"),
        (format!("{trust}{rest}allowed_networks = [ITEM]"), "allowed_networks[0]"),
        (
            format!("{trust}roles = [\"viewer\"]\nconditions = {{ sub = [ITEM] }}"),
            "conditions.sub[0]",
        ),
    ];

    for (text, named) in bad {
        for blank in ["\"\"", "\"  \"", "\"\u{a0}\""] {
            fs::write(&file, text.replace("ITEM", blank)).unwrap();
            let told = place.fails(&["apply", "keyturn-state.toml"]);
            assert!(told.contains(named) && told.contains("is blank"), "{text} {blank}: {told}");
        }
    }
}
