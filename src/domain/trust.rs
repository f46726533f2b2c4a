//! Rules by which tokens of somebody else stand for rights here: CI jobs, workloads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{KeyName, KeySource, OrganizationId, ResourceIdentifier, Roles, TrustId, Version};
use crate::clock::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    pub id: TrustId,
    /// In which whoever is trusted acts.
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
    /// What `aud` has to be, or to contain.
    pub audience: String,
    /// By the name of a claim, the patterns of which it has to match one.
    pub conditions: BTreeMap<String, Vec<String>>,
    pub roles: Roles,
    /// Whom its tokens may be for; `None`: for any resource.
    #[serde(default)]
    pub resources: Option<Vec<ResourceIdentifier>>,
    /// Whether a token of the issuer counts only once.
    #[serde(default = "yes")]
    pub once: bool,
}

fn yes() -> bool {
    true
}
