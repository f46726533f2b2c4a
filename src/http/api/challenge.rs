//! What the header `WWW-Authenticate` says to whoever is not let in.

use crate::signing::PROOF_ALGORITHMS;

/// RFC 6750, section 3; RFC 9449, section 7.1; RFC 9728, section 5.1.
#[derive(Debug)]
pub(super) enum Challenge {
    /// There was no token.
    Missing {
        metadata: String,
    },
    Invalid {
        metadata: String,
    },
    InsufficientScope {
        scope: &'static str,
    },
    /// The token counts only with a proof.
    Unproved {
        error: &'static str,
        metadata: String,
    },
}

impl Challenge {
    /// One for each scheme that would do.
    pub(super) fn headers(&self) -> Vec<String> {
        const BEARER: &str = "Bearer realm=\"keyturn\"";
        let dpop = format!("DPoP realm=\"keyturn\", algs=\"{}\"", PROOF_ALGORITHMS.join(" "));
        match self {
            Self::Missing { metadata } => {
                let metadata = format!("resource_metadata=\"{metadata}\"");
                vec![format!("{BEARER}, {metadata}"), format!("{dpop}, {metadata}")]
            }
            Self::Invalid { metadata } => {
                let error = "error=\"invalid_token\"";
                vec![format!("{BEARER}, {error}, resource_metadata=\"{metadata}\"")]
            }
            Self::InsufficientScope { scope } => {
                vec![format!("{BEARER}, error=\"insufficient_scope\", scope=\"{scope}\"")]
            }
            Self::Unproved { error, metadata } => {
                vec![format!("{dpop}, error=\"{error}\", resource_metadata=\"{metadata}\"")]
            }
        }
    }
}
