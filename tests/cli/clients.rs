//! `keyturn client`, from the making of a client to its end, beside a server.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};

use super::{
    http::{Answer, Connection},
    support::{Place, Server},
};

fn post(server: &Server<'_>, form: &str) -> Answer {
    let form_type = "Content-Type: application/x-www-form-urlencoded\r\n";
    let connection = Connection::open(server.address);
    connection.unwrap().post("/oauth2/token", form_type, form).unwrap()
}

/// A place with the client `shop`, registered with more arguments; and its secret.
fn with_shop(arguments: &[&str]) -> (Place, Value) {
    let place = Place::new();
    place.succeeds(&["migrate"]);
    place.succeeds(&["org", "create", "acme"]);
    let register = ["client", "register", "shop", "--scope", "keys:read"];
    let made = place.json(&[&register, arguments].concat());
    if let Some(secret) = made["secret"].as_str() {
        place.keep_out_of_logs(secret);
    }
    (place, made)
}

#[test]
fn a_client_that_is_registered_here_gets_tokens_there() {
    let arguments = ["--grant", "client_credentials", "--auth", "client_secret_post"];
    let (place, made) = with_shop(&arguments);
    let server = place.serve();
    let (id, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");

    let answer = post(&server, &form);
    place.keep_out_of_logs(&answer.token());
    let shown = place.json(&["client", "show", "shop"]);
    place.succeeds(&["client", "disable", "shop"]);
    let refused = || post(&server, &form).status == 401;
    super::support::wait(refused, || "a disabled client still gets tokens".to_owned());

    assert_eq!(answer.json()["scope"], "keys:read", "{}", answer.body);
    assert_eq!(shown["secret"], Value::Null, "it is shown once");
    assert_eq!(shown["secrets"][0]["is_live"], true);
    let listed = place.json(&["client", "list"]);
    assert_eq!((&listed[0]["name"], &listed[0]["status"]), (&json!("shop"), &json!("disabled")));
}

#[test]
fn a_secret_goes_into_a_new_file_and_another_one_beside_it() {
    let (place, _) = with_shop(&["-f", "shop.json"]);
    let kept = || -> Value {
        serde_json::from_str(&fs::read_to_string(place.path().join("shop.json")).unwrap()).unwrap()
    };
    let first = kept();
    place.keep_out_of_logs(first["client_secret"].as_str().unwrap());

    let there = place.fails(&["client", "secret", "add", "shop", "-f", "shop.json"]);
    let added = place.json(&["client", "secret", "add", "shop", "--expires", "30"]);
    let secret_id = first["secret_id"].as_str().unwrap();
    place.succeeds(&["client", "secret", "remove", "shop", secret_id]);
    let again = place.fails(&["client", "secret", "remove", "shop", secret_id]);

    let mode = fs::metadata(place.path().join("shop.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(there.contains("shop.json") && kept() == first, "{there}");
    let shown = place.json(&["client", "show", "shop"]);
    let ids: Vec<_> = shown["secrets"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, [&added["id"]]);
    assert!(again.contains("there is no such secret"), "{again}");
}

#[test]
fn an_update_changes_what_is_named_and_nothing_else() {
    let (place, made) = with_shop(&["--grant", "refresh_token", "--token-lifetime", "60"]);
    assert_eq!(made["refresh"]["lifetime"], 2_592_000);

    let update = ["client", "update", "shop", "--name", "Web Shop", "--refresh-lifetime", "7200"];
    let changed = place.json(&update);
    let nothing = place.fails(&["client", "update", "Web Shop", "--token-lifetime", "60"]);
    let bad = place.fails(&["client", "update", "Web Shop", "--redirect-uri", "http://a.example"]);
    let without = place.json(&["client", "update", "Web Shop", "--grant", "client_credentials"]);
    let exchange = ["--exchange", "https://id.example.com", "api"];
    let told = place.succeeds(&[&["client", "update", "Web Shop"][..], &exchange].concat());

    let refresh = json!({ "rotates": true, "lifetime": 7200, "idle": 7200 });
    assert_eq!((&changed["refresh"], &changed["token_lifetime_seconds"]), (&refresh, &json!(60)));
    assert!(nothing.contains("this changes nothing"), "{nothing}");
    assert!(bad.contains("loopback"), "{bad}");
    assert_eq!(without["refresh"], Value::Null, "refresh tokens go with their grant");
    assert!(told.contains("of https://id.example.com for api, in its own name"), "{told}");
}

#[test]
fn an_organization_with_clients_stays_and_says_how_they_go() {
    let (place, made) = with_shop(&[]);
    let command = format!("keyturn client delete {}", made["id"].as_str().unwrap());

    place.succeeds(&["org", "create", "operators"]);
    place.succeeds(&["server", "operators", "set", "operators"]);

    let refused = place.fails(&["org", "delete", "acme"]);
    place.succeeds(&["client", "delete", "shop"]);
    place.succeeds(&["org", "delete", "acme"]);

    assert!(refused.contains(&command), "{refused}");
    assert!(place.fails(&["client", "show", "shop"]).contains("there is no client shop"));
}

#[test]
fn a_client_that_registered_itself_is_told_apart_and_files_leave_it_alone() {
    let mut place = Place::new();
    place.succeeds(&["migrate"]);
    let acme = place.json(&["org", "create", "acme"]);
    place.set("REGISTRATION__MODE", "open");
    place.set("REGISTRATION__ORGANIZATION", acme["id"].as_str().unwrap());
    let server = place.serve();
    let said = r#"{"client_name": "Nightly", "grant_types": ["client_credentials"]}"#;
    let json = "Content-Type: application/json\r\n";

    let connection = Connection::open(server.address);
    let answer = connection.unwrap().post("/oauth2/register", json, said).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    let made = answer.json();
    for secret in ["client_secret", "registration_access_token"] {
        place.keep_out_of_logs(made[secret].as_str().unwrap());
    }
    place.succeeds(&["client", "register", "shop"]);
    let listed = place.json(&["client", "list"]);
    let id = made["client_id"].as_str().unwrap();
    let shown = place.succeeds(&["client", "show", id]);
    let exported = place.succeeds(&["export"]);
    fs::write(place.path().join("all.toml"), &exported).unwrap();
    let planned = place.succeeds(&["apply", "all.toml", "--plan"]);

    let named = |name: &str| listed.as_array().unwrap().iter().find(|it| it["name"] == name);
    let (shop, itself) = (named("shop").unwrap(), format!("registered-{id}"));
    let itself = named(&itself).unwrap();
    assert_eq!(
        (&shop["self_registered"], &itself["self_registered"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(itself["description"]["client_name"], "Nightly");
    assert!(shown.contains("not verified") && shown.contains("Nightly"), "{shown}");
    assert!(!exported.contains("registered-") && exported.contains("shop"), "{exported}");
    assert_eq!(planned, "There is nothing to change.\n");
}
