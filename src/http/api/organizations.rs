//! `/api/v1/organizations`: the tree that keys, members and roles belong to.

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    caller::Caller,
    conditions::{IfMatch, etag},
    extract::{Asked, Body, Named, Parsed, ToMake},
    list::{ListOf, Wanted},
    made::made,
    moment::Moment,
    problem::{Answer, Problem},
    texts::Name,
};
use crate::{
    domain::{Authority, Organization, OrganizationId, OrganizationName},
    http::edge::Edge,
    manage::{
        Made,
        organizations::{self, Edit},
    },
};

pub(super) const PATH: &str = "/api/v1/organizations";

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// Which organizations to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListOrganizations {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The `next_cursor` of the answer before.
    cursor: Option<String>,
    /// Only the sub-organizations right below this one.
    parent_id: Option<Uuid>,
}

/// An organization that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOrganization {
    /// 1 to 64 letters, digits, `-`, `_`, `.` and single spaces. No other organization with the
    /// same parent has it.
    #[schema(value_type = Name, example = "backend")]
    name: Parsed<OrganizationName>,
    /// The organization it lies below. Left out: it is the root of a new tree, which only keys of
    /// the organization that runs the server may make.
    parent_id: Option<Uuid>,
}

/// What is to be otherwise. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeOrganization {
    #[schema(value_type = Option<Name>)]
    name: Option<Parsed<OrganizationName>>,
    /// `false` stops every key of the organization and of everything below it, until it is `true`
    /// again.
    enabled: Option<bool>,
}

/// An organization.
#[derive(Serialize, ToSchema)]
struct ShownOrganization {
    id: Uuid,
    /// `null`: it is the root of a tree, or its parent is out of your reach.
    parent_id: Option<Uuid>,
    name: String,
    /// Whether it was not disabled itself. One above it may be.
    enabled: bool,
    created_at: Moment,
    disabled_at: Option<Moment>,
}

/// An organization and where it stands.
#[derive(Serialize, ToSchema)]
struct ShownOrganizationWithPath {
    #[serde(flatten)]
    organization: ShownOrganization,
    /// From the root of the tree, or the highest that is within your reach, to the organization
    /// itself.
    path: Vec<Step>,
}

#[derive(Serialize, ToSchema)]
struct Step {
    id: Uuid,
    name: String,
    enabled: bool,
}

impl ShownOrganization {
    fn new(authority: &Authority, organization: &Organization) -> Self {
        Self {
            id: organization.id.0,
            parent_id: authority.parent_in_sight(organization).map(|id| id.0),
            name: organization.name.to_string(),
            enabled: organization.disabled_at.is_none(),
            created_at: Moment(organization.created_at),
            disabled_at: organization.disabled_at.map(Moment),
        }
    }
}

impl From<&Organization> for Step {
    fn from(organization: &Organization) -> Self {
        Self {
            id: organization.id.0,
            name: organization.name.to_string(),
            enabled: organization.disabled_at.is_none(),
        }
    }
}

/// Lists organizations, oldest first: the one the token acts in, and those below it if the key
/// reaches them.
#[utoipa::path(get, path = "/api/v1/organizations", tag = "Organizations",
    params(ListOrganizations), security(("token" = ["organizations:read"])),
    responses((status = 200, body = ListOf<ShownOrganization>), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn list(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Asked(query): Asked<ListOrganizations>,
) -> Answer<Json<ListOf<ShownOrganization>>> {
    let wanted = Wanted::new(query.limit, query.cursor.as_deref())?;
    let parent = query.parent_id.map(OrganizationId);
    let found = organizations::list(&edge.app, &asker, parent, wanted.page).await?;
    let show = |organization| ShownOrganization::new(&asker.authority, &organization);
    Ok(Json(wanted.list(found, |organization| organization.id.to_string(), show)))
}

/// Makes an organization. Below another one it inherits that one's roles, and the members there
/// have their roles here as well.
#[utoipa::path(post, path = "/api/v1/organizations", tag = "Organizations",
    request_body = NewOrganization,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Sent again with the same key, the request makes nothing new")),
    security(("token" = ["organizations:write"])),
    responses((status = 201, body = ShownOrganization),
        (status = 200, description = "An earlier request made it", body = ShownOrganization),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn create(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    ToMake { body, once }: ToMake<NewOrganization>,
) -> Answer {
    let (app, name, parent) = (&edge.app, body.name.0, body.parent_id.map(OrganizationId));
    let organization = match once {
        None => Made::New(organizations::create(app, &asker, name, parent).await?),
        Some(once) => organizations::create_once(app, &asker, name, parent, &once).await?,
    };
    let shown = |organization| ShownOrganization::new(&asker.authority, organization);
    Ok(match organization {
        Made::Before(before) => (etag(before.version), Json(shown(&before))).into_response(),
        Made::New(new) => made(&edge, &format!("{PATH}/{}", new.id), new.version, shown(&new)),
    })
}

/// Shows an organization and the way to it from the root, as far as it is within reach. Its roles
/// stand at `/api/v1/organizations/{id}/roles`.
#[utoipa::path(get, path = "/api/v1/organizations/{id}", tag = "Organizations",
    params(("id" = Uuid, Path)), security(("token" = ["organizations:read"])),
    responses((status = 200, body = ShownOrganizationWithPath), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn show(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<OrganizationId>,
) -> Answer {
    let lineage = organizations::show(&edge.app, &asker, id).await?;
    let path = asker.authority.line_in_sight(&lineage).iter().rev().map(Step::from).collect();
    let organization = ShownOrganization::new(&asker.authority, &lineage.line[0]);
    let shown = ShownOrganizationWithPath { organization, path };
    Ok((etag(lineage.line[0].version), Json(shown)).into_response())
}

/// Renames an organization, or stops it and lets it go on.
#[utoipa::path(patch, path = "/api/v1/organizations/{id}", tag = "Organizations",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)),
    request_body = ChangeOrganization, security(("token" = ["organizations:write"])),
    responses((status = 200, body = ShownOrganization), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn update(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<OrganizationId>,
    IfMatch(expected): IfMatch,
    Body(change): Body<ChangeOrganization>,
) -> Answer {
    let edit = Edit { name: change.name.map(|name| name.0), enabled: change.enabled };
    let changed = organizations::update(&edge.app, &asker, id, &expected, edit).await?;
    let shown = ShownOrganization::new(&asker.authority, &changed);
    Ok((etag(changed.version), Json(shown)).into_response())
}

/// Deletes an organization with its roles and memberships. Refused while it has sub-organizations
/// or keys: `obstacles` names them.
#[utoipa::path(delete, path = "/api/v1/organizations/{id}", tag = "Organizations",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)),
    security(("token" = ["organizations:write"])),
    responses((status = 204), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn delete(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<OrganizationId>,
    IfMatch(expected): IfMatch,
) -> Answer<StatusCode> {
    organizations::delete(&edge.app, &asker, id, &expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
