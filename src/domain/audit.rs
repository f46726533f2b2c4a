//! The audit trail: who did what to which thing, from where.

use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr};

use serde::Serialize;
use uuid::Uuid;

use super::{ApiKeyId, ClientId, OrganizationId, TrustId, UserId, printable};
use crate::clock::Timestamp;

/// Who changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    User(UserId),
    ApiKey(ApiKeyId),
    Client(ClientId),
    /// The workload that the trust policy trusts, by its name there.
    Workload(TrustId, String),
    /// A person at the machine, named by the operating system.
    Operator(String),
    /// keyturn itself, keeping its own schedule.
    Keyturn,
}

/// One change of state, written in the transaction that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    pub id: Uuid,
    pub at: Timestamp,
    pub actor: Actor,
    /// The address by which other systems know the key that did it; `None` where no key did.
    pub actor_email: Option<String>,
    /// What was done: `api_key.created`.
    pub action: Cow<'static, str>,
    /// To what: its identifier.
    pub subject: String,
    pub organization_id: Option<OrganizationId>,
    pub source: Option<IpAddr>,
    pub request_id: Option<Uuid>,
    /// What became of it, as JSON. Never a secret.
    pub detail: serde_json::Value,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::ApiKey(id) => write!(f, "key:{id}"),
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Workload(id, name) => write!(f, "trust:{id}:{name}"),
            Self::Operator(name) => write!(f, "operator:{name}"),
            Self::Keyturn => f.write_str("keyturn"),
        }
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an actor is `user:`, `key:` or `client:` and an id, `trust:` with an id and a subject, \
     `operator:` and a name, or `keyturn`"
)]
pub struct MalformedActor;

impl FromStr for Actor {
    type Err = MalformedActor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = |text: &str| text.parse::<Uuid>().map_err(|_| MalformedActor);
        match text.split_once(':') {
            Some(("user", text)) => id(text).map(|id| Self::User(UserId(id))),
            Some(("key", text)) => id(text).map(|id| Self::ApiKey(ApiKeyId(id))),
            Some(("client", text)) => id(text).map(|id| Self::Client(ClientId(id))),
            Some(("trust", text)) => {
                let (text, name) = text.split_once(':').ok_or(MalformedActor)?;
                id(text).map(|id| Self::Workload(TrustId(id), name.to_owned()))
            }
            Some(("operator", name)) => Ok(Self::Operator(printable(name).into_owned())),
            None if text == "keyturn" => Ok(Self::Keyturn),
            _ => Err(MalformedActor),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
