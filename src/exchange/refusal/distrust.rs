//! Why a token of another issuer gets no token of ours.

use crate::{
    domain::{KeyName, OrganizationId},
    signing::MalformedJws,
};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    // Before it is known that a rule trusts the token. The caller cannot tell these apart.
    #[error("what was sent is no token that could be verified: {0}")]
    Malformed(#[from] MalformedJws),
    #[error("the token does not say who issued it")]
    NoIssuer,
    #[error("no trust policy names the issuer `{issuer}`{there}", there = there(*.organization))]
    UnknownIssuer { issuer: String, organization: Option<OrganizationId> },
    /// Of which organization the rules are that are quoted: only those who reach it are told.
    #[error("{why}")]
    NoRuleHolds { why: String, organization: Option<OrganizationId> },

    // After that. The caller is told.
    #[error("several trust policies hold, {}: {}", names(.rules), way(*.organization))]
    SeveralRulesHold { rules: Vec<KeyName>, organization: Option<OrganizationId> },
    #[error("rule `{rule}` takes a token only once, and this one has no `jti` to know it by")]
    NoId { rule: KeyName, organization: OrganizationId },
    #[error("rule `{rule}` takes a token only once, and this one was used before")]
    UsedBefore { rule: KeyName, organization: OrganizationId },
    #[error("an API key is no client of this grant: send no client, or one that is registered")]
    AskedByKey,
}

fn there(organization: Option<OrganizationId>) -> &'static str {
    if organization.is_some() { " in this organization" } else { "" }
}

/// Rules of several organizations are not named to each other's people.
fn names(rules: &[KeyName]) -> String {
    match rules {
        [] => "of several organizations".to_owned(),
        rules => rules.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and "),
    }
}

fn way(organization: Option<OrganizationId>) -> &'static str {
    match organization {
        Some(_) => "change them so that one does",
        None => "say by organizationId which organization is meant",
    }
}

impl Distrust {
    pub(in crate::exchange) fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed_assertion",
            Self::NoIssuer | Self::UnknownIssuer { .. } => "unknown_issuer",
            Self::NoRuleHolds { .. } => "no_rule_holds",
            Self::SeveralRulesHold { .. } => "several_rules_hold",
            Self::NoId { .. } => "assertion_without_id",
            Self::UsedBefore { .. } => "assertion_used_before",
            Self::AskedByKey => "asked_by_key",
        }
    }

    pub(in crate::exchange) fn is_after_proof(&self) -> bool {
        match self {
            Self::Malformed(_)
            | Self::NoIssuer
            | Self::UnknownIssuer { .. }
            | Self::NoRuleHolds { .. } => false,
            Self::SeveralRulesHold { .. }
            | Self::NoId { .. }
            | Self::UsedBefore { .. }
            | Self::AskedByKey => true,
        }
    }

    /// Whose rules it quotes.
    pub(in crate::exchange) fn organization(&self) -> Option<OrganizationId> {
        match self {
            Self::NoRuleHolds { organization, .. }
            | Self::SeveralRulesHold { organization, .. } => *organization,
            Self::NoId { organization, .. } | Self::UsedBefore { organization, .. } => {
                Some(*organization)
            }
            Self::Malformed(_) | Self::NoIssuer | Self::UnknownIssuer { .. } | Self::AskedByKey => {
                None
            }
        }
    }
}
