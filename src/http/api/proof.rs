//! What the holder of a credential has to prove, as callers write and read it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    domain::{ProofDemand, items},
    http::api::problem::Problem,
};

/// What the holder of a credential has to prove beside it (DPoP, RFC 9449): nothing, the possession of any
/// key, or of one of the keys with these thumbprints (RFC 7638).
#[derive(Clone, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a proof is `none`, `any`, or a list of thumbprints (RFC 7638)")]
pub(super) enum AskedProof {
    Word(ProofWord),
    Keys(Vec<String>),
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ProofWord {
    None,
    Any,
}

impl AskedProof {
    pub(super) fn into_demand(self) -> Result<ProofDemand, Problem> {
        match self {
            Self::Word(ProofWord::None) => Ok(ProofDemand::None),
            Self::Word(ProofWord::Any) => Ok(ProofDemand::Any),
            Self::Keys(keys) => ProofDemand::one_of(items("proof", &keys)?)
                .map_err(|bad| Problem::invalid(format!("proof: {bad}"))),
        }
    }
}

/// `none`, `any`, or the thumbprints of keys.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum ShownProof {
    Word(&'static str),
    Keys(Vec<String>),
}

impl From<&ProofDemand> for ShownProof {
    fn from(demand: &ProofDemand) -> Self {
        match demand {
            ProofDemand::None => Self::Word("none"),
            ProofDemand::Any => Self::Word("any"),
            ProofDemand::OneOf(keys) => Self::Keys(keys.iter().map(ToString::to_string).collect()),
        }
    }
}
