//! Tells those who answer for a key or a client what happens to it: mails and events, put into the
//! outbox by the transaction that they tell of.

mod letter;

pub(crate) use self::letter::days_until;

use std::net::IpAddr;

use chrono::SecondsFormat;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    app::App,
    clock::Timestamp,
    domain::{
        ApiKey, Client, EventName, FamilyId, KeyName, Lineage, Message, MessageId, OrganizationId,
        Owner, Recipient, Webhook,
    },
    store::{self, StoreError, Tx},
};

/// What there is news of.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    Key(&'a ApiKey),
    Client(&'a Client),
}

/// What there is to tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// In so many days, begun ones counted.
    ExpiresSoon { days: i64 },
    /// No one used it for so many days.
    DisabledUnused { days: i64 },
    /// Someone found its secret where everybody can read it.
    Leaked {
        /// Where: what the finder said, or nothing.
        found_at: Option<String>,
        became: Leaked,
    },
    /// The holder of its secret has ended it.
    GivenUp { became: Leaked },
    /// `None` where no secret worked any more.
    Rotated { old_secret_dies_at: Option<Timestamp> },
    /// One of its refresh tokens was used twice, and all that came of the same grant has ended.
    RefreshReused {
        family: FamilyId,
        /// From where it was used again, in which request.
        source: IpAddr,
        request_id: Uuid,
    },
}

/// What keyturn did with a key whose secret leaked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaked {
    /// The secret was dead already.
    WasDead,
    Noticed,
    /// The old secret of a key that is being rotated, which lives on by its newest.
    SecretEnded,
    Disabled,
    Revoked,
}

impl Subject<'_> {
    fn owner(self) -> Owner {
        match self {
            Self::Key(key) => key.owner,
            Self::Client(client) => Owner::Organization(client.organization_id),
        }
    }

    /// What people call a thing like it.
    fn kind(self) -> &'static str {
        match self {
            Self::Key(_) => "API key",
            Self::Client(_) => "Client",
        }
    }

    fn expires_at(self) -> Option<Timestamp> {
        match self {
            Self::Key(key) => key.expires_at,
            Self::Client(_) => None,
        }
    }

    fn name(&self) -> &KeyName {
        match self {
            Self::Key(key) => &key.name,
            Self::Client(client) => &client.name,
        }
    }

    /// What an event says of it, and as what.
    fn described(self) -> (&'static str, Value) {
        match self {
            Self::Key(ApiKey { id, name, expires_at, .. }) => {
                let expires_at = expires_at.map(rfc3339);
                ("api_key", json!({ "id": id, "name": name, "expires_at": expires_at }))
            }
            Self::Client(Client { id, name, .. }) => ("client", json!({ "id": id, "name": name })),
        }
    }
}

impl News {
    fn event(&self) -> EventName {
        match self {
            Self::ExpiresSoon { .. } => EventName::ApiKeyExpiresSoon,
            Self::DisabledUnused { .. } => EventName::ApiKeyDisabledUnused,
            Self::GivenUp { .. } => EventName::ApiKeyGivenUp,
            Self::Leaked { .. } => EventName::ApiKeyLeaked,
            Self::Rotated { .. } => EventName::ApiKeyRotated,
            Self::RefreshReused { .. } => EventName::RefreshReused,
        }
    }

    fn data(&self) -> Value {
        match self {
            Self::ExpiresSoon { days } => json!({ "days": days }),
            Self::DisabledUnused { days } => json!({ "unused_for_days": days }),
            Self::GivenUp { became } => json!({ "became": became.as_str() }),
            Self::Leaked { found_at, became } => {
                json!({ "found_at": found_at, "became": became.as_str() })
            }
            Self::Rotated { old_secret_dies_at } => {
                json!({ "old_secret_dies_at": old_secret_dies_at.map(rfc3339) })
            }
            Self::RefreshReused { family, source, request_id } => {
                json!({ "family": family, "source": source, "request_id": request_id })
            }
        }
    }
}

impl Leaked {
    pub const ALL: [Self; 5] =
        [Self::WasDead, Self::Noticed, Self::SecretEnded, Self::Disabled, Self::Revoked];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::WasDead => "was_dead",
            Self::Noticed => "noticed",
            Self::SecretEnded => "secret_ended",
            Self::Disabled => "disabled",
            Self::Revoked => "revoked",
        }
    }
}

/// Tells the owners of the organization it belongs to by mail, or those above where that has none,
/// and every webhook from there to the root that wants to hear it; of a user's key the user.
pub async fn announce(
    app: &App,
    tx: &mut Tx,
    of: Subject<'_>,
    news: &News,
) -> Result<(), StoreError> {
    let place = Place::of(tx, of.owner()).await?;
    if let Some(letter) = letter::write(app, of, &place, news).filter(|_| app.settings.sends_mail) {
        let addresses = match of.owner() {
            Owner::Organization(id) => store::reminders::owners(tx, id).await?,
            Owner::User(id) => store::reminders::email_of(tx, id).await?.into_iter().collect(),
        };
        for address in addresses {
            let recipient = Recipient::Email(address);
            put(app, tx, place.id, recipient, &letter.subject, &letter.text).await?;
        }
    }
    let Some(id) = place.id else { return Ok(()) };
    let mut data = news.data();
    let (kind, mut described) = of.described();
    described["organization_id"] = json!(id);
    described["organization"] = json!(place.name);
    data[kind] = described;
    let body = event(news.event(), app.clock.now(), &data);
    for webhook in store::webhooks::hearing(tx, id).await? {
        if webhook.events.want(news.event()) {
            let recipient = Recipient::Webhook(webhook.id);
            put(app, tx, place.id, recipient, news.event().as_str(), &body).await?;
        }
    }
    Ok(())
}

/// Puts a message into the outbox that only says that webhooks arrive.
pub(crate) async fn announce_test(
    app: &App,
    tx: &mut Tx,
    webhook: &Webhook,
) -> Result<MessageId, StoreError> {
    let name = EventName::WebhookTest;
    let body = event(name, app.clock.now(), &json!({ "webhook_id": webhook.id }));
    let recipient = Recipient::Webhook(webhook.id);
    put(app, tx, Some(webhook.organization_id), recipient, name.as_str(), &body).await
}

/// The payload that Standard Webhooks recommends.
fn event(name: EventName, at: Timestamp, data: &Value) -> String {
    json!({ "type": name, "timestamp": rfc3339(at), "data": data }).to_string()
}

fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

async fn put(
    app: &App,
    tx: &mut Tx,
    organization_id: Option<OrganizationId>,
    recipient: Recipient,
    subject: &str,
    body: &str,
) -> Result<MessageId, StoreError> {
    let now = app.clock.now();
    let id = MessageId(app.random.id(now));
    let (subject, body) = (subject.to_owned(), body.to_owned());
    let message = Message { id, recipient, organization_id, subject, body, created_at: now };
    store::outbox::insert(tx, &message).await?;
    Ok(id)
}

/// Where a key or a client belongs.
struct Place {
    id: Option<OrganizationId>,
    /// `acme/team`; empty for a user's key.
    name: String,
}

impl Place {
    async fn of(tx: &mut Tx, owner: Owner) -> Result<Self, StoreError> {
        let Owner::Organization(id) = owner else {
            return Ok(Self { id: None, name: String::new() });
        };
        let lineage = store::organizations::lineage(tx, id).await?;
        let name = lineage.as_ref().map(path).unwrap_or_default();
        Ok(Self { id: Some(id), name })
    }
}

/// Names from the root down, with slashes between.
fn path(lineage: &Lineage) -> String {
    let names = lineage.line.iter().rev().map(|organization| organization.name.as_str());
    names.collect::<Vec<_>>().join("/")
}
