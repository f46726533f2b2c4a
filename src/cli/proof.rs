//! What a command line demands as proof of possession, word by word.

use std::str::FromStr;

use crate::domain::{MalformedProofDemand, ProofDemand, Thumbprint};

/// `none`, `any`, or the thumbprint of a key.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    None,
    Any,
    Key(Thumbprint),
}

impl FromStr for Proof {
    type Err = MalformedProofDemand;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "any" => Ok(Self::Any),
            key => key.parse().map(Self::Key).map_err(|_| MalformedProofDemand),
        }
    }
}

impl Proof {
    /// `None` where nothing is said.
    pub(super) fn demand(said: &[Self]) -> Result<Option<ProofDemand>, MalformedProofDemand> {
        let key = |one: &Self| match one {
            Self::Key(thumbprint) => Ok(thumbprint.clone()),
            Self::None | Self::Any => Err(MalformedProofDemand),
        };
        match said {
            [] => Ok(None),
            [Self::None] => Ok(Some(ProofDemand::None)),
            [Self::Any] => Ok(Some(ProofDemand::Any)),
            keys => ProofDemand::one_of(keys.iter().map(key).collect::<Result<_, _>>()?).map(Some),
        }
    }
}
