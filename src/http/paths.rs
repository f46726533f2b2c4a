//! Every path but those of the management API, below that of the issuer.

use crate::domain::TOKEN_ENDPOINT;

// --- Tokens and clients ---------------------------------------------------------------------------

pub(super) const API_KEY_TOKEN: &str = "/auth/v1/api-key/token";
pub(super) const PERSONAL_TOKEN: &str = "/auth/v1/token";
pub(super) const PERSONAL_TOKEN_V3: &str = "/auth/v3/token";
pub(super) const IBM_TOKEN: &str = "/identity/token";
pub(super) const TOKEN: &str = TOKEN_ENDPOINT;
pub(super) const AUTHORIZE: &str = "/oauth2/authorize";
pub(super) const INTROSPECT: &str = "/oauth2/introspect";
pub(super) const REVOKE: &str = "/oauth2/revoke";
pub(super) const REGISTER: &str = "/oauth2/register";
pub(super) const REGISTERED_CLIENT: &str = "/oauth2/register/{client_id}";

// --- Secrets that are where they do not belong ----------------------------------------------------

pub(super) const REVOKE_KEY: &str = "/auth/v1/api-key/revoke";
pub(super) const REVOKE_FOUND_KEYS: &str = "/auth/v1/api-key/revoke-found";
pub(super) const GITHUB_REPORTS: &str = "/auth/v1/api-key/leaks/github";

// --- Gateways -------------------------------------------------------------------------------------

pub(super) const VERIFY: &str = "/auth/v1/verify";
/// For gateways that put the path of the request behind ours.
pub(super) const VERIFY_BEFORE: &str = "/auth/v1/verify/{*path}";
pub(super) const VERIFY_BEFORE_ROOT: &str = "/auth/v1/verify/";

// --- Published ------------------------------------------------------------------------------------

pub(super) const JWKS: &str = "/.well-known/jwks.json";
pub(super) const OPENID_METADATA: &str = "/.well-known/openid-configuration";
pub(super) const OAUTH_METADATA: &str = "/.well-known/oauth-authorization-server";
pub(super) const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";

/// The endpoint behind a path, by the name under which it is counted and audited.
pub(super) fn door(path: &str) -> &'static str {
    let doors = [
        API_KEY_TOKEN,
        PERSONAL_TOKEN_V3,
        PERSONAL_TOKEN,
        TOKEN,
        IBM_TOKEN,
        REVOKE_KEY,
        REVOKE_FOUND_KEYS,
        GITHUB_REPORTS,
        INTROSPECT,
        REVOKE,
        REGISTER,
    ];
    let is_it = |door: &&str| path.ends_with(door);
    // Behind it stands the client that is meant.
    let is_of_one = |(above, _): &(&str, &str)| above.ends_with(REGISTER);
    let of_one = || path.rsplit_once('/').filter(is_of_one).map(|_| REGISTER);
    doors.into_iter().find(is_it).or_else(of_one).unwrap_or("elsewhere")
}

/// The path of the issuer's URL: empty for most.
pub(super) fn path_of(issuer: &str) -> String {
    let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    rest.find('/').map(|start| rest[start..].to_owned()).unwrap_or_default()
}

/// Where the metadata of the management API stands: the well-known part comes between the host and
/// the path of the resource (RFC 9728, section 3.1).
pub(super) fn resource_metadata_url(issuer: &str) -> String {
    let path = path_of(issuer);
    let host = &issuer[..issuer.len() - path.len()];
    format!("{host}{RESOURCE_METADATA}{path}")
}
