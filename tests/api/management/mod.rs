//! The management API, `/api/v1`: what owners of keys and operators see of it.

mod api_keys;
mod audit;
mod audit_events;
mod bearer;
mod clients;
mod conditions;
mod described;
mod errors;
mod explanations;
mod input;
mod jwt_type;
mod lists;
mod members;
mod named;
mod nodes;
mod once;
mod operators;
mod organizations;
mod resources;
mod roles;
mod shrink;
mod signing_keys;
mod trusts;
mod unchanged;
mod usage;
mod users;

use keyturn::{
    domain::{OrganizationId, Owner, Reach, Secret},
    manage::api_keys::NewApiKey,
    random::Random,
};
use serde_json::Value;

use crate::support::{Caller, TestServer, new_key};

const KEYS: &str = "/api/v1/api-keys";
const ORGANIZATIONS: &str = "/api/v1/organizations";
const CLIENTS: &str = "/api/v1/clients";
const USERS: &str = "/api/v1/users";

/// An id of nothing.
const NOBODY: &str = "0197f000-0000-7000-8000-000000000000";

/// The organization that runs the server, and somebody who may do everything in it and below.
pub(crate) async fn acme(server: &TestServer) -> (OrganizationId, Caller) {
    let acme = server.acme().await;
    (acme, owner_of(server, acme).await)
}

/// Somebody who may do everything in an organization and below.
pub(crate) async fn owner_of(server: &TestServer, organization: OrganizationId) -> Caller {
    server.manage(&secret_of(server, organization, "owner", Reach::Subtree).await).await
}

/// The secret of a new key with this role.
async fn secret_of(
    server: &TestServer,
    organization: OrganizationId,
    role: &str,
    reach: Reach,
) -> Secret {
    let name = Random::System.base62(12);
    let roles = Some(role.parse().unwrap());
    let new = NewApiKey { roles, reach, ..new_key(Owner::Organization(organization), &name) };
    server.make_key(new).await.1
}

fn at(organization: OrganizationId, rest: &str) -> String {
    format!("{ORGANIZATIONS}/{organization}{rest}")
}

/// One member of all items of a list.
fn column<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    let items = list["items"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    items.iter().map(|item| item[name].as_str().unwrap_or("null")).collect()
}
