//! The examples in the README that verify a token, run as they stand, beside a clock that differs.

use std::fs;

use keyturn::clock::Clock;
use serde_json::json;

use super::{
    foreign::Foreigner,
    installed::Language::Python,
    peers::{Reaction, Receiver},
    support::Place,
};

/// The README's lines in this language.
fn snippet(language: &str) -> String {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, code) = text.split_once(&format!("```{language}\n")).unwrap();
    code.split("```").next().unwrap().to_owned()
}

#[test]
fn fx_39_the_python_example_takes_tokens_of_a_clock_that_is_some_seconds_ahead() {
    let Some(python) = Python.installed() else { return };
    let (place, issuer) = (Place::new(), Foreigner::new("key"));
    let jwks = issuer.jwks();
    let head = format!("content-type: application/json\r\ncontent-length: {}", jwks.len());
    let server =
        Receiver::start(Reaction::Send(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{jwks}")));
    let url = format!("http://{}", server.address);
    let script = snippet("python").replace("http://127.0.0.1:8080", &url);
    fs::write(place.path().join("verify.py"), script).unwrap();
    let verifies = |ahead: i64| {
        let now = Clock::system().now().timestamp() + ahead;
        let claims = json!({
            "iss": url, "aud": "https://api.example.com", "sub": "key:x", "jti": "x", "iat": now,
            "exp": now + 360,
        });
        let program = python.program.to_str().unwrap();
        let token = issuer.token(&claims);
        place.program(program, &["verify.py", &token]).output().unwrap().status.success()
    };

    assert!(verifies(0));
    assert!(verifies(10), "issued some seconds in the future");
    assert!(verifies(-370), "ended some seconds ago");
    assert!(!verifies(-500), "ended long ago");
}
