//! The floor of refreshing, of introspection and of token exchange: it verifies what it is given,
//! makes what it is asked for, and remembers nothing.

use std::sync::Arc;

use aws_lc_rs::{
    hmac,
    signature::{ECDSA_P256_SHA256_FIXED, KeyPair as _, UnparsedPublicKey},
};
use axum::{Json, body::Bytes, extract::State, http::StatusCode};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use keyturn::domain::Algorithm;
use serde_json::{Value, json};

use super::Floor;

type Answer = Result<Json<Value>, StatusCode>;

/// A refresh token: a number and its authentication, as long as keyturn's without its checksum.
struct Refresh(u64);

impl Refresh {
    const FAMILY: &str = "018f000000007000800000000000000018f0";

    fn written(&self, key: &hmac::Key) -> String {
        let text = format!("{}{:016x}", Self::FAMILY, self.0);
        let tag = hmac::sign(key, text.as_bytes());
        format!("{text}{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
    }

    fn read(text: &str, key: &hmac::Key) -> Option<Self> {
        let (text, tag) = text.split_at_checked(Self::FAMILY.len() + 16)?;
        let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(key, text.as_bytes(), &tag).ok()?;
        Some(Self(u64::from_str_radix(&text[Self::FAMILY.len()..], 16).ok()?))
    }
}

/// `POST /oauth2/token`: by a client's secret, which nobody compares, a refresh token or a token.
pub(super) async fn grant(State(floor): State<Arc<Floor>>, body: Bytes) -> Answer {
    let (mut refresh_token, mut subject_token) = (None, None);
    for (parameter, value) in form_urlencoded::parse(&body) {
        match &*parameter {
            "refresh_token" => refresh_token = Some(value),
            "subject_token" => subject_token = Some(value),
            _ => (),
        }
    }
    if let Some(token) = subject_token {
        floor.verified(&token).ok_or(StatusCode::BAD_REQUEST)?;
        return Ok(Json(json!({
            "access_token": floor.token(Algorithm::Es256),
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": 360,
            "scope": "read",
        })));
    }
    let before = refresh_token.map(|token| Refresh::read(&token, &floor.mac));
    let before = before.unwrap_or(Some(Refresh(0))).ok_or(StatusCode::BAD_REQUEST)?;
    Ok(Json(json!({
        "access_token": floor.token(Algorithm::Es256),
        "token_type": "Bearer",
        "expires_in": 360,
        "scope": "read",
        "refresh_token": Refresh(before.0 + 1).written(&floor.mac),
    })))
}

/// `POST /oauth2/introspect`: the claims of a token that verifies.
pub(super) async fn introspect(State(floor): State<Arc<Floor>>, body: Bytes) -> Answer {
    let token = form_urlencoded::parse(&body).find(|(name, _)| name == "token");
    let (_, token) = token.ok_or(StatusCode::BAD_REQUEST)?;
    let Some(mut claims) = floor.verified(&token) else {
        return Ok(Json(json!({ "active": false })));
    };
    claims["active"] = true.into();
    Ok(Json(claims))
}

impl Floor {
    /// The claims of a token of its own that has not expired.
    fn verified(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.es256.public_key());
        key.verify(signed.as_bytes(), &signature).ok()?;
        let payload = BASE64_URL_SAFE_NO_PAD.decode(signed.split_once('.')?.1).ok()?;
        let claims: Value = serde_json::from_slice(&payload).ok()?;
        (claims["exp"].as_i64()? > self.clock.now().timestamp()).then_some(claims)
    }
}
