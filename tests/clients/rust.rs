//! The example of `docs/VERIFYING.md` in Rust: a test holds that it is the same text.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::Value;

/// What the token says, if this issuer signed it for this audience.
pub fn claims(token: &str, jwks: &JwkSet, issuer: &str, audience: &str) -> Option<Value> {
    let header = decode_header(token).ok()?;
    let key = DecodingKey::from_jwk(jwks.find(&header.kid?)?).ok()?;
    let mut expected = Validation::new(Algorithm::ES256);
    expected.set_issuer(&[issuer]);
    expected.set_audience(&[audience]);
    expected.set_required_spec_claims(&["exp", "iss", "aud"]);
    expected.leeway = 30; // clocks differ
    let claims = decode(token, &key, &expected).ok()?.claims;
    (header.typ.as_deref() == Some("at+jwt")).then_some(claims)
}
