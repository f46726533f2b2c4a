//! `/api/v1/audit-events`: who did what to which thing.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    caller::Caller,
    extract::{Asked, Parsed},
    list::{ListOf, Wanted},
    moment::Moment,
    problem::{Answer, Problem},
};
use crate::{
    domain::{Actor, OrganizationId},
    http::edge::Edge,
    manage::audit_trail::{self, Filter, Recorded},
};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which events to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListEvents {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The `next_cursor` of the answer before.
    cursor: Option<String>,
    organization_id: Option<Uuid>,
    /// What was done to this key. The same as `subject` with `key:` before the id.
    api_key_id: Option<Uuid>,
    /// To what it was done: `key:`, `user:`, `organization:` and an id, and so on.
    #[param(max_length = 600)]
    subject: Option<String>,
    /// `user:` or `key:` and an id, `operator:` and a name, or `keyturn`.
    #[param(value_type = Option<String>)]
    actor: Option<Parsed<Actor>>,
    /// The audit e-mail of the key that did it.
    #[param(max_length = 400)]
    actor_email: Option<String>,
    /// What was done: `api_key.created`.
    #[param(max_length = 100)]
    action: Option<String>,
    from: Option<Moment>,
    /// The first moment no longer wanted.
    until: Option<Moment>,
}

impl ListEvents {
    fn into_filter(self) -> Result<Filter, Problem> {
        let subject = match (self.subject, self.api_key_id) {
            (Some(_), Some(_)) => {
                return Err(Problem::invalid("`api_key_id` is a `subject`: say one of them"));
            }
            (subject, None) => subject,
            (None, Some(id)) => Some(format!("key:{id}")),
        };
        Ok(Filter {
            organization: self.organization_id.map(OrganizationId),
            subject: bounded(subject, 600)?,
            actor: self.actor.map(|actor| actor.0),
            actor_email: bounded(self.actor_email, 400)?.map(|it| it.to_ascii_lowercase()),
            action: bounded(self.action, 100)?,
            from: self.from.map(|at| at.0),
            until: self.until.map(|at| at.0),
        })
    }
}

fn bounded(text: Option<String>, most: usize) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.chars().count() > most => {
            Err(Problem::invalid(format!("a filter has {most} characters at most")))
        }
        text => Ok(text),
    }
}

/// A change of state.
#[derive(Serialize, ToSchema)]
struct ShownEvent {
    /// Its place in the trail.
    number: i64,
    id: Uuid,
    at: Moment,
    /// `user:` or `key:` and an id, `operator:` and a name, or `keyturn`.
    actor: String,
    /// The audit e-mail of the key that did it; `null` where no key did.
    actor_email: Option<String>,
    /// What was done: `api_key.created`.
    action: String,
    /// To what: `key:`, `user:`, `organization:` and an id, and so on.
    subject: String,
    organization_id: Option<Uuid>,
    /// The address that the request came from.
    source: Option<String>,
    /// The header `X-Request-Id` of the answer.
    request_id: Option<Uuid>,
    /// What became of it.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
    /// SHA-256 over it and, by the hash before it, all earlier ones.
    hash: String,
}

impl From<Recorded> for ShownEvent {
    fn from(Recorded { number, event, hash }: Recorded) -> Self {
        Self {
            number,
            id: event.id,
            at: Moment(event.at),
            actor: event.actor.to_string(),
            actor_email: event.actor_email,
            action: event.action.into_owned(),
            subject: event.subject,
            organization_id: event.organization_id.map(|id| id.0),
            source: event.source.map(|source| source.to_string()),
            request_id: event.request_id,
            detail: event.detail,
            hash: hash.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat(),
        }
    }
}

/// Lists what was done, newest first: in the organization that the token acts in, and in those
/// below it if the key reaches them. Who may see what belongs to no organization is the one whom
/// the server belongs to.
#[utoipa::path(get, path = "/api/v1/audit-events", tag = "Audit trail", params(ListEvents),
    security(("token" = ["audit:read"])), responses((status = 200, body = ListOf<ShownEvent>)))]
async fn list(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Asked(query): Asked<ListEvents>,
) -> Answer<Json<ListOf<ShownEvent>>> {
    let wanted = Wanted::new(query.limit, query.cursor.as_deref())?;
    let found = audit_trail::list(&edge.app, &asker, &query.into_filter()?, wanted.page).await?;
    Ok(Json(wanted.list(found, |it| it.number.to_string(), ShownEvent::from)))
}
