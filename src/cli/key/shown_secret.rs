//! A secret of a key as commands show it: everything but the secret.

use chrono::TimeDelta;
use serde::Serialize;

use crate::{
    cli::words,
    clock::{Timestamp, timestamp},
    domain::SecretId,
    manage::api_keys::LastUse,
};

#[derive(Serialize)]
pub(super) struct ShownSecret {
    pub(super) id: SecretId,
    pub(super) created_at: Timestamp,
    pub(super) dies_at: Option<Timestamp>,
    pub(super) is_live: bool,
    #[serde(flatten)]
    pub(super) last_used: LastUsed,
}

/// The minute in which a token was issued last, and to whom.
#[derive(Clone, Serialize)]
pub(super) struct LastUsed {
    #[serde(rename = "last_used_at")]
    pub(super) at: Option<Timestamp>,
    /// `None` also where that is no longer kept: the moment may be two hours later, then.
    #[serde(rename = "last_used_from")]
    pub(super) from: Option<String>,
}

impl LastUsed {
    pub(super) fn new(last: Option<LastUse>) -> Self {
        let at = last.as_ref().and_then(|last| timestamp(last.minute * 60));
        Self { at, from: last.and_then(|last| last.source) }
    }

    /// `14 min ago from 10.2.3.4`.
    pub(super) fn text(&self, now: Timestamp) -> String {
        match (self.at, &self.from) {
            (Some(at), Some(from)) => format!("{} from {from}", words::ago(at, now)),
            (Some(at), None) => format!("about {}", words::ago(at, now)),
            (None, _) => "never".to_owned(),
        }
    }
}

/// How long one still sees that a secret has died.
const DEAD_SHOWN: TimeDelta = TimeDelta::days(30);

impl ShownSecret {
    pub(super) fn is_worth_showing(&self, now: Timestamp) -> bool {
        self.dies_at.is_none_or(|end| end + DEAD_SHOWN > now)
    }

    pub(super) fn text(&self, now: Timestamp) -> String {
        let used = self.last_used.text(now);
        let end = match (self.is_live, self.dies_at) {
            (true, Some(end)) => format!("dies in {}", words::span(end - now)),
            (true, None) => "works".to_owned(),
            (false, _) => "no longer works".to_owned(),
        };
        format!("of {}, {end}, last used {used}", words::moment(self.created_at))
    }
}
