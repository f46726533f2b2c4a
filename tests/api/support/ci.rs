//! Somebody who runs jobs, and signs for each who it is: those that a rule of trust knows need no
//! key.

use keyturn::{
    domain::{Algorithms, OrganizationId, Trust},
    manage::{
        Asker,
        trusts::{self, GivenKeys, NewTrust},
    },
};
use serde_json::json;

use super::{ISSUER, TestServer};
use crate::foreign::Foreigner;

pub(crate) struct Ci {
    issuer: String,
    signs: Foreigner,
}

impl Ci {
    /// Seconds that the token of a job is good for.
    pub(crate) const LIFETIME: u32 = 3600;

    pub(crate) fn at(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), signs: Foreigner::new("ci") }
    }

    /// A rule by which its jobs may do what a manager may.
    pub(crate) fn rule(&self, organization_id: OrganizationId) -> NewTrust {
        NewTrust {
            organization_id,
            name: "ci".parse().unwrap(),
            issuer: self.issuer.clone(),
            keys: GivenKeys::Pinned(self.signs.jwks()),
            algorithms: Algorithms::default(),
            audience: None,
            conditions: serde_json::from_value(json!({ "sub": ["deploy"] })).unwrap(),
            roles: "manager".parse().unwrap(),
            resources: None,
            allowed_networks: "".parse().unwrap(),
            expires_at: None,
            once: true,
        }
    }

    pub(crate) async fn trusted_by(&self, server: &TestServer, rule: NewTrust) -> Trust {
        trusts::create(&server.app, &Asker::keyturn(), rule).await.unwrap()
    }

    /// The token of a new job, which counts once.
    pub(crate) fn job(&self, server: &TestServer) -> String {
        let now = server.app.clock.now();
        self.signs.token(&json!({
            "iss": self.issuer, "aud": ISSUER, "sub": "deploy", "jti": server.app.random.id(now),
            "iat": now.timestamp(), "exp": now.timestamp() + i64::from(Self::LIFETIME),
        }))
    }
}
