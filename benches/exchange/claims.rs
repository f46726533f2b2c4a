//! What the floor's tokens say: as much as keyturn's.

use keyturn::domain::Algorithm;
use uuid::Uuid;

use crate::request::resource;

/// The claims of an access token for an organization's key.
#[derive(serde::Serialize)]
pub(crate) struct Claims<'a> {
    iss: &'a str,
    sub: &'static str,
    aud: &'static str,
    client_id: &'static str,
    iat: i64,
    exp: i64,
    jti: Uuid,
    scope: &'static str,
    roles: [&'static str; 1],
    org: &'static str,
    #[serde(rename = "currentOrganizationId")]
    current_organization_id: &'static str,
}

impl<'a> Claims<'a> {
    pub(crate) fn of(iss: &'a str, algorithm: Algorithm, now: i64, jti: Uuid) -> Self {
        const ORGANIZATION: &str = "018f0000-0000-7000-8000-000000000000";
        Self {
            iss,
            sub: "key:018f0000-0000-7000-8000-000000000001",
            aud: resource(algorithm),
            client_id: "018f0000-0000-7000-8000-000000000001",
            iat: now,
            exp: now + 360,
            jti,
            scope: "read",
            roles: ["viewer"],
            org: ORGANIZATION,
            current_organization_id: ORGANIZATION,
        }
    }
}
