//! What is done to a key as a whole: stopped, locked, rotated, ended.

use axum::{Json, extract::State, response::IntoResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    asked::{RotateKey, RotationEnd},
    shown,
    shown::{ShownKey, ShownKeyWithSecret},
};
use crate::{
    domain::ApiKeyId,
    http::{
        api::{
            caller::Caller,
            conditions::{IfMatch, etag},
            extract::{Body, Named},
            problem::{Answer, Problem},
        },
        edge::Edge,
    },
    manage::api_keys,
};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new()
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(lock))
        .routes(routes!(unlock))
        .routes(routes!(revoke))
        .routes(routes!(rotate))
        .routes(routes!(set_rotation_end))
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident $path:literal => $function:ident($($argument:expr)?);)*) => {$(
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "API keys",
            params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)),
            security(("token" = ["keys:write"])),
            responses((status = 200, body = ShownKey), (status = "4XX", body = Problem,
                content_type = "application/problem+json")))]
        async fn $name(
            State(edge): State<Edge>,
            Caller(asker): Caller,
            Named(id): Named<ApiKeyId>,
            IfMatch(expected): IfMatch,
        ) -> Answer {
            let key = api_keys::$function(&edge.app, &asker, id, &expected $(, $argument)?).await?;
            shown(&edge, key).await
        }
    )*};
}

actions! {
    /// Stops a key until it is enabled again.
    disable "/api/v1/api-keys/{id}/disable" => set_enabled(false);

    /// Lets a disabled key work again.
    enable "/api/v1/api-keys/{id}/enable" => set_enabled(true);

    /// Keeps a key from being changed, revoked or deleted.
    lock "/api/v1/api-keys/{id}/lock" => set_locked(true);

    /// Lets a locked key be changed again.
    unlock "/api/v1/api-keys/{id}/unlock" => set_locked(false);

    /// Revokes a key, for good. Every node refuses it within a second.
    revoke "/api/v1/api-keys/{id}/revoke" => revoke();
}

/// Gives a key a new secret, which is in this answer and nowhere else. The old one goes on until
/// the moment that is asked for, so that no program is locked out.
#[utoipa::path(post, path = "/api/v1/api-keys/{id}/rotate", tag = "API keys",
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)), request_body = RotateKey,
    security(("token" = ["keys:write"])),
    responses((status = 200, body = ShownKeyWithSecret), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn rotate(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<ApiKeyId>,
    IfMatch(expected): IfMatch,
    Body(how): Body<RotateKey>,
) -> Answer {
    let app = &edge.app;
    let rotated = api_keys::rotate(app, &asker, id, &expected, how.into_rotation()).await?;
    let tag = etag(rotated.key.version);
    let listed = api_keys::with_secrets(app, rotated.key).await?;
    let shown = ShownKeyWithSecret::new(app, listed, &rotated.secret);
    Ok((tag, Json(shown)).into_response())
}

/// Lets the old secret of a key that is being rotated die earlier or later; at once, if the moment
/// is past. Its last use tells whether a program still needs it.
#[utoipa::path(put, path = "/api/v1/api-keys/{id}/rotation", tag = "API keys",
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header)), request_body = RotationEnd,
    security(("token" = ["keys:write"])),
    responses((status = 200, body = ShownKey), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn set_rotation_end(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<ApiKeyId>,
    IfMatch(expected): IfMatch,
    Body(end): Body<RotationEnd>,
) -> Answer {
    let at = end.old_secret_dies_at.0;
    let key = api_keys::set_rotation_end(&edge.app, &asker, id, &expected, at).await?;
    shown(&edge, key).await
}
