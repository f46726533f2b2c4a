//! `/api/v1/webhooks`: where an organization hears of what happens to its keys.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    caller::Caller,
    conditions::{IfMatch, etag},
    extract::{Body, Named},
    list::ListOf,
    moment::Moment,
    problem::{Answer, Problem},
    texts::few,
};
use crate::{
    domain::{EventName, Events, OrganizationId, Webhook, WebhookId},
    http::edge::Edge,
    manage::{
        Asker,
        webhooks::{self, Fate, NewWebhook, State as FateState, WebhookChange, WithSecret},
    },
};

const PATH: &str = "/api/v1/webhooks";

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(rotate_secret))
        .routes(routes!(test))
}

/// A webhook that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewHook {
    organization_id: Uuid,
    /// https, and not to an address that is not public.
    #[schema(example = "https://hooks.example.com/keyturn", max_length = 2000)]
    url: String,
    /// What it wants to hear of; left out or empty: everything.
    #[schema(example = json!(["api_key.leaked"]))]
    events: Option<Vec<String>>,
}

/// What is to be otherwise. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeHook {
    #[schema(max_length = 2000)]
    url: Option<String>,
    events: Option<Vec<String>>,
    enabled: Option<bool>,
}

fn events(named: &[String]) -> Result<Events, Problem> {
    few::<EventName, _>("events", named, 100)
}

/// A webhook.
#[derive(Serialize, ToSchema)]
struct ShownHook {
    id: Uuid,
    organization_id: Uuid,
    /// Whole for callers who may write organizations; the host alone for all others, as a URL may
    /// be as good as a password.
    url: String,
    /// Empty: everything.
    events: Vec<&'static str>,
    created_at: Moment,
    disabled_at: Option<Moment>,
}

/// A webhook with the secret that its messages are signed by, which is shown once
/// (<https://www.standardwebhooks.com>).
#[derive(Serialize, ToSchema)]
struct ShownHookWithSecret {
    #[serde(flatten)]
    webhook: ShownHook,
    /// `whsec_` and base64.
    secret: String,
}

/// A webhook, and what became of its last messages.
#[derive(Serialize, ToSchema)]
struct ShownHookWithMessages {
    #[serde(flatten)]
    webhook: ShownHook,
    /// Up to 20, the newest first.
    messages: Vec<ShownMessage>,
}

#[derive(Serialize, ToSchema)]
struct ShownMessage {
    id: Uuid,
    event: String,
    created_at: Moment,
    attempts: i64,
    /// `waiting`, `delivered` or `given_up`.
    state: &'static str,
    /// When it was delivered or given up, or is tried next.
    at: Moment,
    last_error: Option<String>,
}

/// A message that is on its way.
#[derive(Serialize, ToSchema)]
struct ShownTest {
    message_id: Uuid,
}

/// Lists the webhooks of the organizations within reach, oldest first.
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "Webhooks",
    security(("token" = ["organizations:read"])),
    responses((status = 200, body = ListOf<ShownHook>), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn list(State(edge): State<Edge>, Caller(asker): Caller) -> Answer<Json<ListOf<ShownHook>>> {
    let found = webhooks::list(&edge.app, &asker).await?;
    Ok(Json(ListOf::whole(found.into_iter().map(|it| ShownHook::new(&asker, &it)).collect())))
}

/// Makes a webhook. The secret that its messages are signed by is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "Webhooks", request_body = NewHook,
    security(("token" = ["organizations:write"])),
    responses((status = 201, body = ShownHookWithSecret), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn create(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Body(new): Body<NewHook>,
) -> Answer {
    let new = NewWebhook {
        organization_id: OrganizationId(new.organization_id),
        url: new.url,
        events: events(new.events.as_deref().unwrap_or_default())?,
    };
    let made = webhooks::create(&edge.app, &asker, new).await?;
    let place = format!("{}{PATH}/{}", edge.app.settings.issuer, made.webhook.id);
    let tag = etag(made.webhook.version);
    let body = Json(ShownHookWithSecret::new(&asker, &made));
    Ok((StatusCode::CREATED, tag, [(header::LOCATION, place)], body).into_response())
}

/// Shows a webhook with what became of its last messages.
#[utoipa::path(get, path = "/api/v1/webhooks/{id}", tag = "Webhooks",
    params(("id" = Uuid, Path)), security(("token" = ["organizations:read"])),
    responses((status = 200, body = ShownHookWithMessages), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn show(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<WebhookId>,
) -> Answer {
    let (webhook, fates) = webhooks::show(&edge.app, &asker, id).await?;
    let tag = etag(webhook.version);
    let messages = fates.into_iter().map(ShownMessage::from).collect();
    let body = ShownHookWithMessages { webhook: ShownHook::new(&asker, &webhook), messages };
    Ok((tag, Json(body)).into_response())
}

/// Changes a webhook, stops it, or lets it hear again.
#[utoipa::path(patch, path = "/api/v1/webhooks/{id}", tag = "Webhooks",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = ChangeHook,
    security(("token" = ["organizations:write"])),
    responses((status = 200, body = ShownHook), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn update(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<WebhookId>,
    IfMatch(expected): IfMatch,
    Body(change): Body<ChangeHook>,
) -> Answer {
    let change = WebhookChange {
        url: change.url,
        events: change.events.as_deref().map(events).transpose()?,
        enabled: change.enabled,
    };
    let webhook = webhooks::update(&edge.app, &asker, id, &expected, change).await?;
    Ok((etag(webhook.version), Json(ShownHook::new(&asker, &webhook))).into_response())
}

/// Gives a webhook a new secret. For a day messages are signed by the old one as well.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/rotate-secret", tag = "Webhooks",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)),
    security(("token" = ["organizations:write"])),
    responses((status = 200, body = ShownHookWithSecret), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn rotate_secret(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<WebhookId>,
    IfMatch(expected): IfMatch,
) -> Answer {
    let rotated = webhooks::rotate_secret(&edge.app, &asker, id, &expected).await?;
    let tag = etag(rotated.webhook.version);
    Ok((tag, Json(ShownHookWithSecret::new(&asker, &rotated))).into_response())
}

/// Sends a message that only says that messages arrive; what becomes of it is shown with the
/// webhook.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/test", tag = "Webhooks",
    params(("id" = Uuid, Path)), security(("token" = ["organizations:write"])),
    responses((status = 202, body = ShownTest), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn test(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<WebhookId>,
) -> Answer {
    let message = webhooks::test(&edge.app, &asker, id).await?;
    let body = Json(ShownTest { message_id: message.0 });
    Ok((StatusCode::ACCEPTED, body).into_response())
}

/// Deletes a webhook.
#[utoipa::path(delete, path = "/api/v1/webhooks/{id}", tag = "Webhooks",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)),
    security(("token" = ["organizations:write"])),
    responses((status = 204), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn delete(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<WebhookId>,
    IfMatch(expected): IfMatch,
) -> Answer<StatusCode> {
    webhooks::delete(&edge.app, &asker, id, &expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl ShownHook {
    /// As much of it as the asker may see.
    fn new(asker: &Asker, webhook: &Webhook) -> Self {
        Self {
            id: webhook.id.0,
            organization_id: webhook.organization_id.0,
            events: webhook.events.iter().map(EventName::as_str).collect(),
            url: webhooks::url_in_sight(asker, webhook),
            created_at: Moment(webhook.created_at),
            disabled_at: webhook.disabled_at.map(Moment),
        }
    }
}

impl ShownHookWithSecret {
    fn new(asker: &Asker, made: &WithSecret) -> Self {
        let secret = String::clone(&made.secret.reveal());
        Self { webhook: ShownHook::new(asker, &made.webhook), secret }
    }
}

impl From<Fate> for ShownMessage {
    fn from(fate: Fate) -> Self {
        let (state, at) = match fate.state {
            FateState::Waiting(at) => ("waiting", at),
            FateState::Delivered(at) => ("delivered", at),
            FateState::GivenUp(at) => ("given_up", at),
        };
        Self {
            id: fate.id.0,
            event: fate.subject,
            created_at: Moment(fate.created_at),
            attempts: fate.attempts,
            state,
            at: Moment(at),
            last_error: fate.last_error,
        }
    }
}
