//! Rules by which tokens of other issuers stand for rights here: CI jobs, workloads.

mod algorithms;
mod claim;
mod conditions;
mod flaw;
mod pattern;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::{
    algorithms::Algorithms,
    claim::{ClaimName, MalformedClaimName},
    conditions::{Conditions, Finding, MalformedConditions},
    flaw::FlawedTrust,
    pattern::{MalformedPattern, Pattern},
};
use super::{
    KeyName, KeySource, Networks, OrganizationId, ResourceIdentifier, Roles, TrustId, Version,
};
use crate::clock::Timestamp;

/// Sources of keys for one issuer, beside the issuer itself, that the rules of one tree have, and
/// that a token is held against. More would let strangers cause too much work.
pub const MOST_SOURCES_PER_TREE: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    pub id: TrustId,
    /// In which the trusted workload acts.
    pub organization_id: OrganizationId,
    pub name: KeyName,
    /// `iss` of the tokens, to the letter.
    pub issuer: String,
    pub terms: TrustTerms,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
    /// Its place in the status list.
    pub status_index: i64,
    pub version: Version,
}

/// Which tokens of the issuer are trusted, and for what. Kept as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustTerms {
    pub keys: KeySource,
    /// By which its tokens may be signed.
    #[serde(default)]
    pub algorithms: Algorithms,
    /// What `aud` has to be, or to contain.
    pub audience: String,
    pub conditions: Conditions,
    pub roles: Roles,
    /// Whom its tokens may be for; `None`: for any resource.
    #[serde(default)]
    pub resources: Option<Vec<ResourceIdentifier>>,
    /// From where it may be used.
    #[serde(default)]
    pub allowed_networks: Networks,
    /// When it ends; no token outlives it.
    #[serde(with = "chrono::serde::ts_seconds_option", default)]
    pub expires_at: Option<Timestamp>,
    /// Whether a token of the issuer counts only once.
    #[serde(default = "yes")]
    pub once: bool,
}

fn yes() -> bool {
    true
}

impl Trust {
    /// What a rule must not be, because another could fulfil it.
    pub fn check(&self) -> Result<(), FlawedTrust> {
        flaw::check(&self.issuer, &self.terms)
    }

    /// What each condition comes to, and whether all hold. The claims have to be the issuer's own.
    pub fn findings(&self, claims: &Map<String, Value>) -> Vec<Finding> {
        self.terms.conditions.findings(claims)
    }

    pub fn is_for(&self, audiences: &[String]) -> bool {
        audiences.contains(&self.terms.audience)
    }
}
