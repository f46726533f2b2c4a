//! `/api/v1`: what owners and operators do, over HTTP. Each handler turns JSON into one call of
//! `manage`, which decides.

mod api_keys;
mod caller;
mod conditions;
mod extract;
mod list;
mod made;
mod members;
mod moment;
mod organizations;
mod problem;
mod roles;
mod users;
mod webhooks;

use axum::Router;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

pub(super) use self::problem::Problem;
use super::edge::Edge;

#[derive(OpenApi)]
#[openapi(
    info(title = "keyturn management API", version = "1", license(name = "Apache-2.0 OR MIT"),
        description = "Everything an owner of API keys does. Ask with a token of the server whose \
            audience is the server itself: exchange a key with `resource` set to the issuer."),
    modifiers(&Token)
)]
struct Description;

/// How callers say who they are.
struct Token;

impl Modify for Token {
    fn modify(&self, description: &mut openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        let components = description.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme.build()));
    }
}

fn described() -> OpenApiRouter<Edge> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(api_keys::routes())
        .merge(webhooks::routes())
        .merge(organizations::routes())
        .merge(members::routes())
        .merge(roles::routes())
        .merge(users::routes())
}

pub(super) fn router() -> Router<Edge> {
    described().split_for_parts().0
}

/// The description of the API (OpenAPI 3.1), as JSON.
pub(super) fn description() -> String {
    let mut text = described().into_openapi().to_pretty_json().expect("a description is JSON");
    text.push('\n');
    text
}
