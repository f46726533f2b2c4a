//! Makes, changes and deletes webhooks: where an organization hears of what happens to its keys.

use serde_json::{Value, json};

use super::{Asker, Change, Judged, Rejection, audit};
pub use crate::store::outbox::{Fate, State};
use crate::{
    announce::announce_test,
    app::App,
    domain::{
        Events, Expected, Given, MessageId, OrganizationId, Recipient, Scopes, SecretOrigin,
        Version, Webhook, WebhookId,
    },
    signing::WebhookSecret,
    store::{self, Tx, outbox},
};

const READ: &str = "organizations:read";
const WRITE: &str = "organizations:write";
/// Of one organization: every event goes to each.
const MOST: i64 = 20;

pub struct NewWebhook {
    pub organization_id: OrganizationId,
    pub url: String,
    pub events: Events,
}

/// What is to become of a webhook; `None` where it stays.
#[derive(Default)]
pub struct WebhookChange {
    pub url: Option<String>,
    pub events: Option<Events>,
    pub enabled: Option<bool>,
}

/// A webhook, and its secret for the one time that it is shown.
pub struct WithSecret {
    pub webhook: Webhook,
    pub secret: WebhookSecret,
}

pub async fn create(app: &App, asker: &Asker, new: NewWebhook) -> Result<WithSecret, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    let url = app.outbound.check(&new.url)?;
    let now = app.clock.now();
    asker.organization(&mut tx, new.organization_id).await?;
    check(&mut tx, asker, new.organization_id).await?;
    if store::webhooks::count_of(&mut tx, new.organization_id).await? >= MOST {
        return Err(Rejection::TooManyWebhooks(MOST));
    }
    let made_by = app.key_encryption_key.id();
    let webhook = Webhook {
        id: WebhookId(app.random.id(now)),
        organization_id: new.organization_id,
        url,
        events: new.events,
        secret: SecretOrigin { generation: 1, made_by, made_at: now },
        created_at: now,
        disabled_at: None,
        version: Version::FIRST,
    };
    store::webhooks::insert(&mut tx, &webhook).await?;
    let detail = json!({ "host": host(&webhook.url), "events": webhook.events });
    audit(app, &mut tx, asker, change("webhook.created", &webhook, detail));
    app.commit(tx).await?;
    Ok(with_secret(app, webhook))
}

/// Those that the asker may know of, oldest first.
pub async fn list(app: &App, asker: &Asker) -> Result<Vec<Webhook>, Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    Ok(store::webhooks::list(&mut tx, asker.sight()).await?)
}

/// Whole for those who may change it. A URL may be as good as a password, so that anyone who only
/// reads sees the server that it names.
pub fn url_in_sight(asker: &Asker, webhook: &Webhook) -> String {
    if asker.authority.has(WRITE) {
        return webhook.url.clone();
    }
    let scheme = webhook.url.split("://").next().unwrap_or_default();
    format!("{scheme}://{}/\u{2026}", host(&webhook.url))
}

/// The webhook, and what became of the last messages for it, the newest first.
pub async fn show(
    app: &App,
    asker: &Asker,
    id: WebhookId,
) -> Result<(Webhook, Vec<Fate>), Rejection> {
    asker.must(READ)?;
    let mut tx = app.store.read().await?;
    let webhook = find(&mut tx, asker, id).await?;
    let fates = outbox::of_recipient(&mut tx, &Recipient::Webhook(id), 20).await?;
    Ok((webhook, fates))
}

pub async fn update(
    app: &App,
    asker: &Asker,
    id: WebhookId,
    expected: &Expected,
    to: WebhookChange,
) -> Result<Webhook, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    let url = to.url.map(|url| app.outbound.check(&url)).transpose()?;
    let before = find(&mut tx, asker, id).await?;
    let mut webhook = before.clone();
    if url.is_some() || to.events.is_some() || to.enabled == Some(true) {
        check(&mut tx, asker, webhook.organization_id).await?;
    }
    let detail = json!({
        "host": url.as_deref().map(host),
        "events": to.events,
        "enabled": to.enabled,
    });
    webhook.url = url.unwrap_or(webhook.url);
    webhook.events = to.events.unwrap_or(webhook.events);
    webhook.disabled_at = match to.enabled {
        Some(true) => None,
        Some(false) => webhook.disabled_at.or(Some(app.clock.now())),
        None => webhook.disabled_at,
    };
    if webhook == before && expected.allows(before.version) {
        return Ok(before);
    }
    write(app, (tx, asker), webhook, expected, ("webhook.changed", detail)).await
}

/// Replaces the secret. For a day messages are signed with the old one as well.
pub async fn rotate_secret(
    app: &App,
    asker: &Asker,
    id: WebhookId,
    expected: &Expected,
) -> Result<WithSecret, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    let mut webhook = find(&mut tx, asker, id).await?;
    check(&mut tx, asker, webhook.organization_id).await?;
    let generation = webhook.secret.generation + 1;
    let made_by = app.key_encryption_key.id();
    webhook.secret = SecretOrigin { generation, made_by, made_at: app.clock.now() };
    let what = ("webhook.secret_rotated", json!({ "generation": generation }));
    let webhook = write(app, (tx, asker), webhook, expected, what).await?;
    Ok(with_secret(app, webhook))
}

pub async fn delete(
    app: &App,
    asker: &Asker,
    id: WebhookId,
    expected: &Expected,
) -> Result<(), Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    let webhook = find(&mut tx, asker, id).await?;
    if !expected.allows(webhook.version) || !store::webhooks::remove(&mut tx, &webhook).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    let detail = json!({ "host": host(&webhook.url) });
    audit(app, &mut tx, asker, change("webhook.deleted", &webhook, detail));
    Ok(app.commit(tx).await?)
}

/// Lets the server send an event that only says that events arrive. Gives its id.
pub async fn test(app: &App, asker: &Asker, id: WebhookId) -> Result<MessageId, Rejection> {
    let (mut tx, ref asker) = asker.begin(app).await?;
    asker.must(WRITE)?;
    let webhook = find(&mut tx, asker, id).await?;
    if webhook.disabled_at.is_some() {
        return Err(Rejection::WebhookDisabled);
    }
    let message = announce_test(app, &mut tx, &webhook).await?;
    let detail = json!({ "message_id": message });
    audit(app, &mut tx, asker, change("webhook.tested", &webhook, detail));
    app.commit(tx).await?;
    Ok(message)
}

/// What is out of reach is no different from what does not exist.
async fn find(tx: &mut Tx, asker: &Asker, id: WebhookId) -> Result<Webhook, Rejection> {
    const NONE: Rejection = Rejection::NotFound("webhook");
    let webhook = store::webhooks::find(tx, id).await?.ok_or(NONE)?;
    asker.organization(tx, webhook.organization_id).await.map_err(|rejection| match rejection {
        Rejection::NotFound(_) => NONE,
        other => other,
    })?;
    Ok(webhook)
}

/// That the principal may tell others what happens in an organization and below it, wherever they
/// are.
async fn check(tx: &mut Tx, asker: &Judged, organization: OrganizationId) -> Result<(), Rejection> {
    let reach = asker.reach_of_right(tx, organization).await?;
    asker.must_hold(&[Given::right(Scopes::default(), reach)])
}

/// Writes the webhook as it is to be, unless it was changed since it was read or expected.
async fn write(
    app: &App,
    (mut tx, asker): (Tx, &Judged),
    mut webhook: Webhook,
    expected: &Expected,
    (action, detail): (&'static str, Value),
) -> Result<Webhook, Rejection> {
    if !expected.allows(webhook.version) || !store::webhooks::update(&mut tx, &webhook).await? {
        return Err(Rejection::ChangedMeanwhile);
    }
    webhook.version = Version(webhook.version.0 + 1);
    audit(app, &mut tx, asker, change(action, &webhook, detail));
    app.commit(tx).await?;
    Ok(webhook)
}

fn with_secret(app: &App, webhook: Webhook) -> WithSecret {
    let secret = WebhookSecret::of(&app.key_encryption_key, webhook.id, &webhook.secret);
    WithSecret { webhook, secret: secret.expect("this key has just made it") }
}

/// All that the audit trail learns of a URL: what follows may be as good as a password.
fn host(url: &str) -> &str {
    url.split('/').nth(2).unwrap_or_default()
}

fn change(action: &'static str, webhook: &Webhook, detail: Value) -> Change {
    let subject = format!("webhook:{}", webhook.id);
    Change { action, subject, organization_id: Some(webhook.organization_id), detail }
}
