//! A client's public keys as it hands them in: a JWK Set (RFC 7517, section 5).

use serde_json::{Map, Value};

/// Why a JWK Set is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKeySet {
    #[error("a JWK Set is a JSON object whose `keys` are 1 to {MOST} keys")]
    Malformed,
    #[error("a JWK Set has {LONGEST} bytes at most")]
    TooLong,
    #[error("a key holds its private half: hand in public keys only, and make a new pair")]
    Private,
    #[error("a key is of another kind than EC, RSA and OKP, or lacks a member of its kind")]
    Kind,
    #[error("a key is for another use than verifying signatures")]
    Use,
}

const MOST: usize = 20;
const LONGEST: usize = 32 * 1024;
/// Of RSA, of EC and OKP, and of a shared secret (RFC 7518, section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The set as it is kept. Whether its numbers are keys shows where a signature is verified.
pub(super) fn check(text: &str) -> Result<String, BadKeySet> {
    if text.len() > LONGEST {
        return Err(BadKeySet::TooLong);
    }
    let set: Value = serde_json::from_str(text).map_err(|_| BadKeySet::Malformed)?;
    let keys = set.get("keys").and_then(Value::as_array).ok_or(BadKeySet::Malformed)?;
    if keys.is_empty() || keys.len() > MOST {
        return Err(BadKeySet::Malformed);
    }
    for key in keys {
        check_key(key.as_object().ok_or(BadKeySet::Malformed)?)?;
    }
    // Written anew: of a member that was there twice, one is left.
    Ok(set.to_string())
}

fn check_key(key: &Map<String, Value>) -> Result<(), BadKeySet> {
    if PRIVATE.iter().any(|name| key.contains_key(*name)) {
        return Err(BadKeySet::Private);
    }
    let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
    let needed: &[&str] = match text("kty") {
        "EC" => &["crv", "x", "y"],
        "RSA" => &["n", "e"],
        "OKP" => &["crv", "x"],
        _ => return Err(BadKeySet::Kind),
    };
    if needed.iter().any(|name| text(name).is_empty()) {
        return Err(BadKeySet::Kind);
    }
    let algorithm = text("alg");
    let signs = !algorithm.eq_ignore_ascii_case("none") && !algorithm.starts_with("HS");
    let verifies = key.get("use").is_none_or(|it| it == "sig") && signs;
    if verifies { Ok(()) } else { Err(BadKeySet::Use) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dc_05_a_key_set_holds_public_keys_for_signatures() {
        let set = |key: &str| check(&format!(r#"{{"keys":[{key}]}}"#));
        let ec = r#""kty":"EC","crv":"P-256","x":"AA","y":"AA""#;
        for fine in [
            format!("{{{ec}}}"),
            format!(r#"{{{ec},"use":"sig","alg":"ES256","kid":"one"}}"#),
            r#"{"kty":"RSA","n":"AA","e":"AQAB"}"#.to_owned(),
            r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#.to_owned(),
        ] {
            assert!(set(&fine).is_ok(), "{fine}");
        }
        for (key, why) in [
            (format!(r#"{{{ec},"d":"AA"}}"#), BadKeySet::Private),
            (r#"{"kty":"oct","k":"AA"}"#.to_owned(), BadKeySet::Private),
            (r#"{"kty":"oct"}"#.to_owned(), BadKeySet::Kind),
            (r#"{"kty":"EC","crv":"P-256","x":"AA"}"#.to_owned(), BadKeySet::Kind),
            (r#"{"kty":"RSA","n":1,"e":"AQAB"}"#.to_owned(), BadKeySet::Kind),
            ("{}".to_owned(), BadKeySet::Kind),
            ("1".to_owned(), BadKeySet::Malformed),
            (format!(r#"{{{ec},"use":"enc"}}"#), BadKeySet::Use),
            (format!(r#"{{{ec},"alg":"none"}}"#), BadKeySet::Use),
            (format!(r#"{{{ec},"alg":"HS256"}}"#), BadKeySet::Use),
        ] {
            assert_eq!(set(&key), Err(why), "{key}");
        }
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#] {
            assert_eq!(check(text), Err(BadKeySet::Malformed), "{text}");
        }
        let long = format!(r#"{{"keys":[],"x":"{}"}}"#, "a".repeat(LONGEST));
        assert_eq!(check(&long), Err(BadKeySet::TooLong));
    }
}
