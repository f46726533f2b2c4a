//! Where an organization hears of what happens to its keys.

use std::{fmt, str::FromStr};

use serde::Serialize;

use super::{Item, OrganizationId, Version, WebhookId};
use crate::clock::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub organization_id: OrganizationId,
    pub url: String,
    pub events: Events,
    pub secret: SecretOrigin,
    pub created_at: Timestamp,
    /// Hears nothing from here on.
    pub disabled_at: Option<Timestamp>,
    pub version: Version,
}

/// What a webhook's secret is derived from, beside the key-encryption key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretOrigin {
    /// Counts the secrets from 1.
    pub generation: i64,
    /// Which key-encryption key it was, so that another one is noticed.
    pub made_by: String,
    pub made_at: Timestamp,
}

/// What a webhook may hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventName {
    ApiKeyDisabledUnused,
    ApiKeyExpiresSoon,
    ApiKeyGivenUp,
    ApiKeyLeaked,
    ApiKeyRotated,
    RefreshReused,
    /// Sent only to a webhook that someone tests, whatever it wants to hear of.
    WebhookTest,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no event {0}: there are {known}", known = Events::all())]
pub struct UnknownEvent(String);

impl EventName {
    pub const ALL: [Self; 7] = [
        Self::ApiKeyDisabledUnused,
        Self::ApiKeyExpiresSoon,
        Self::ApiKeyGivenUp,
        Self::ApiKeyLeaked,
        Self::ApiKeyRotated,
        Self::RefreshReused,
        Self::WebhookTest,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiKeyDisabledUnused => "api_key.disabled_unused",
            Self::ApiKeyExpiresSoon => "api_key.expires_soon",
            Self::ApiKeyGivenUp => "api_key.given_up",
            Self::ApiKeyLeaked => "api_key.leaked",
            Self::ApiKeyRotated => "api_key.rotated",
            Self::RefreshReused => "refresh.reused",
            Self::WebhookTest => "webhook.test",
        }
    }
}

impl FromStr for EventName {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|event| event.as_str() == text);
        known.ok_or_else(|| UnknownEvent(text.to_owned()))
    }
}

impl Item for EventName {
    const MEMBER: &'static str = "events";
    const EXAMPLE: &'static str = "api_key.leaked";
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EventName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The events a webhook wants, sorted; written with spaces between them. Empty: all of them, also
/// those that a later version adds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Events(Vec<EventName>);

impl Events {
    fn all() -> Self {
        EventName::ALL.into_iter().collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = EventName> {
        self.0.iter().copied()
    }

    pub fn want(&self, event: EventName) -> bool {
        self.0.is_empty() || self.0.contains(&event)
    }
}

impl FromIterator<EventName> for Events {
    fn from_iter<I: IntoIterator<Item = EventName>>(events: I) -> Self {
        let mut events: Vec<_> = events.into_iter().collect();
        events.sort_unstable();
        events.dedup();
        Self(events)
    }
}

impl FromStr for Events {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_whitespace().map(str::parse).collect()
    }
}

impl fmt::Display for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|event| event.as_str()).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_list_of_events_means_all_of_them() {
        let some: Events = "api_key.rotated api_key.leaked api_key.rotated".parse().unwrap();
        assert_eq!(some.to_string(), "api_key.leaked api_key.rotated");
        assert!(some.want(EventName::ApiKeyLeaked) && !some.want(EventName::ApiKeyExpiresSoon));
        for event in EventName::ALL {
            assert!(Events::default().want(event));
            assert_eq!(event.as_str().parse(), Ok(event));
        }
    }

    #[test]
    fn an_unknown_event_is_told_which_there_are() {
        let told = "api_key.expire_soon".parse::<Events>().unwrap_err().to_string();
        assert!(told.contains("no event api_key.expire_soon"), "{told}");
        assert!(told.contains("api_key.expires_soon"), "{told}");
    }
}
