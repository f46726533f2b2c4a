//! Requests as clients write them.

use axum::{body::Body, http::Request};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use keyturn::domain::Secret;

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn post(path: &str, body: &str) -> Request<Body> {
    let request = Request::post(path).header("content-type", FORM);
    request.body(Body::from(body.to_owned())).unwrap()
}

/// A form as a client encodes it: everything but letters and digits.
pub(crate) fn encoded(form: &[(&str, &str)]) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let text = |text: &str| text.bytes().map(byte).collect::<String>();
    let pairs = form.iter().map(|(name, value)| format!("{}={}", text(name), text(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// The secret with its last character wrong.
pub(crate) fn mistyped(secret: &Secret) -> String {
    let (rest, last) = secret.reveal().split_at(secret.reveal().len() - 1);
    format!("{rest}{}", if last == "x" { 'y' } else { 'x' })
}

/// An Authorization header as RFC 6749, section 2.3.1 has it: both halves are encoded first.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| encoded(&[("", text)])[1..].to_owned();
    let pair = format!("{}:{}", encoded(id), encoded(secret));
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}
