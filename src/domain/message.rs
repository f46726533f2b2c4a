//! A message to the outside, as it waits for its delivery.

use super::{Email, MessageId, OrganizationId, WebhookId};
use crate::clock::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Stays the same however often delivery is tried, so that the receiver knows it again.
    pub id: MessageId,
    pub recipient: Recipient,
    /// Whom it concerns.
    pub organization_id: Option<OrganizationId>,
    /// The subject of a mail, the name of an event.
    pub subject: String,
    /// Plain text, or JSON for a webhook. Never a secret.
    pub body: String,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Recipient {
    Email(Email),
    Webhook(WebhookId),
}

/// Ways of delivery, none of which waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    Email,
    Webhook,
}

impl Recipient {
    pub fn channel(&self) -> Channel {
        match self {
            Self::Email(_) => Channel::Email,
            Self::Webhook(_) => Channel::Webhook,
        }
    }
}

impl Channel {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
        }
    }
}
