//! Reads the claims of a JWT by their names and their forms, no matter who wrote them.

use serde_json::{Map, Value};

use super::Untrusted;
use crate::clock::{Timestamp, timestamp};

pub(super) struct Claims<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Claims<'a> {
    pub(super) fn required<T>(
        &self,
        name: &'static str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<T, Untrusted> {
        self.optional(name, read)?.ok_or(Untrusted::MissingClaim(name))
    }

    pub(super) fn optional<T>(
        &self,
        name: &'static str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Untrusted> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        read(value).map(Some).ok_or(Untrusted::MalformedClaim(name))
    }
}

/// One, or an array of them (RFC 7519, section 4.1.3).
pub(super) fn audiences(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(all) => all.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// A `NumericDate` (RFC 7519, section 2); of a fraction, the second it begins in.
pub(super) fn moment(value: &Value) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "what is too large is no moment either")]
    let seconds = value.as_i64().or_else(|| Some(value.as_f64()?.floor() as i64))?;
    timestamp(seconds)
}
