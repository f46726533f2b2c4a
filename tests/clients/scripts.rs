//! The libraries of other languages: each script makes its library walk the flows it knows.

use std::{io::Write as _, process::Stdio};

use super::{
    installed::Language::{self, Go, Java, Node, Python},
    world::World,
};

/// Lets a library walk these flows, and no script get away with fewer.
fn walks(language: Language, script: &str, flows: &[&str]) {
    let Some(installed) = language.installed() else { return };
    let world = World::new();
    let server = world.serve();
    let mut command = installed.command(&world.place, script);
    command.args(flows);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());

    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(world.told.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();

    let walked = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let log = server.printed("log");
    assert!(output.status.success(), "after {walked:?}: {complaint}\nThe server said:\n{log}");
    assert_eq!(walked.lines().collect::<Vec<_>>(), flows);
}

#[test]
fn openid_client_walks_every_flow() {
    let flows = [
        "discovery",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "api_key",
        "none",
        "refresh",
        "dpop",
        "introspection",
        "revocation",
        "token_exchange",
        "registration",
    ];
    walks(Node, "with_openid_client.mjs", &flows);
}

#[test]
fn at_12_oauth4webapi_walks_every_flow_and_validates_the_tokens() {
    let flows = [
        "discovery",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "api_key",
        "verification",
        "none",
        "refresh",
        "dpop",
        "introspection",
        "revocation",
        "token_exchange",
        "registration",
    ];
    walks(Node, "with_oauth4webapi.mjs", &flows);
}

#[test]
fn at_12_jose_verifies_and_signs() {
    walks(Node, "with_jose.mjs", &["verification", "private_key_jwt", "dpop"]);
}

#[test]
fn authlib_walks_every_flow_it_knows() {
    let flows = [
        "discovery",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "api_key",
        "verification",
        "none",
        "refresh",
        "introspection",
        "revocation",
        "token_exchange",
    ];
    walks(Python, "with_authlib.py", &flows);
}

#[test]
fn requests_oauthlib_walks_every_flow_it_knows() {
    let flows = [
        "client_secret_basic",
        "client_secret_post",
        "api_key",
        "none",
        "refresh",
        "introspection",
        "revocation",
        "token_exchange",
    ];
    walks(Python, "with_requests_oauthlib.py", &flows);
}

#[test]
fn at_12_pyjwt_verifies_and_signs() {
    walks(Python, "with_pyjwt.py", &["verification", "private_key_jwt", "dpop"]);
}

#[test]
fn at_12_joserfc_verifies_and_signs() {
    walks(Python, "with_joserfc.py", &["verification", "private_key_jwt", "dpop"]);
}

#[test]
fn fx_30_go_oidc_takes_our_tokens_by_its_default_settings() {
    walks(Go, "clients", &["go_oidc"]);
}

#[test]
fn fx_30_oauth2_proxy_takes_our_tokens_by_its_default_settings() {
    walks(Go, "clients", &["oauth2_proxy"]);
}

#[test]
fn fx_30_what_vault_is_built_of_takes_our_tokens() {
    walks(Go, "clients", &["cap_jwt"]);
}

#[test]
fn golang_oauth2_gets_tokens_by_secret_by_api_key_and_by_an_assertion() {
    let flows = ["x_oauth2_header", "x_oauth2_body", "x_oauth2_finds_out", "x_oauth2_jwt"];
    walks(Go, "clients", &flows);
}

#[test]
fn zitadel_oidc_asks_what_a_token_is_worth_and_exchanges_it() {
    walks(Go, "clients", &["zitadel_introspection", "zitadel_token_exchange"]);
}

#[test]
fn fx_31_nimbus_gets_tokens_in_each_way_and_asks_what_they_are_worth() {
    let flows = [
        "metadata",
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "api_key",
        "dpop",
        "introspection",
        "revocation",
    ];
    walks(Java, "example.Clients", &flows);
}

#[test]
fn fx_33_httpclient5_gets_a_token_by_its_default_form() {
    walks(Java, "example.Clients", &["httpclient5"]);
}
