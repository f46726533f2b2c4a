//! `/api/v1/api-keys`: keys from their making to their end.

mod actions;
mod asked;
mod shown;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{
    asked::{ChangeKey, ListKeys, NewKey},
    shown::{ShownKey, ShownKeyWithSecret},
};
use super::{
    caller::Caller,
    conditions::{IfMatch, etag},
    extract::{Asked, Body, Named, ToMake},
    list::{ListOf, Wanted},
    problem::{Answer, Problem},
};
use crate::{
    domain::{ApiKey, ApiKeyId},
    http::edge::Edge,
    manage::{Made, api_keys},
};

pub(super) const PATH: &str = "/api/v1/api-keys";

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .merge(actions::routes())
}

/// Lists keys, oldest first: those of the organization the token acts in, of those below it if the
/// key reaches them, and of the user whose key it is.
#[utoipa::path(get, path = "/api/v1/api-keys", tag = "API keys", params(ListKeys),
    security(("token" = ["keys:read"])),
    responses((status = 200, body = ListOf<ShownKey>), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn list(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Asked(query): Asked<ListKeys>,
) -> Answer<Json<ListOf<ShownKey>>> {
    let wanted = Wanted::new(query.limit, query.cursor.as_deref())?;
    let filter = query.filter(&asker)?;
    let found = api_keys::list(&edge.app, &asker, &filter, wanted.page).await?;
    let show = |listed| ShownKey::new(&edge.app, listed);
    Ok(Json(wanted.list(found, |listed| listed.key.id.to_string(), show)))
}

/// Makes a key. Its secret is in this answer and nowhere else. What is made can do, reach and
/// outlive no more than the key that asks.
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "API keys", request_body = NewKey,
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Sent again with the same key, the request makes nothing new")),
    security(("token" = ["keys:write"])),
    responses((status = 201, body = ShownKeyWithSecret),
        (status = 200, description = "An earlier request made it; its secret is not shown again",
            body = ShownKey),
        (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn create(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    ToMake { body, once }: ToMake<NewKey>,
) -> Answer {
    let app = &edge.app;
    let new = body.into_new(&asker)?;
    let made = match once {
        None => Made::New(api_keys::create(app, &asker, new).await?),
        Some(once) => api_keys::create_once(app, &asker, new, &once).await?,
    };
    match made {
        Made::Before(key) => shown(&edge, key).await,
        Made::New(created) => {
            let place = format!("{}{PATH}/{}", app.settings.issuer, created.key.id);
            let tag = etag(created.key.version);
            let listed = api_keys::with_secrets(app, created.key).await?;
            let body = Json(ShownKeyWithSecret::new(app, listed, &created.secret));
            Ok((StatusCode::CREATED, tag, [(header::LOCATION, place)], body).into_response())
        }
    }
}

/// Shows a key with its secrets: when each was made, was last used, and dies.
#[utoipa::path(get, path = "/api/v1/api-keys/{id}", tag = "API keys",
    params(("id" = uuid::Uuid, Path)), security(("token" = ["keys:read"])),
    responses((status = 200, body = ShownKey), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn show(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<ApiKeyId>,
) -> Answer {
    let listed = api_keys::show(&edge.app, &asker, id).await?;
    Ok((etag(listed.key.version), Json(ShownKey::new(&edge.app, listed))).into_response())
}

/// Changes what a key may do, from its next token on. Its secret stays.
#[utoipa::path(patch, path = "/api/v1/api-keys/{id}", tag = "API keys",
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)), request_body = ChangeKey,
    security(("token" = ["keys:write"])),
    responses((status = 200, body = ShownKey), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn update(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<ApiKeyId>,
    IfMatch(expected): IfMatch,
    Body(change): Body<ChangeKey>,
) -> Answer {
    let key = api_keys::update(&edge.app, &asker, id, &expected, change.into_edit()?).await?;
    shown(&edge, key).await
}

/// Deletes a key; its name is free again. What it did stays in the audit trail.
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", tag = "API keys",
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
    security(("token" = ["keys:write"])),
    responses((status = 204), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn delete(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<ApiKeyId>,
    IfMatch(expected): IfMatch,
) -> Answer<StatusCode> {
    api_keys::delete(&edge.app, &asker, id, &expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A key that the caller has just changed: showing it needs no right beside.
async fn shown(edge: &Edge, key: ApiKey) -> Answer {
    let tag = etag(key.version);
    let listed = api_keys::with_secrets(&edge.app, key).await?;
    Ok((tag, Json(ShownKey::new(&edge.app, listed))).into_response())
}
