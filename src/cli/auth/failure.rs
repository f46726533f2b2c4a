//! What can go wrong between a holder and the server, told apart by what to do about it.

use std::fmt;

use crate::cli::exit::Exit;

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Failure {
    #[error("there is no credential: run `keyturn auth set-token`, or set KEYTURN_API_KEY")]
    NoCredential,
    #[error("{url} refused the credential: {said}")]
    Refused { url: String, said: Said },
    #[error("{url} refused the request: {said}")]
    Rejected { url: String, said: Said },
    #[error("cannot reach {url}")]
    Unreachable { url: String, source: reqwest::Error },
    #[error("{url} cannot answer now, try again later: {said}")]
    Unavailable { url: String, said: Said },
    #[error("{url} does not answer as a keyturn server does ({problem}): is the URL right?")]
    Strange { url: String, problem: String },
    #[error("{0}")]
    WrongUsage(&'static str),
}

impl Failure {
    pub(in crate::cli) fn exit(&self) -> Exit {
        match self {
            Self::NoCredential | Self::Refused { .. } => Exit::Refused,
            Self::Unreachable { .. } | Self::Unavailable { .. } => Exit::TryLater,
            Self::Rejected { .. } | Self::Strange { .. } => Exit::Failed,
            Self::WrongUsage(_) => Exit::WrongUsage,
        }
    }
}

/// Words of a server, cut short and without what could steer a terminal.
#[derive(Debug, PartialEq, Eq, serde::Serialize)]
pub(in crate::cli) struct Said(String);

impl Said {
    const LONGEST: usize = 300;

    pub(super) fn new(text: &str) -> Self {
        Self(text.chars().filter(|c| !c.is_control()).take(Self::LONGEST).collect())
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_cannot_steer_the_terminal() {
        assert_eq!(Said::new("no\x1b[2J\r\nway").to_string(), "no[2Jway");
        assert_eq!(Said::new(&"x".repeat(9999)).to_string().len(), Said::LONGEST);
    }
}
