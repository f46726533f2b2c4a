//! Identifiers that cannot be mixed up. Each is a `UUIDv7` that keyturn made.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Item;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct MalformedId;

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self).map_err(|_| MalformedId)
            }
        }
    )*};
}

identifiers! {
    OrganizationId;
    UserId;
    ApiKeyId;
    /// One of a key's secrets: what usage and revocation are counted by.
    SecretId;
    WebhookId;
    /// `client_id` of an OAuth client.
    ClientId;
    /// The refresh tokens of one grant.
    FamilyId;
    /// A rule by which tokens of other issuers are trusted.
    TrustId;
    /// One mail, or one event for one webhook.
    MessageId;
}

impl Item for OrganizationId {
    const MEMBER: &'static str = "reach";
    const EXAMPLE: &'static str = "0190f000-0000-7000-8000-000000000001";
}
