//! One attempt to deliver one message, and what follows from it.

use chrono::TimeDelta;

use super::Courier;
use crate::{
    domain::{Email, Message, Recipient, WebhookId},
    outbound::{Letter, MailFailed, RequestFailed},
    signing::WebhookSecret,
    store::{
        StoreError,
        outbox::{self, Waiting},
        webhooks,
    },
};

/// How long the next attempt waits after each that failed. After the last one there is no next.
const PAUSES: [TimeDelta; 7] = [
    TimeDelta::seconds(10),
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(8),
    TimeDelta::hours(24),
];
/// Longer than any attempt: after it another node may try.
const ATTEMPT_WITHIN: TimeDelta = TimeDelta::minutes(2);
/// How long a webhook's other messages wait when one has failed.
const BREATH: TimeDelta = TimeDelta::seconds(30);
/// How long messages are signed with the secret before as well, after it was replaced.
const SECRET_OVERLAP: TimeDelta = TimeDelta::hours(24);

/// Why a message did not arrive: constant texts and a number, nothing that a stranger sent.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the receiver answered {0}")]
    Status(u16),
    #[error(transparent)]
    Request(#[from] RequestFailed),
    #[error(transparent)]
    Mail(#[from] MailFailed),
    #[error(
        "its secret was made by another key-encryption key: `keyturn webhook rotate-secret` makes \
         a new one"
    )]
    OtherKey,
    #[error("this node sends no mail")]
    NoMail,
    #[error("the webhook is gone or disabled")]
    NobodyThere,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failed {
    fn is_final(&self) -> bool {
        // 410: the receiver wants no more of them.
        matches!(self, Self::NobodyThere | Self::Status(410))
    }
}

/// Does nothing where another node was quicker.
pub(super) async fn attempt(courier: &Courier, waiting: Waiting) -> Result<(), StoreError> {
    let equipment = &*courier.0;
    let begun_at = equipment.clock.now();
    if !outbox::take(&equipment.store, &waiting, begun_at + ATTEMPT_WITHIN).await? {
        return Ok(());
    }
    let Waiting { message, attempts } = waiting;
    let outcome = match &message.recipient {
        Recipient::Email(email) => mail(courier, &message, email).await,
        Recipient::Webhook(id) => post(courier, &message, *id).await,
    };
    match outcome {
        Ok(()) => outbox::delivered(&equipment.store, message.id, equipment.clock.now()).await,
        // The database is away; the attempt runs out by itself.
        Err(Failed::Store(error)) => Err(error),
        Err(failed) => put_off(courier, &message, attempts, &failed).await,
    }
}

async fn put_off(
    courier: &Courier,
    message: &Message,
    attempts: i64,
    failed: &Failed,
) -> Result<(), StoreError> {
    let (store, now) = (&courier.0.store, courier.0.clock.now());
    let pause = usize::try_from(attempts).ok().and_then(|attempts| PAUSES.get(attempts));
    let why = failed.to_string();
    if let Some(pause) = pause.filter(|_| !failed.is_final()) {
        outbox::postpone(store, message.id, now + *pause, &why).await?;
        if matches!(message.recipient, Recipient::Webhook(_)) {
            let until = now + BREATH.min(*pause);
            outbox::postpone_all_for(store, &message.recipient, until).await?;
        }
    } else {
        tracing::warn!(message_id = %message.id, why, "gave up a message");
        outbox::give_up(store, message.id, now, &why).await?;
    }
    Ok(())
}

async fn mail(courier: &Courier, message: &Message, to: &Email) -> Result<(), Failed> {
    let mail = courier.1.load_full().ok_or(Failed::NoMail)?;
    let letter = Letter {
        id: message.id.0,
        to,
        subject: &message.subject,
        text: &message.body,
        written_at: message.created_at,
    };
    Ok(mail.send(letter).await?)
}

/// The headers are those of Standard Webhooks.
async fn post(courier: &Courier, message: &Message, to: WebhookId) -> Result<(), Failed> {
    let equipment = &*courier.0;
    let webhook = webhooks::look_up(&equipment.store, to).await?;
    let webhook = webhook.filter(|webhook| webhook.disabled_at.is_none());
    let webhook = webhook.ok_or(Failed::NobodyThere)?;
    let key = &equipment.key_encryption_key;
    let now = equipment.clock.now();

    let message_id = format!("msg_{}", message.id.0.simple());
    let secret = WebhookSecret::of(key, to, &webhook.secret).ok_or(Failed::OtherKey)?;
    let mut signatures = secret.sign(&message_id, now, &message.body);
    if now - webhook.secret.made_at < SECRET_OVERLAP {
        for before in WebhookSecret::before(key, to, &webhook.secret) {
            signatures = format!("{signatures} {}", before.sign(&message_id, now, &message.body));
        }
    }
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("webhook-id", message_id),
        ("webhook-timestamp", now.timestamp().to_string()),
        ("webhook-signature", signatures),
    ];
    match equipment.outbound.post(&webhook.url, &headers, message.body.clone()).await? {
        200..=299 => Ok(()),
        other => Err(Failed::Status(other)),
    }
}
