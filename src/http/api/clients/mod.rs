//! `/api/v1/clients`: OAuth clients from their making to their end.

mod asked;
mod shown;
mod words;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{
    asked::{AddSecret, ChangeClient, ListClients, NewClientBody},
    shown::{ShownClient, ShownClientWithSecret, ShownNewSecret},
};
use super::{
    caller::Caller,
    conditions::{IfMatch, etag},
    extract::{Asked, Body, Named, ToMake},
    list::{ListOf, Wanted},
    problem::{Answer, Problem},
};
use crate::{
    domain::{Client, ClientId, OrganizationId, SecretId},
    http::edge::Edge,
    manage::{
        Made,
        clients::{self, Registered},
    },
};

const PATH: &str = "/api/v1/clients";

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(list, register))
        .routes(routes!(show, update, delete))
        .routes(routes!(add_secret))
        .routes(routes!(remove_secret))
}

/// Lists the clients of the organizations within reach, oldest first.
#[utoipa::path(get, path = "/api/v1/clients", tag = "Clients", params(ListClients),
    security(("token" = ["clients:read"])),
    responses((status = 200, body = ListOf<ShownClient>), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn list(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Asked(query): Asked<ListClients>,
) -> Answer<Json<ListOf<ShownClient>>> {
    let wanted = Wanted::new(query.limit, query.cursor.as_deref())?;
    let organization = query.organization_id.map(OrganizationId);
    let found = clients::list(&edge.app, &asker, organization, wanted.page).await?;
    let now = edge.app.clock.now();
    let show = |listed| ShownClient::new(listed, now);
    Ok(Json(wanted.list(found, |listed| listed.client.id.to_string(), show)))
}

/// Makes a client. Its secret, if it has one, is in this answer and nowhere else. No token that it
/// obtains can do more than the key that asks.
#[utoipa::path(post, path = "/api/v1/clients", tag = "Clients", request_body = NewClientBody,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Sent again with the same key, the request makes nothing new")),
    security(("token" = ["clients:write"])),
    responses((status = 201, body = ShownClientWithSecret),
        (status = 200, description = "An earlier request made it; its secret is not shown again",
            body = ShownClient),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn register(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    ToMake { body, once }: ToMake<NewClientBody>,
) -> Answer {
    let app = &edge.app;
    let new = body.into_new(&asker)?;
    let made = match once {
        None => Made::New(clients::register(app, &asker, new).await?),
        Some(once) => clients::register_once(app, &asker, new, &once).await?,
    };
    let Registered { client, secret } = match made {
        Made::Before(client) => return shown(&edge, client).await,
        Made::New(registered) => registered,
    };
    let place = format!("{}{PATH}/{}", app.settings.issuer, client.id);
    let tag = etag(client.version);
    let listed = clients::with_secrets(app, client).await?;
    let body = ShownClientWithSecret::new(listed, secret.as_ref(), app.clock.now());
    Ok((StatusCode::CREATED, tag, [(header::LOCATION, place)], Json(body)).into_response())
}

/// Shows a client with its secrets: when each was made, was last used, and ends.
#[utoipa::path(get, path = "/api/v1/clients/{id}", tag = "Clients",
    params(("id" = uuid::Uuid, Path)), security(("token" = ["clients:read"])),
    responses((status = 200, body = ShownClient), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn show(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<ClientId>,
) -> Answer {
    let listed = clients::show(&edge.app, &asker, id).await?;
    let tag = etag(listed.client.version);
    Ok((tag, Json(ShownClient::new(listed, edge.app.clock.now()))).into_response())
}

/// Changes a client. What it may do is other from now on, for the tokens it has, too.
#[utoipa::path(patch, path = "/api/v1/clients/{id}", tag = "Clients",
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)), request_body = ChangeClient,
    security(("token" = ["clients:write"])),
    responses((status = 200, body = ShownClient), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn update(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<ClientId>,
    IfMatch(expected): IfMatch,
    Body(change): Body<ChangeClient>,
) -> Answer {
    let edit = change.into_edit()?;
    let client = clients::update(&edge.app, &asker, id, &expected, edit).await?;
    shown(&edge, client).await
}

/// Deletes a client with its secrets and refresh tokens. Every token that was obtained through it
/// is dead to all who ask here.
#[utoipa::path(delete, path = "/api/v1/clients/{id}", tag = "Clients",
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    security(("token" = ["clients:write"])),
    responses((status = 204), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn delete(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<ClientId>,
    IfMatch(expected): IfMatch,
) -> Answer<StatusCode> {
    clients::delete(&edge.app, &asker, id, &expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a client a further secret, which is in this answer and nowhere else. Those it has go on:
/// remove the old one when its `last_used_at` says that it is not needed any longer.
#[utoipa::path(post, path = "/api/v1/clients/{id}/secrets", tag = "Clients",
    params(("id" = uuid::Uuid, Path)), request_body = AddSecret,
    security(("token" = ["clients:write"])),
    responses((status = 200, body = ShownNewSecret), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn add_secret(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<ClientId>,
    Body(AddSecret { expires_at }): Body<AddSecret>,
) -> Answer<Json<ShownNewSecret>> {
    let end = expires_at.map(|at| at.0);
    let made = clients::add_secret(&edge.app, &asker, id, end).await?;
    Ok(Json(ShownNewSecret::new(made.id, &made.secret, expires_at)))
}

/// Ends one secret of a client at once. The others go on.
#[utoipa::path(post, path = "/api/v1/clients/{id}/secrets/{secret_id}/remove", tag = "Clients",
    params(("id" = uuid::Uuid, Path),
        ("secret_id" = uuid::Uuid, Path, description = "Of one of its `secrets`.")),
    security(("token" = ["clients:write"])),
    responses((status = 204), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn remove_secret(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named((id, secret)): Named<(ClientId, SecretId)>,
) -> Answer<StatusCode> {
    clients::remove_secret(&edge.app, &asker, id, secret).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A client that the caller has just changed: showing it needs no right beside.
async fn shown(edge: &Edge, client: Client) -> Answer {
    let tag = etag(client.version);
    let listed = clients::with_secrets(&edge.app, client).await?;
    Ok((tag, Json(ShownClient::new(listed, edge.app.clock.now()))).into_response())
}
