//! `/api/v1/organizations/{id}/members`: who has which role in an organization.

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
    organizations::PATH,
    problem::{Answer, Problem},
    texts::RoleText,
};
use crate::{
    domain::{Email, OrganizationId, RoleName, Text, UserId},
    http::edge::Edge,
    manage::{
        Made,
        members::{self, Member},
    },
};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(show, update, remove))
}

/// Which members to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListMembers {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// A person who is to have a role in an organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMember {
    /// Whom the server does not know by this address, it knows from now on.
    #[schema(value_type = String, format = Email, max_length = 254)]
    email: Parsed<Email>,
    /// For a person whom the server does not know yet.
    #[schema(value_type = Option<String>, max_length = 500)]
    name: Option<Parsed<Text>>,
    /// Built in or known here; it can carry no scope that is not yours.
    #[schema(value_type = RoleText, example = "viewer")]
    role: Parsed<RoleName>,
}

/// What is to be otherwise.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeMember {
    #[schema(value_type = RoleText, example = "manager")]
    role: Parsed<RoleName>,
}

/// A user with the role in one organization and everything below it.
#[derive(Serialize, ToSchema)]
struct ShownMember {
    organization_id: Uuid,
    user_id: Uuid,
    email: String,
    /// Empty where it is unknown.
    name: String,
    role: String,
    /// When this membership began.
    created_at: Moment,
    /// Whether the user is not disabled.
    enabled: bool,
}

impl From<Member> for ShownMember {
    fn from(Member { user, membership }: Member) -> Self {
        Self {
            organization_id: membership.organization_id.0,
            user_id: user.id.0,
            email: user.email.to_string(),
            name: user.name.to_string(),
            role: membership.role.to_string(),
            created_at: Moment(membership.created_at),
            enabled: user.disabled_at.is_none(),
        }
    }
}

/// Lists the members of this very organization. Members of the organizations above it
/// have their roles here as well, and are listed there.
#[utoipa::path(get, path = "/api/v1/organizations/{id}/members", tag = "Members",
    params(("id" = Uuid, Path), ListMembers), security(("token" = ["members:read"])),
    responses((status = 200, body = ListOf<ShownMember>), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn list(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<OrganizationId>,
    Asked(query): Asked<ListMembers>,
) -> Answer<Json<ListOf<ShownMember>>> {
    let wanted = Wanted::new(query.limit, query.cursor.as_deref())?;
    let found = members::list(&edge.app, &asker, id, wanted.page).await?;
    Ok(Json(wanted.list(found, |member| member.user.id.to_string(), ShownMember::from)))
}

/// Gives a person a role in an organization and everything below it.
#[utoipa::path(post, path = "/api/v1/organizations/{id}/members", tag = "Members",
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header,
        description = "Sent again with the same key, the request makes nothing new")),
    request_body = NewMember, security(("token" = ["members:write"])),
    responses((status = 201, body = ShownMember),
        (status = 200, description = "An earlier request made it", body = ShownMember),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn add(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(organization_id): Named<OrganizationId>,
    ToMake { body, once }: ToMake<NewMember>,
) -> Answer {
    let new = members::NewMember {
        email: body.email.0,
        name: body.name.map(|name| name.0).unwrap_or_default(),
        organization_id,
        role: body.role.0,
    };
    let member = match once {
        None => Made::New(members::add(&edge.app, &asker, new).await?),
        Some(once) => members::add_once(&edge.app, &asker, new, &once).await?,
    };
    Ok(match member {
        Made::Before(member) => shown(member).into_response(),
        Made::New(member) => {
            let place = format!("{PATH}/{organization_id}/members/{}", member.user.id);
            made(&edge, &place, member.membership.version, ShownMember::from(member))
        }
    })
}

/// Shows a member of this very organization.
#[utoipa::path(get, path = "/api/v1/organizations/{id}/members/{user_id}", tag = "Members",
    params(("id" = Uuid, Path), ("user_id" = Uuid, Path)),
    security(("token" = ["members:read"])),
    responses((status = 200, body = ShownMember), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn show(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named((organization, user)): Named<(OrganizationId, UserId)>,
) -> Answer {
    let member = members::show(&edge.app, &asker, organization, user).await?;
    Ok(shown(member).into_response())
}

/// Gives a member another role. It counts from the next token of the member's keys on.
#[utoipa::path(patch, path = "/api/v1/organizations/{id}/members/{user_id}", tag = "Members",
    params(("id" = Uuid, Path), ("user_id" = Uuid, Path), ("If-Match" = String, Header)),
    request_body = ChangeMember, security(("token" = ["members:write"])),
    responses((status = 200, body = ShownMember), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn update(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named((organization, user)): Named<(OrganizationId, UserId)>,
    IfMatch(expected): IfMatch,
    Body(change): Body<ChangeMember>,
) -> Answer {
    let (app, role) = (&edge.app, change.role.0);
    let member = members::change_role(app, &asker, organization, user, &expected, role).await?;
    Ok(shown(member).into_response())
}

/// Takes a member's role away. The user stays, and so do memberships elsewhere.
#[utoipa::path(delete, path = "/api/v1/organizations/{id}/members/{user_id}", tag = "Members",
    params(("id" = Uuid, Path), ("user_id" = Uuid, Path), ("If-Match" = String, Header)),
    security(("token" = ["members:write"])),
    responses((status = 204), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn remove(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named((organization, user)): Named<(OrganizationId, UserId)>,
    IfMatch(expected): IfMatch,
) -> Answer<StatusCode> {
    members::remove(&edge.app, &asker, organization, user, &expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(member: Member) -> impl IntoResponse {
    (etag(member.membership.version), Json(ShownMember::from(member)))
}
