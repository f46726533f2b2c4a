//! `/api/v1/whoami`: who asks, and what they may do here.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    caller::Caller,
    moment::Moment,
    problem::{Answer, Problem},
};
use crate::{http::edge::Edge, manage::Rejection};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(whoami))
}

/// Who asks, by what, and what they may do here.
#[derive(Serialize, ToSchema)]
struct Whoami {
    /// As the audit trail names you: `key:` and an ID.
    actor: String,
    /// The user whose key it is; `null` for a key of an organization.
    user_id: Option<Uuid>,
    /// The organization that the token acts in. A request for a token that names no
    /// `organizationId` gets this one: of a key the organization that owns it, of a user's key the
    /// organization that the user joined first, among those that the key reaches.
    organization_id: Uuid,
    /// The names from the highest organization within your reach down to it.
    organization: String,
    /// Whether the organizations below it are within your reach, too.
    includes_below: bool,
    /// What the token may do here now.
    scopes: Vec<String>,
    /// When the key expires; `null`: never.
    expires_at: Option<Moment>,
    /// Whether you also manage resources, signing keys, users and new trees.
    runs_server: bool,
}

/// Shows who you are: by which key, where it acts, and what the token may do here. Needs no scope.
#[utoipa::path(get, path = "/api/v1/whoami", tag = "API keys",
    security(("token" = [])), responses((status = 200, body = Whoami)))]
async fn whoami(State(edge): State<Edge>, Caller(asker): Caller) -> Answer<Json<Whoami>> {
    let bounds = asker.authority.bounds().ok_or_else(|| Problem::not_found("token"))?;
    let lineage = edge.app.directory.lineage(bounds.organization).await.map_err(Rejection::from)?;
    let lineage = lineage.ok_or_else(|| Problem::not_found("organization"))?;
    let line = asker.authority.line_in_sight(&lineage);
    let names: Vec<_> = line.iter().rev().map(|it| it.name.as_str()).collect();
    Ok(Json(Whoami {
        actor: asker.actor.to_string(),
        user_id: bounds.user.map(|id| id.0),
        organization_id: bounds.organization.0,
        organization: names.join("/"),
        includes_below: bounds.below.is_included(),
        scopes: bounds.scopes.iter().map(str::to_owned).collect(),
        expires_at: bounds.expires_at.map(Moment),
        runs_server: bounds.runs_server,
    }))
}
