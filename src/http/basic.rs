//! Reads the name and password of `Authorization: Basic` (RFC 6749, section 2.3.1).

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::form::decode_onto;

#[derive(Debug)]
pub(super) struct BasicCredentials {
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAuthorization {
    #[error("there are two Authorization headers")]
    Repeated,
    #[error("the scheme is not Basic")]
    OtherScheme,
    #[error("the credentials are not base64")]
    NotBase64,
    #[error("the credentials have no colon")]
    NoColon,
    #[error("the client id is empty")]
    EmptyId,
    #[error("the credentials are not UTF-8, not percent-encoded or have a NUL")]
    NotEncoded,
}

/// `None` where there is no Authorization header. The secret may be empty.
pub(super) fn credentials(
    headers: &HeaderMap,
) -> Result<Option<BasicCredentials>, BadAuthorization> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(BadAuthorization::Repeated);
    }
    let value = value.as_bytes().trim_ascii();
    let scheme_ends = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, encoded) = value.split_at(scheme_ends);
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return Err(BadAuthorization::OtherScheme);
    }
    parse(encoded.trim_ascii_start()).map(Some)
}

fn parse(encoded: &[u8]) -> Result<BasicCredentials, BadAuthorization> {
    let decoded = BASE64_STANDARD.decode(encoded).map_err(|_| BadAuthorization::NotBase64)?;
    let decoded = Zeroizing::new(decoded);
    // A colon within the id or the secret is percent-encoded, so the first one separates them.
    let colon = decoded.iter().position(|byte| *byte == b':').ok_or(BadAuthorization::NoColon)?;

    let mut client_id = String::with_capacity(colon);
    decode_onto(&mut client_id, &decoded[..colon]).map_err(|_| BadAuthorization::NotEncoded)?;
    if client_id.is_empty() {
        return Err(BadAuthorization::EmptyId);
    }
    let mut client_secret = Zeroizing::new(String::with_capacity(decoded.len()));
    decode_onto(&mut client_secret, &decoded[colon + 1..])
        .map_err(|_| BadAuthorization::NotEncoded)?;
    let client_secret = SecretString::from(client_secret.as_str());
    Ok(BasicCredentials { client_id, client_secret })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use secrecy::ExposeSecret;

    use super::*;

    fn read(values: &[&str]) -> Result<Option<(String, String)>, BadAuthorization> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        let found = credentials(&headers)?;
        Ok(found.map(|found| (found.client_id, found.client_secret.expose_secret().to_owned())))
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(text))
    }

    fn pair(value: &str) -> (String, String) {
        read(&[value]).unwrap().unwrap()
    }

    #[test]
    fn ca_06_both_halves_are_form_encoded_before_base64() {
        assert_eq!(pair(&basic("a%3Ab:p%2B+%25%C3%A9")), ("a:b".into(), "p+ %é".into()));
        assert_eq!(pair(&basic("bx:")), ("bx".into(), String::new()));
        assert_eq!(pair(&basic("id:one:two")), ("id".into(), "one:two".into()));
    }

    #[test]
    fn ca_14_the_scheme_has_any_case_and_any_spaces() {
        let encoded = BASE64_STANDARD.encode("id:secret");
        assert_eq!(pair(&format!("bAsIc   {encoded}  ")), ("id".into(), "secret".into()));
        assert_eq!(read(&[]), Ok(None));
        for other in ["Bearer token", "Basic", "Basics YTpi", "", "Basic:YTpi"] {
            let expected = match other {
                "Basic" => BadAuthorization::NoColon,
                _ => BadAuthorization::OtherScheme,
            };
            assert_eq!(read(&[other]), Err(expected), "{other}");
        }
    }

    #[test]
    fn ca_08_each_malformed_header_is_told_apart() {
        let good = basic("a:b");
        assert_eq!(read(&[&good, &good]), Err(BadAuthorization::Repeated));
        assert_eq!(read(&["Basic a:b"]), Err(BadAuthorization::NotBase64));
        assert_eq!(read(&["Basic YTpi YTpi"]), Err(BadAuthorization::NotBase64));
        assert_eq!(read(&[&basic("no colon")]), Err(BadAuthorization::NoColon));
        assert_eq!(read(&[&basic(":secret")]), Err(BadAuthorization::EmptyId));
        assert_eq!(read(&[&basic("id:100%")]), Err(BadAuthorization::NotEncoded));
        assert_eq!(read(&[&basic("a\0:b")]), Err(BadAuthorization::NotEncoded));
    }
}
