//! `/api/v1/explanations` and the simulation of a key: why one was refused, what one would get.

use std::net::IpAddr;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    caller::Caller,
    extract::{Asked, Named, Parsed},
    moment::Moment,
    problem::{Answer, Problem},
};
use crate::{
    clock::timestamp,
    domain::{ApiKeyId, ApiKeySecret, OrganizationId, ResourceIdentifier, RoleName, Scopes},
    exchange::{self, Explanation, Prospect, Refusal, Simulation, Wish},
    http::edge::Edge,
    manage::{Rejection, api_keys, explanations::check_sight},
};

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(explain)).routes(routes!(simulate))
}

/// Why a request for a token was refused.
#[derive(Serialize, ToSchema)]
struct ShownExplanation {
    request_id: Uuid,
    /// A word for each reason: `key_expired`.
    reason: String,
    /// What was wrong, in a sentence.
    explanation: String,
    /// What has changed since, if that is what was wrong.
    by_now: Option<String>,
    at: Option<Moment>,
    /// The path that was posted to.
    door: String,
    /// The address that the request came from.
    source: String,
    /// What the client calls itself.
    user_agent: String,
    /// `null` where the secret was not right.
    api_key_id: Option<Uuid>,
    api_key_name: Option<String>,
}

impl From<Explanation> for ShownExplanation {
    fn from(explanation: Explanation) -> Self {
        let Explanation { recorded, sentence, by_now, key } = explanation;
        Self {
            request_id: recorded.request_id,
            reason: recorded.reason,
            explanation: sentence,
            by_now,
            at: timestamp(recorded.at).map(Moment),
            door: recorded.door,
            source: recorded.source.to_string(),
            user_agent: recorded.user_agent.as_str().to_owned(),
            api_key_id: recorded.api_key_id.map(|id| id.0),
            api_key_name: key.map(|key| key.name.to_string()),
        }
    }
}

/// Tells why a request for a token was refused. One that leads to a key is shown to callers who may see
/// the key. It is found some seconds after it happened.
#[utoipa::path(get, path = "/api/v1/explanations/{request_id}", tag = "Explanations",
    params(("request_id" = Uuid, Path,
        description = "The header `X-Request-Id` of the answer that refused")),
    security(("token" = ["keys:read"])), responses((status = 200, body = ShownExplanation)))]
async fn explain(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(request_id): Named<Uuid>,
) -> Answer<Json<ShownExplanation>> {
    let found = exchange::explain(&edge.app, request_id).await.map_err(Rejection::from)?;
    check_sight(&edge.app, &asker, found.as_ref().map(|it| &it.recorded)).await?;
    let found = found.ok_or_else(|| Problem::not_found("explanation"))?;
    Ok(Json(ShownExplanation::from(found)))
}

/// What the token is wanted for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AskedWish {
    /// Whom the token is for; left out: the default resource.
    #[param(value_type = Option<String>, max_length = 512)]
    resource: Option<Parsed<ResourceIdentifier>>,
    /// With spaces between them; left out: all that the key grants there.
    #[param(value_type = Option<String>)]
    scope: Option<Parsed<Scopes>>,
    /// Where it acts; left out: the key's own.
    organization_id: Option<Uuid>,
    /// The address it is asked for from; left out: one that the key may be used from.
    #[param(value_type = Option<String>)]
    from: Option<IpAddr>,
}

impl From<AskedWish> for Wish {
    fn from(asked: AskedWish) -> Self {
        Self {
            organization: asked.organization_id.map(OrganizationId),
            resource: asked.resource.map(|it| it.0),
            scopes: asked.scope.map(|it| it.0).filter(|scopes| !scopes.is_empty()),
        }
    }
}

/// What would become of a request for a token now: either `token` or `refusal` is there.
#[derive(Serialize, ToSchema)]
struct ShownSimulation {
    token: Option<ShownProspect>,
    refusal: Option<ShownRefusal>,
    /// The secrets that work, oldest first.
    live_secrets: Vec<ShownLiveSecret>,
}

/// The token that the key would get.
#[derive(Serialize, ToSchema)]
struct ShownProspect {
    organization_id: Uuid,
    resource: String,
    scopes: Vec<String>,
    /// The roles that the scopes come from.
    roles: Vec<String>,
    expires_at: Moment,
}

/// Why it would get none.
#[derive(Serialize, ToSchema)]
struct ShownRefusal {
    /// A word for each reason: `key_expired`.
    reason: &'static str,
    explanation: String,
}

#[derive(Serialize, ToSchema)]
struct ShownLiveSecret {
    id: Uuid,
    created_at: Moment,
    /// Set while the key is being rotated.
    dies_at: Option<Moment>,
}

impl From<Prospect> for ShownProspect {
    fn from(prospect: Prospect) -> Self {
        Self {
            organization_id: prospect.organization.id().0,
            resource: prospect.resource.to_string(),
            scopes: prospect.scopes.iter().map(str::to_owned).collect(),
            roles: prospect.roles.iter().map(RoleName::to_string).collect(),
            expires_at: Moment(prospect.expires_at),
        }
    }
}

impl From<Refusal> for ShownRefusal {
    fn from(refusal: Refusal) -> Self {
        Self { reason: refusal.code(), explanation: refusal.to_string() }
    }
}

impl From<ApiKeySecret> for ShownLiveSecret {
    fn from(secret: ApiKeySecret) -> Self {
        Self {
            id: secret.id.0,
            created_at: Moment(secret.created_at),
            dies_at: secret.dies_at.map(Moment),
        }
    }
}

/// Tells what a key would get now, without its secret. Nothing is issued, and nothing recorded.
#[utoipa::path(get, path = "/api/v1/api-keys/{id}/simulation", tag = "Explanations",
    params(("id" = Uuid, Path), AskedWish), security(("token" = ["keys:read"])),
    responses((status = 200, body = ShownSimulation)))]
async fn simulate(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<ApiKeyId>,
    Asked(mut query): Asked<AskedWish>,
) -> Answer<Json<ShownSimulation>> {
    api_keys::show(&edge.app, &asker, id).await?;
    let from = query.from.take().map(|address| address.to_canonical());
    let simulation = exchange::simulate(&edge.app, id, &query.into(), from).await?;
    let Simulation { live_secrets, outcome, .. } =
        simulation.ok_or_else(|| Problem::not_found("key"))?;
    let (token, refusal) = match outcome {
        Ok(prospect) => (Some(prospect.into()), None),
        Err(refusal) => (None, Some(refusal.into())),
    };
    let live_secrets = live_secrets.into_iter().map(Into::into).collect();
    Ok(Json(ShownSimulation { token, refusal, live_secrets }))
}
