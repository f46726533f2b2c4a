//! `/api/v1/users`: the people the server knows, whatever organizations they are members of.

use axum::{Json, extract::State, response::IntoResponse};
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
    texts::RoleText,
};
use crate::{
    domain::{Email, Membership, OrganizationId, Person, RoleName, Text, User, UserId},
    http::edge::Edge,
    manage::{
        Made,
        users::{self, Edit},
    },
};

const PATH: &str = "/api/v1/users";

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, update))
}

/// Which users to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListUsers {
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// The `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// A user who is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUser {
    /// What the user signs in with. Kept in lower case; no other user has it.
    #[schema(value_type = String, format = Email, max_length = 254)]
    email: Parsed<Email>,
    #[schema(value_type = Option<String>, max_length = 500)]
    name: Option<Parsed<Text>>,
    /// Where the user is a member from the beginning.
    membership: Option<NewMembership>,
}

/// A role in an organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewMembership {
    organization_id: Uuid,
    #[schema(value_type = RoleText, example = "viewer")]
    role: Parsed<RoleName>,
}

/// What is to be otherwise. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeUser {
    #[schema(value_type = Option<String>, max_length = 500)]
    name: Option<Parsed<Text>>,
    /// `false` stops the user and every key of the user, until it is `true` again.
    enabled: Option<bool>,
}

/// A user.
#[derive(Serialize, ToSchema)]
struct ShownUser {
    id: Uuid,
    email: String,
    /// Empty where it is unknown.
    name: String,
    enabled: bool,
    created_at: Moment,
    disabled_at: Option<Moment>,
}

/// A user with all memberships.
#[derive(Serialize, ToSchema)]
struct ShownPerson {
    #[serde(flatten)]
    user: ShownUser,
    /// Oldest first.
    memberships: Vec<ShownMembership>,
}

/// The user's role in an organization and everything below it.
#[derive(Serialize, ToSchema)]
struct ShownMembership {
    organization_id: Uuid,
    role: String,
    created_at: Moment,
}

impl From<User> for ShownUser {
    fn from(user: User) -> Self {
        Self {
            id: user.id.0,
            email: user.email.to_string(),
            name: user.name.to_string(),
            enabled: user.disabled_at.is_none(),
            created_at: Moment(user.created_at),
            disabled_at: user.disabled_at.map(Moment),
        }
    }
}

impl From<Person> for ShownPerson {
    fn from(person: Person) -> Self {
        let memberships = person.memberships.into_iter().map(ShownMembership::from).collect();
        Self { user: person.user.into(), memberships }
    }
}

impl From<Membership> for ShownMembership {
    fn from(membership: Membership) -> Self {
        Self {
            organization_id: membership.organization_id.0,
            role: membership.role.to_string(),
            created_at: Moment(membership.created_at),
        }
    }
}

/// Lists everybody, oldest first. Like all that concerns users as such, only for keys of the
/// organization that runs the server.
#[utoipa::path(get, path = "/api/v1/users", tag = "Users", params(ListUsers),
    security(("token" = ["members:read"])),
    responses((status = 200, body = ListOf<ShownPerson>), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn list(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Asked(query): Asked<ListUsers>,
) -> Answer<Json<ListOf<ShownPerson>>> {
    let wanted = Wanted::new(query.limit, query.cursor.as_deref())?;
    let found = users::list(&edge.app, &asker, wanted.page).await?;
    Ok(Json(wanted.list(found, |person| person.user.id.to_string(), ShownPerson::from)))
}

/// Makes a user. There is no password in this API: who is made here signs in by other means, or is
/// given a password later. To make a user and a member at once, without running the server, ask
/// `/api/v1/organizations/{id}/members`.
#[utoipa::path(post, path = "/api/v1/users", tag = "Users", request_body = NewUser,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Sent again with the same key, the request makes nothing new")),
    security(("token" = ["members:write"])),
    responses((status = 201, body = ShownUser),
        (status = 200, description = "An earlier request made it", body = ShownUser),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn create(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    ToMake { body, once }: ToMake<NewUser>,
) -> Answer {
    let new = users::NewUser {
        email: body.email.0,
        name: body.name.map(|name| name.0).unwrap_or_default(),
        password: None,
        membership: body.membership.map(|it| (OrganizationId(it.organization_id), it.role.0)),
    };
    let user = match once {
        None => Made::New(users::create(&edge.app, &asker, new).await?),
        Some(once) => users::create_once(&edge.app, &asker, new, &once).await?,
    };
    Ok(match user {
        Made::Before(user) => shown(user).into_response(),
        Made::New(user) => {
            let place = format!("{PATH}/{}", user.id);
            made(&edge, &place, user.version, ShownUser::from(user))
        }
    })
}

/// Shows a user with all memberships.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "Users", params(("id" = Uuid, Path)),
    security(("token" = ["members:read"])),
    responses((status = 200, body = ShownPerson), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn show(State(edge): State<Edge>, Caller(asker): Caller, Named(id): Named<UserId>) -> Answer {
    let person = users::show(&edge.app, &asker, id).await?;
    Ok((etag(person.user.version), Json(ShownPerson::from(person))).into_response())
}

/// Renames a user, or stops the user and lets them go on. Memberships are changed at their
/// organization.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "Users",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = ChangeUser,
    security(("token" = ["members:write"])),
    responses((status = 200, body = ShownUser), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn update(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<UserId>,
    IfMatch(expected): IfMatch,
    Body(change): Body<ChangeUser>,
) -> Answer {
    let edit = Edit { name: change.name.map(|name| name.0), enabled: change.enabled };
    let user = users::update(&edge.app, &asker, id, &expected, edit).await?;
    Ok(shown(user).into_response())
}

fn shown(user: User) -> impl IntoResponse {
    (etag(user.version), Json(ShownUser::from(user)))
}
