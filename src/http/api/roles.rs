//! `/api/v1/organizations/{id}/roles`: what an organization calls which rights.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    caller::Caller,
    conditions::{IfMatch, IfMatchOrAbsent, etag},
    extract::{Asked, Body, Named, Parsed},
    list::{ListOf, Wanted},
    made::made,
    organizations::PATH,
    problem::{Answer, Problem},
    texts::{RoleText, Scope, few},
};
use crate::{
    domain::{OrganizationId, Role, RoleName, ScopeToken, Scopes, Version},
    http::edge::Edge,
    manage::roles::{self, Definition, Known, Origin},
};

const MOST_SCOPES: usize = 100;

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show, define, delete))
}

/// Which roles to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListRoles {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// What a role means.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleDefinition {
    /// Up to 100, each of them yours.
    #[schema(value_type = Vec<Scope>, max_items = 100, example = json!(["read", "deploy"]))]
    scopes: Vec<String>,
}

/// A role as this organization itself defines it.
#[derive(Serialize, ToSchema)]
struct ShownRole {
    organization_id: Uuid,
    name: String,
    scopes: Vec<String>,
}

/// A role that can be given in an organization.
#[derive(Serialize, ToSchema)]
struct KnownRole {
    name: String,
    scopes: Vec<String>,
    /// `built_in`; `own`: defined by this organization; `inherited`: defined by one above it.
    origin: &'static str,
    /// The organization that defines it; `null` where it is built in, or defined above your reach.
    organization_id: Option<Uuid>,
}

impl From<Role> for ShownRole {
    fn from(role: Role) -> Self {
        Self {
            organization_id: role.organization_id.0,
            name: role.name.to_string(),
            scopes: listed(&role.scopes),
        }
    }
}

impl KnownRole {
    fn new(organization: OrganizationId, known: &Known) -> Self {
        let (origin, organization_id) = match known.origin {
            Origin::BuiltIn => ("built_in", None),
            Origin::Own => ("own", Some(organization.0)),
            Origin::Above(above) => ("inherited", above.map(|id| id.0)),
        };
        Self {
            name: known.name.to_string(),
            scopes: listed(&known.scopes),
            origin,
            organization_id,
        }
    }
}

fn listed(scopes: &Scopes) -> Vec<String> {
    scopes.iter().map(str::to_owned).collect()
}

/// Lists the roles that keys and members of this organization can have, by name: those built in,
/// its own, and those it inherits. Where a name is defined more than once, the nearest counts.
#[utoipa::path(get, path = "/api/v1/organizations/{id}/roles", tag = "Roles",
    params(("id" = Uuid, Path), ListRoles), security(("token" = ["roles:read"])),
    responses((status = 200, body = ListOf<KnownRole>), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn list(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<OrganizationId>,
    Asked(query): Asked<ListRoles>,
) -> Answer<Json<ListOf<KnownRole>>> {
    let wanted = Wanted::new(query.limit, query.cursor.as_deref())?;
    let found = roles::known(&edge.app, &asker, id, &wanted.page).await?;
    let show = |known| KnownRole::new(id, &known);
    Ok(Json(wanted.list(found, |known| known.name.to_string(), show)))
}

/// Shows a role that this very organization defines. Those built in or inherited are in the list.
#[utoipa::path(get, path = "/api/v1/organizations/{id}/roles/{name}", tag = "Roles",
    params(("id" = Uuid, Path), ("name" = RoleText, Path)),
    security(("token" = ["roles:read"])),
    responses((status = 200, body = ShownRole), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn show(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named((organization, name)): Named<(OrganizationId, Parsed<RoleName>)>,
) -> Answer {
    let role = roles::show(&edge.app, &asker, organization, &name.0).await?;
    Ok((etag(role.version), Json(ShownRole::from(role))).into_response())
}

/// Defines a role for an organization and everything below it. Without `If-Match` it is made, and
/// must not be there; with it, the role is changed, for everybody who has it, from their next
/// token on.
#[utoipa::path(put, path = "/api/v1/organizations/{id}/roles/{name}", tag = "Roles",
    params(("id" = Uuid, Path),
        ("name" = RoleText, Path),
        ("If-Match" = Option<String>, Header)),
    request_body = RoleDefinition, security(("token" = ["roles:write"])),
    responses((status = 200, description = "It was changed", body = ShownRole),
        (status = 201, description = "It was made", body = ShownRole),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn define(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named((organization_id, name)): Named<(OrganizationId, String)>,
    IfMatchOrAbsent(expected): IfMatchOrAbsent,
    Body(body): Body<RoleDefinition>,
) -> Answer {
    let name: RoleName = match name.parse() {
        Ok(name) => name,
        Err(bad) => return Err(Problem::invalid(format!("name: {bad}"))),
    };
    let scopes = few::<ScopeToken, _>("scopes", &body.scopes, MOST_SCOPES)?;
    let new = Definition { organization_id, name, scopes };
    let role = roles::define(&edge.app, &asker, &expected, new).await?;
    let version = role.version;
    if version == Version::FIRST {
        let place = format!("{PATH}/{organization_id}/roles/{}", role.name);
        return Ok(made(&edge, &place, version, ShownRole::from(role)));
    }
    Ok((etag(version), Json(ShownRole::from(role))).into_response())
}

/// Deletes a role that this organization defines. Refused while a key or a member has it, here or
/// below: `obstacles` names them.
#[utoipa::path(delete, path = "/api/v1/organizations/{id}/roles/{name}", tag = "Roles",
    params(("id" = Uuid, Path), ("name" = RoleText, Path), ("If-Match" = String, Header)),
    security(("token" = ["roles:write"])),
    responses((status = 204), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn delete(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named((organization, name)): Named<(OrganizationId, Parsed<RoleName>)>,
    IfMatch(expected): IfMatch,
) -> Answer<StatusCode> {
    roles::delete(&edge.app, &asker, organization, &name.0, &expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
