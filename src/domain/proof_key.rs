//! The keys by which a holder proves possession: DPoP (RFC 9449).

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Item;

/// A public key's SHA-256 thumbprint in base64url (RFC 7638): 43 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Thumbprint(Arc<str>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a thumbprint is the SHA-256 of a public key as RFC 7638 has it: 43 characters of base64url"
)]
pub struct MalformedThumbprint;

impl Thumbprint {
    const LENGTH: usize = 43;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Thumbprint {
    type Err = MalformedThumbprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if plain && text.len() == Self::LENGTH {
            Ok(Self(text.into()))
        } else {
            Err(MalformedThumbprint)
        }
    }
}

impl Item for Thumbprint {
    const MEMBER: &'static str = "proof";
    const EXAMPLE: &'static str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
}

impl TryFrom<String> for Thumbprint {
    type Error = MalformedThumbprint;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Thumbprint> for String {
    fn from(thumbprint: Thumbprint) -> Self {
        thumbprint.0.as_ref().to_owned()
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a credential is worth something without a proof.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofDemand {
    /// A proof binds the token to its key; without one the token is a bearer token.
    #[default]
    None,
    /// Any key, chosen anew whenever its holder likes: the token is bound, the credential is not.
    Any,
    /// One of these keys: anyone who has only the credential has nothing.
    OneOf(Vec<Thumbprint>),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a demand for proofs is `none`, `any`, or up to 16 thumbprints of public keys as RFC 7638 has \
     them, 43 characters of base64url each"
)]
pub struct MalformedProofDemand;

impl ProofDemand {
    const MOST: usize = 16;

    pub fn one_of(keys: Vec<Thumbprint>) -> Result<Self, MalformedProofDemand> {
        if (1..=Self::MOST).contains(&keys.len()) {
            Ok(Self::OneOf(keys))
        } else {
            Err(MalformedProofDemand)
        }
    }

    /// Whether it lets through no more than the other, whichever keys they name: everybody names
    /// their own.
    pub fn is_as_strict_as(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::None) | (Self::OneOf(_), _) | (Self::Any, Self::Any) => true,
            (Self::None, _) | (Self::Any, Self::OneOf(_)) => false,
        }
    }
}

impl FromStr for ProofDemand {
    type Err = MalformedProofDemand;

    /// `none`, `any`, or thumbprints with spaces between them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "any" => Ok(Self::Any),
            list => {
                let all = list.split_whitespace().map(str::parse).collect::<Result<_, _>>();
                Self::one_of(all.map_err(|MalformedThumbprint| MalformedProofDemand)?)
            }
        }
    }
}

impl fmt::Display for ProofDemand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Any => f.write_str("any"),
            Self::OneOf(all) => {
                let all: Vec<_> = all.iter().map(Thumbprint::as_str).collect();
                f.write_str(&all.join(" "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demand_reads_as_it_is_written() {
        let one = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        for text in ["none", "any", one, &format!("{one} {one}")] {
            assert_eq!(text.parse::<ProofDemand>().unwrap().to_string(), text);
        }
        for text in ["", "some", &one[1..], &format!("{one}A"), &one.replace('-', "+")] {
            assert_eq!(text.parse::<ProofDemand>(), Err(MalformedProofDemand), "{text}");
        }
        let many = |count: usize| vec![one; count].join(" ").parse::<ProofDemand>();
        assert!(many(16).is_ok());
        assert_eq!(many(17), Err(MalformedProofDemand));
    }

    #[test]
    fn whoever_demands_less_is_less_strict() {
        let keys = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I".parse().unwrap();
        let all = [ProofDemand::None, ProofDemand::Any, keys];
        for (place, stricter) in all.iter().enumerate() {
            for (other_place, other) in all.iter().enumerate() {
                assert_eq!(stricter.is_as_strict_as(other), place >= other_place);
            }
        }
    }
}
