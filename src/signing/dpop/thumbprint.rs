//! What a public key is known by (RFC 7638).

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::domain::Thumbprint;

/// Of a key that has been read. `None` where its numbers are spelt so that it would have several:
/// those of RSA keys take as few bytes as they need (RFC 7518, section 2).
pub(super) fn thumbprint(jwk: &Value) -> Option<Thumbprint> {
    let text = |name: &str| jwk.get(name)?.as_str();
    // The members that make the key, in the order of their names (section 3).
    let canonical = match text("kty")? {
        "EC" => {
            let (crv, x, y) = (text("crv")?, text("x")?, text("y")?);
            format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
        }
        "OKP" => {
            let (crv, x) = (text("crv")?, text("x")?);
            format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#)
        }
        "RSA" => {
            let (n, e) = (text("n")?, text("e")?);
            if BASE64_URL_SAFE_NO_PAD.decode(n).ok()?.first() == Some(&0) {
                return None;
            }
            format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
        }
        _ => return None,
    };
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes())).parse().ok()
}
