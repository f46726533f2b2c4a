//! `/api/v1`: what owners and operators do, over HTTP. Each handler turns JSON into one call of
//! `manage`, which decides.

mod api_keys;
mod audit;
mod caller;
mod clients;
mod conditions;
mod description;
mod example;
mod explanations;
mod extract;
mod list;
mod made;
mod members;
mod moment;
mod organizations;
mod parameters;
mod problem;
mod proof;
mod published;
mod resources;
mod roles;
mod shapes;
mod signing_keys;
mod texts;
mod trusts;
mod usage;
mod users;
mod webhooks;
mod whoami;

use axum::{Router, middleware};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub(super) use self::{caller::Caller, problem::Problem};
use super::{challenge, edge::Edge};

fn described() -> OpenApiRouter<Edge> {
    OpenApiRouter::with_openapi(description::begin())
        .merge(api_keys::routes())
        .merge(clients::routes())
        .merge(explanations::routes())
        .merge(usage::routes())
        .merge(audit::routes())
        .merge(resources::routes())
        .merge(signing_keys::routes())
        .merge(trusts::routes())
        .merge(webhooks::routes())
        .merge(organizations::routes())
        .merge(members::routes())
        .merge(roles::routes())
        .merge(users::routes())
        .merge(whoami::routes())
}

pub(super) fn router(edge: &Edge) -> Router<Edge> {
    let (router, api) = described().split_for_parts();
    router
        .layer(middleware::from_fn_with_state(parameters::taken(&api), parameters::check))
        .layer(middleware::from_fn(challenge::by_scheme))
        .layer(middleware::from_fn_with_state(edge.clone(), crate::http::proof::with_nonce))
        .merge(published::router())
}

/// The description of the API (OpenAPI 3.1), as JSON: the same wherever it is served.
pub(super) fn description() -> String {
    json(&description::complete(described().into_openapi(), None))
}

/// The description of this server's API.
fn described_at(issuer: &str) -> OpenApi {
    description::complete(described().into_openapi(), Some(issuer))
}

/// A comment in the code breaks its lines anywhere, and its paragraphs nowhere.
fn json(api: &OpenApi) -> String {
    let text = api.to_pretty_json().expect("a description is JSON");
    let lines: Vec<_> = text.split(r"\n\n").map(|part| part.replace(r"\n", " ")).collect();
    lines.join(r"\n\n") + "\n"
}
