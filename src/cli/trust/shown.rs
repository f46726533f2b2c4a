//! A trust policy as commands show it.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{
    cli::{named::Names, words},
    clock::Timestamp,
    domain::{
        Algorithms, Conditions, KeySource, Networks, OrganizationId, Pattern, ResourceIdentifier,
        Trust, TrustId,
    },
};

#[derive(Serialize)]
pub(super) struct Shown {
    pub(super) id: TrustId,
    pub(super) name: String,
    pub(super) organization: String,
    organization_id: OrganizationId,
    pub(super) issuer: String,
    /// `discovery`, a URL, or `pinned`.
    keys: String,
    algorithms: Algorithms,
    audience: String,
    conditions: Conditions,
    pub(super) roles: String,
    resources: Option<Vec<ResourceIdentifier>>,
    allowed_networks: Networks,
    expires_at: Option<Timestamp>,
    once: bool,
    pub(super) status: &'static str,
    created_at: Timestamp,
    disabled_at: Option<Timestamp>,
    version: i64,
}

impl Shown {
    pub(super) fn new(trust: Trust, names: &Names, now: Timestamp) -> Self {
        let terms = trust.terms;
        let is_over = terms.expires_at.is_some_and(|end| end <= now);
        Self {
            id: trust.id,
            name: trust.name.to_string(),
            organization: names.organization(trust.organization_id),
            organization_id: trust.organization_id,
            issuer: trust.issuer,
            keys: match terms.keys {
                KeySource::Issuer(_) => "discovery".to_owned(),
                KeySource::Uri(url) => url,
                KeySource::Pinned(_) => "pinned".to_owned(),
            },
            algorithms: terms.algorithms,
            audience: terms.audience,
            conditions: terms.conditions,
            roles: terms.roles.to_string(),
            resources: terms.resources,
            allowed_networks: terms.allowed_networks,
            expires_at: terms.expires_at,
            once: terms.once,
            status: match trust.disabled_at {
                Some(_) => "disabled",
                None if is_over => "expired",
                None => "active",
            },
            created_at: trust.created_at,
            disabled_at: trust.disabled_at,
            version: trust.version.0,
        }
    }

    pub(super) fn text(&self, now: Timestamp) -> String {
        let resources = self.resources.as_ref().map_or("any".to_owned(), |all| {
            all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        });
        let networks = self.allowed_networks.to_string();
        let from = if networks.is_empty() { "anywhere".to_owned() } else { networks };
        let algorithms = self.algorithms.to_string();
        let by = if algorithms.is_empty() { "any algorithm".to_owned() } else { algorithms };
        let each = if self.once { "counts once" } else { "counts until it expires" };
        let rows = [
            ("id", self.id.to_string()),
            ("organization", self.organization.clone()),
            ("status", format!("{}, {}", self.status, words::end(self.expires_at, now))),
            ("issuer", self.issuer.clone()),
            ("keys", self.keys.clone()),
            ("signed by", by),
            ("audience", self.audience.clone()),
            ("roles", self.roles.clone()),
            ("resources", resources),
            ("used from", from),
            ("each token", each.to_owned()),
        ];
        let mut text = format!("{}\n\n{}\n\nif\n", self.name, words::lines(&rows));
        for (claim, patterns) in self.conditions.iter() {
            let patterns: Vec<_> = patterns.iter().map(Pattern::as_str).collect();
            let _ = writeln!(text, "  {claim} is {}", patterns.join(" or "));
        }
        text
    }
}
