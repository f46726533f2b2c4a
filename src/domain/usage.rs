//! Who used which key, from where, with which outcome; and what was refused, and why.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ApiKeyId, OrganizationId, Printable, SecretId};

/// Where a request came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The caller was given it; the audit trail finds the request by it.
    pub request_id: Uuid,
    pub source: IpAddr,
    pub user_agent: UserAgent,
    /// The path that was posted to.
    pub door: &'static str,
}

/// What a client calls itself: printable ASCII, cut to [`UserAgent::LONGEST`] characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserAgent(Arc<str>);

impl UserAgent {
    pub const LONGEST: usize = 120;

    pub fn new(text: &str) -> Self {
        let printable = text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ');
        Self(printable.take(Self::LONGEST).collect::<String>().into())
    }

    /// In the place of many.
    pub fn others() -> Self {
        Self::new("(others)")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What usage is counted by. The table grows with keys and minutes, not with requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Use {
    pub secret_id: SecretId,
    pub circumstances: Circumstances,
}

/// What many uses at once have in common, whichever secrets they are of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Circumstances {
    /// Minutes since 1970.
    pub minute: i64,
    pub source: IpAddr,
    pub user_agent: UserAgent,
    /// `issued`, or the code of the refusal.
    pub outcome: Cow<'static, str>,
}

impl Circumstances {
    /// In the place of many addresses.
    pub const OTHER_SOURCES: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    pub const ISSUED: &'static str = "issued";
}

/// How usage is told: by minutes, as it is counted, or by the sums of longer spans (in UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Minute,
    Hour,
    Day,
}

impl Step {
    pub fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::Hour => 60,
            Self::Day => 24 * 60,
        }
    }
}

/// A refused request with its true reason, to be looked up under the request id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalRecord {
    pub request_id: Uuid,
    /// Seconds since 1970.
    pub at: i64,
    /// The code of the refusal: `key_expired`.
    pub reason: String,
    /// The reason in words. Never a secret.
    pub detail: Printable,
    /// Known once the secret was proved.
    pub api_key_id: Option<ApiKeyId>,
    /// Whose rules the detail quotes: only those who reach it may read it.
    #[serde(default)]
    pub organization_id: Option<OrganizationId>,
    pub source: IpAddr,
    pub user_agent: UserAgent,
    pub door: String,
}
