//! `/api/v1/trusts`: by which rules tokens of other issuers stand for rights here.

mod asked;

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use self::asked::{AlgorithmWord, ChangeRule, ListRules, NewRule, RuleKeys};
use super::{
    caller::Caller,
    conditions::{IfMatch, etag},
    extract::{Asked, Body, Named},
    list::{ListOf, Wanted},
    moment::Moment,
    problem::{Answer, Problem},
};
use crate::{
    domain::{OrganizationId, Trust, TrustId},
    http::edge::Edge,
    manage::trusts,
};

const PATH: &str = "/api/v1/trusts";

pub(super) fn routes() -> OpenApiRouter<Edge> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// A trust policy: which tokens of another issuer are accepted, and for what.
#[derive(Serialize, ToSchema)]
struct ShownRule {
    id: Uuid,
    organization_id: Uuid,
    name: String,
    issuer: String,
    keys: RuleKeys,
    /// Empty: any that is verified here.
    #[schema(value_type = Vec<AlgorithmWord>)]
    algorithms: Vec<String>,
    audience: String,
    conditions: BTreeMap<String, Vec<String>>,
    roles: Vec<String>,
    /// `null`: any.
    resources: Option<Vec<String>>,
    /// Empty: it may be used from anywhere.
    allowed_networks: Vec<String>,
    expires_at: Option<Moment>,
    once: bool,
    enabled: bool,
    created_at: Moment,
    disabled_at: Option<Moment>,
}

/// Lists the rules of the organizations within reach, oldest first.
#[utoipa::path(get, path = "/api/v1/trusts", tag = "Trust", params(ListRules),
    security(("token" = ["trusts:read"])),
    responses((status = 200, body = ListOf<ShownRule>), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn list(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Asked(which): Asked<ListRules>,
) -> Answer<Json<ListOf<ShownRule>>> {
    let wanted = Wanted::<TrustId>::new(which.limit, which.cursor.as_deref())?;
    let organization = which.organization_id.map(OrganizationId);
    let name = which.name.as_ref().map(|name| name.0.as_str());
    let found = trusts::list(&edge.app, &asker, organization, name, wanted.page).await?;
    Ok(Json(wanted.list(found, |trust| trust.id.to_string(), ShownRule::from)))
}

/// Makes a rule: from then on the tokens it speaks of can be exchanged for ours.
#[utoipa::path(post, path = "/api/v1/trusts", tag = "Trust", request_body = NewRule,
    security(("token" = ["trusts:write"])),
    responses((status = 201, body = ShownRule), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn create(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Body(new): Body<NewRule>,
) -> Answer {
    let own = asker.authority.bounds().map(|bounds| bounds.organization);
    let trust = trusts::create(&edge.app, &asker, new.read(own)?).await?;
    let place = format!("{}{PATH}/{}", edge.app.settings.issuer, trust.id);
    let tag = etag(trust.version);
    let body = Json(ShownRule::from(trust));
    Ok((StatusCode::CREATED, tag, [(header::LOCATION, place)], body).into_response())
}

/// Shows a rule.
#[utoipa::path(get, path = "/api/v1/trusts/{id}", tag = "Trust",
    params(("id" = Uuid, Path)), security(("token" = ["trusts:read"])),
    responses((status = 200, body = ShownRule), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn show(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<TrustId>,
) -> Answer {
    let trust = trusts::show(&edge.app, &asker, id).await?;
    Ok((etag(trust.version), Json(ShownRule::from(trust))).into_response())
}

/// Changes a rule, stops it, or lets it count again. It counts at once, also for tokens that were
/// obtained by it before.
#[utoipa::path(patch, path = "/api/v1/trusts/{id}", tag = "Trust",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = ChangeRule,
    security(("token" = ["trusts:write"])),
    responses((status = 200, body = ShownRule), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn update(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<TrustId>,
    IfMatch(expected): IfMatch,
    Body(change): Body<ChangeRule>,
) -> Answer {
    let trust = trusts::update(&edge.app, &asker, id, &expected, change.read()?).await?;
    Ok((etag(trust.version), Json(ShownRule::from(trust))).into_response())
}

/// Deletes a rule: what was obtained by it is dead.
#[utoipa::path(delete, path = "/api/v1/trusts/{id}", tag = "Trust",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)),
    security(("token" = ["trusts:write"])),
    responses((status = 204), (status = "4XX", body = Problem,
        content_type = "application/problem+json")))]
async fn delete(
    State(edge): State<Edge>,
    Caller(asker): Caller,
    Named(id): Named<TrustId>,
    IfMatch(expected): IfMatch,
) -> Answer<StatusCode> {
    trusts::delete(&edge.app, &asker, id, &expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Trust> for ShownRule {
    fn from(trust: Trust) -> Self {
        let terms = trust.terms;
        let conditions = terms.conditions.iter().map(|(claim, patterns)| {
            (claim.to_string(), patterns.iter().map(ToString::to_string).collect())
        });
        let networks = terms.allowed_networks.to_string();
        Self {
            id: trust.id.0,
            organization_id: trust.organization_id.0,
            name: trust.name.to_string(),
            issuer: trust.issuer,
            conditions: conditions.collect(),
            keys: terms.keys.into(),
            algorithms: terms.algorithms.iter().map(|it| it.to_string()).collect(),
            audience: terms.audience,
            roles: terms.roles.iter().map(ToString::to_string).collect(),
            resources: terms.resources.map(|all| all.iter().map(ToString::to_string).collect()),
            allowed_networks: networks.split_whitespace().map(str::to_owned).collect(),
            expires_at: terms.expires_at.map(Moment),
            once: terms.once,
            enabled: trust.disabled_at.is_none(),
            created_at: Moment(trust.created_at),
            disabled_at: trust.disabled_at.map(Moment),
        }
    }
}
