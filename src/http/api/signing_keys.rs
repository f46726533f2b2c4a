//! `/api/v1/signing-keys`: the keys that tokens are signed with. What is shown of them is public.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    caller::Caller,
    extract::{Body, Named},
    list::ListOf,
    moment::Moment,
    problem::Answer,
    resources::SigningAlgorithm,
};
use crate::{
    clock::Timestamp,
    domain::{Algorithm, SigningKey, SigningKeyState},
    http::edge::Edge,
    manage::signing_keys,
};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(rotate)).routes(routes!(revoke))
}

/// A key that tokens are signed with.
#[derive(Serialize, ToSchema)]
struct ShownSigningKey {
    /// `kid` in tokens and in the JWKS.
    id: String,
    /// `ES256`, `RS256` or `EdDSA`.
    algorithm: &'static str,
    /// `pending` (published, does not sign yet), `active`, `retiring` (published, signs no more) or
    /// `gone`.
    #[schema(value_type = String)]
    state: SigningKeyState,
    created_at: Moment,
    /// From here on it signs.
    activates_at: Moment,
    /// From here on its successor signs; `null`: it has none yet.
    retires_at: Option<Moment>,
    /// From here on it is not even published.
    gone_at: Option<Moment>,
    /// When it was taken out at once.
    revoked_at: Option<Moment>,
}

impl ShownSigningKey {
    fn new(key: SigningKey, now: Timestamp) -> Self {
        Self {
            state: key.state(now),
            algorithm: key.algorithm.as_str(),
            created_at: Moment(key.created_at),
            activates_at: Moment(key.activates_at),
            retires_at: key.retires_at.map(Moment),
            gone_at: key.gone_at.map(Moment),
            revoked_at: key.revoked_at.map(Moment),
            id: key.signing_key_id,
        }
    }
}

/// Which keys are to follow each other.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateSigningKey {
    #[schema(value_type = SigningAlgorithm)]
    algorithm: Algorithm,
}

/// Lists all signing keys, by algorithm, oldest first. For keys of the organization that was made
/// first.
#[utoipa::path(get, path = "/api/v1/signing-keys", tag = "Signing keys",
    security(("token" = ["signing-keys:read"])),
    responses((status = 200, body = ListOf<ShownSigningKey>)))]
async fn list(
    State(edge): State<Edge>,
    Caller(asker): Caller,
) -> Answer<Json<ListOf<ShownSigningKey>>> {
    let now = edge.app.clock.now();
    let all = signing_keys::list(&edge.app, &asker).await?;
    Ok(Json(ListOf::whole(all.into_iter().map(|key| ShownSigningKey::new(key, now)).collect())))
}

/// Makes the next key of an algorithm. It is published at once and signs when every verifier can
/// know it; then the one before it retires. Refused while one is already on its way. For keys of
/// the organization that runs the server.
#[utoipa::path(post, path = "/api/v1/signing-keys/rotate", tag = "Signing keys",
    request_body = RotateSigningKey, security(("token" = ["signing-keys:write"])),
    responses((status = 200, description = "The key that was made", body = ShownSigningKey)))]
async fn rotate(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Body(body): Body<RotateSigningKey>,
) -> Answer<Json<ShownSigningKey>> {
    let made = signing_keys::rotate(&edge.app, &asker, body.algorithm).await?;
    Ok(Json(ShownSigningKey::new(made, edge.app.clock.now())))
}

/// Takes a key out at once: it neither signs nor is published from here on, and tokens that it
/// signed fail wherever the JWKS is fetched anew. If it was the one that signs, another does. For
/// keys of the organization that runs the server.
#[utoipa::path(post, path = "/api/v1/signing-keys/{id}/revoke", tag = "Signing keys",
    params(("id" = String, Path, description = "The `kid`")),
    security(("token" = ["signing-keys:write"])),
    responses((status = 200, description = "The key that was taken out", body = ShownSigningKey)))]
async fn revoke(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<String>,
) -> Answer<Json<ShownSigningKey>> {
    let revoked = signing_keys::revoke(&edge.app, &asker, &id).await?;
    Ok(Json(ShownSigningKey::new(revoked, edge.app.clock.now())))
}
