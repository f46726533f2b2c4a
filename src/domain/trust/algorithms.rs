//! By which algorithms tokens may be signed that a rule trusts.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::domain::{SignatureAlgorithm, UnknownSignatureAlgorithm};

/// Empty: any that is verified here, all of which are of public keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Algorithms(BTreeSet<SignatureAlgorithm>);

impl Algorithms {
    pub fn allow(&self, algorithm: SignatureAlgorithm) -> bool {
        self.0.is_empty() || self.0.contains(&algorithm)
    }

    pub fn iter(&self) -> impl Iterator<Item = SignatureAlgorithm> {
        self.0.iter().copied()
    }
}

impl FromIterator<SignatureAlgorithm> for Algorithms {
    fn from_iter<I: IntoIterator<Item = SignatureAlgorithm>>(algorithms: I) -> Self {
        Self(algorithms.into_iter().collect())
    }
}

impl FromStr for Algorithms {
    type Err = UnknownSignatureAlgorithm;

    /// Names with spaces between them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_whitespace().map(str::parse).collect()
    }
}

impl fmt::Display for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|it| it.as_str()).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jb_07_a_list_allows_what_it_names_and_an_empty_one_all() {
        let list: Algorithms = "RS256 ES256 Ed25519 RS256".parse().unwrap();

        assert_eq!(list.to_string(), "ES256 EdDSA RS256");
        assert!(list.allow(SignatureAlgorithm::EdDsa) && !list.allow(SignatureAlgorithm::Ps256));
        for algorithm in SignatureAlgorithm::ALL {
            assert!(Algorithms::default().allow(algorithm));
        }
    }

    #[test]
    fn jb_07_no_algorithm_of_a_shared_secret_can_be_named() {
        for name in ["HS256", "HS512", "none", "es256", "A256GCM"] {
            assert_eq!(name.parse::<Algorithms>(), Err(UnknownSignatureAlgorithm), "{name}");
        }
    }
}
