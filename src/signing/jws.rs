//! Takes a JWS in compact form apart (RFC 7515, section 7.1), strictly. Trusts nothing in it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::strict_json::{self, MalformedJson};

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedJws {
    #[error("it is longer than 16 KiB")]
    TooLong,
    #[error("it has not three segments")]
    Segments,
    #[error("a segment is not base64url in its only spelling")]
    Base64,
    #[error("a segment is not a JSON object, has a member twice, or is deeper than 8 levels")]
    Json,
}

impl From<MalformedJson> for MalformedJws {
    fn from(MalformedJson: MalformedJson) -> Self {
        Self::Json
    }
}

/// Nothing in it is proved before its signature is.
pub(super) struct Jws<'a> {
    pub(super) header: Map<String, Value>,
    /// Whatever was signed; [`Self::claims`] reads it where it should be JSON.
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
    /// What the signature is over: the first two segments as they came.
    pub(super) signed: &'a [u8],
}

impl<'a> Jws<'a> {
    const LONGEST: usize = 16 * 1024;

    pub(super) fn parse(text: &'a str) -> Result<Self, MalformedJws> {
        if text.len() > Self::LONGEST {
            return Err(MalformedJws::TooLong);
        }
        let segments: Vec<_> = text.splitn(4, '.').collect();
        let [header, payload, signature] = segments[..] else {
            return Err(MalformedJws::Segments);
        };
        Ok(Self {
            header: strict_json::object(&decode(header)?)?,
            payload: decode(payload)?,
            signature: decode(signature)?,
            signed: &text.as_bytes()[..header.len() + 1 + payload.len()],
        })
    }

    /// A member of the header that is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// A name to look up a key by, and nothing else. `Err`: no key can have this one.
    pub(super) fn key_id(&self) -> Result<Option<&str>, UnusableKeyId> {
        let Some(id) = self.header.get("kid") else { return Ok(None) };
        let id = id.as_str().filter(|id| is_key_id(id)).ok_or(UnusableKeyId)?;
        Ok(Some(id))
    }

    /// What in the header changes how the rest is read (RFC 7515, section 4.1.11; RFC 7797;
    /// RFC 7516, section 4.1.3). Nothing of it is known here, so none of it is read. Keys and
    /// their addresses (`jwk`, `jku`, `x5c`, `x5u`) change nothing, and are not looked at.
    pub(super) fn extension(&self) -> Option<&'static str> {
        ["crit", "b64", "zip"].into_iter().find(|name| self.header.contains_key(*name))
    }

    pub(super) fn claims(&self) -> Result<Map<String, Value>, MalformedJws> {
        Ok(strict_json::object(&self.payload)?)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnusableKeyId;

/// A thumbprint has 43 characters; those of others may be longer.
pub(super) fn is_key_id(id: &str) -> bool {
    const LONGEST: usize = 128;
    id.chars().count() <= LONGEST
}

/// No padding, no white space, and no bits beyond the last byte: one spelling for one value.
fn decode(segment: &str) -> Result<Vec<u8>, MalformedJws> {
    BASE64_URL_SAFE_NO_PAD.decode(segment).map_err(|_| MalformedJws::Base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<u8>, MalformedJws> {
        Jws::parse(text).map(|jws| jws.payload)
    }

    #[test]
    fn jt_03_there_are_exactly_three_segments() {
        assert_eq!(parsed("e30.Zm9v.AA"), Ok(b"foo".to_vec()));
        for text in ["", "e30", "e30.Zm9v", "e30.Zm9v.AA.", "e30.Zm9v.AA.AA", "e30.a.b.c.d"] {
            assert_eq!(parsed(text), Err(MalformedJws::Segments), "{text}");
        }
    }

    #[test]
    fn jt_03_a_segment_has_one_spelling() {
        for payload in ["Zm9vCg==", "Zm9vCh", "Zm9v Cg", "Zm9v\n", "Zm9v+w", "Zm9v/w", "Zm9vA", "é"]
        {
            assert_eq!(
                parsed(&format!("e30.{payload}.AA")),
                Err(MalformedJws::Base64),
                "{payload}"
            );
        }
    }

    #[test]
    fn jt_03_the_header_is_an_object() {
        for header in ["", "bnVsbA", "W10", "eyJhIjoxLCJhIjoxfQ"] {
            assert_eq!(parsed(&format!("{header}.Zm9v.AA")), Err(MalformedJws::Json), "{header}");
        }
    }

    #[test]
    fn jt_03_sixteen_kibibytes_are_read_and_one_more_byte_is_not() {
        let of_length = |length: usize| {
            let token = format!("e30..{}", "A".repeat(length - 5));
            assert_eq!(token.len(), length);
            Jws::parse(&token).map(|_| ())
        };
        assert_eq!(of_length(16 * 1024), Ok(()));
        assert_eq!(of_length(16 * 1024 + 1), Err(MalformedJws::TooLong));
    }

    #[test]
    fn what_was_signed_is_what_came() {
        assert_eq!(Jws::parse("e30.Zm9v.AA").unwrap().signed, b"e30.Zm9v");
        assert_eq!(Jws::parse("e30..").unwrap().signed, b"e30.");
    }
}
