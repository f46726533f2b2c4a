//! What an access token says of itself. Nothing is verified: the server that gave it to us over TLS
//! a moment ago is believed, and no one is let in for it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

/// What is shown of them. A token need not be a JWT, or say any of this.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Claims {
    pub(super) sub: String,
    pub(super) org: String,
    pub(super) roles: Vec<String>,
    pub(super) scope: String,
}

impl Claims {
    pub(super) fn of(token: &str) -> Self {
        let body = token.split('.').nth(1).and_then(|body| URL_SAFE_NO_PAD.decode(body).ok());
        body.and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default()
    }

    /// A key's token speaks for `key:ID`.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.sub.strip_prefix("key:")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_jwt_says_nothing() {
        let body = URL_SAFE_NO_PAD.encode(r#"{"sub":"key:k","roles":["a"],"org":"o"}"#);
        let claims = Claims::of(&format!("h.{body}.s"));
        assert_eq!((claims.key_id(), claims.org.as_str()), (Some("k"), "o"));
        assert_eq!(Claims::of("opaque").key_id(), None);
        assert_eq!(Claims::of("a.!.c").roles.len(), 0);
    }
}
