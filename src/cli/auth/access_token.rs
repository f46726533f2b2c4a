//! An access token as a holder keeps and shows it.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use crate::clock::Timestamp;

/// Not printable by accident: it has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct AccessToken {
    pub(super) bearer: String,
    /// By our clock, which may differ from the server's.
    pub(super) fetched_at: Timestamp,
    pub(super) expires_at: Timestamp,
    /// The thumbprint of the key that has to be proved wherever the token is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bound_to: Option<String>,
}

/// The receiver of a token must have the time to use it.
const EARLY: TimeDelta = TimeDelta::seconds(30);

impl AccessToken {
    /// By which scheme it is shown.
    pub(super) fn scheme(&self) -> &'static str {
        if self.bound_to.is_some() { "DPoP" } else { "Bearer" }
    }

    /// For callers that cannot prove a key.
    pub(super) fn unbound(self) -> Result<Self, Failure> {
        let why = "this token is bound to the key of `keyturn auth proof-key`, which this program \
                   cannot prove: use a home without one";
        if self.bound_to.is_none() { Ok(self) } else { Err(Failure::WrongUsage(why)) }
    }

    /// Not in the last fifth of its life, nor in its last 30 seconds if the fifth is longer. A
    /// clock that was set back makes a token from the future, whose end is unknown.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        let early = ((self.expires_at - self.fetched_at) / 5).min(EARLY);
        self.fetched_at <= now && now < self.expires_at - early && is_bearer(&self.bearer)
    }
}

/// The syntax of RFC 6750, section 2.1: nothing that could end a header or a line.
pub(super) fn is_bearer(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty()
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::timestamp;

    fn fresh(life: i64, age: i64) -> bool {
        let (start, at) = (1_800_000_000, |seconds| timestamp(seconds).unwrap());
        let token = AccessToken {
            bearer: "a.b-c_d~e+f/g=".into(),
            fetched_at: at(start),
            expires_at: at(start + life),
            bound_to: None,
        };
        token.is_fresh(at(start + age))
    }

    #[test]
    fn a_token_is_used_until_shortly_before_it_ends() {
        assert!(fresh(360, 0) && fresh(360, 329) && !fresh(360, 330));
        assert!(fresh(60, 47) && !fresh(60, 48));
        assert!(!fresh(360, -1));
    }

    #[test]
    fn a_token_cannot_end_a_line() {
        assert!(is_bearer("a.b.c") && is_bearer("YQ=="));
        assert!(!is_bearer("") && !is_bearer("==") && !is_bearer("a\nb") && !is_bearer("a b"));
    }
}
