//! What a holder holds: an API key's secret, or an OAuth refresh token.

use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::Secret;

#[derive(Clone)]
pub(super) enum Credential {
    Key(Secret),
    /// Opaque to us (RFC 6749, section 1.5).
    RefreshToken(SecretString),
}

/// Says what is wrong and quotes nothing: most of a secret may be in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MalformedCredential {
    #[error("the credential is empty")]
    Empty,
    #[error("this API key is mistyped or cut short: its checksum is wrong; copy it again")]
    Mistyped,
    #[error("a credential is one line of printable ASCII without spaces")]
    NotPrintable,
    #[error("a credential has 16 KiB at most")]
    TooLong,
}

const LONGEST: usize = 16 * 1024;
/// `_` and 49 letters and digits.
const KEY_TAIL: usize = 50;

impl Credential {
    pub(super) fn reveal(&self) -> &str {
        match self {
            Self::Key(secret) => secret.reveal(),
            Self::RefreshToken(token) => token.expose_secret(),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Key(_) => "API key",
            Self::RefreshToken(_) => "refresh token",
        }
    }

    /// The prefix, which is no secret: enough to tell two apart that are not of one kind.
    pub(super) fn shown(&self) -> String {
        let prefix = match self {
            Self::Key(secret) => secret.reveal().split_once('_').map(|(prefix, _)| prefix),
            Self::RefreshToken(token) => token.expose_secret().strip_prefix("ktr_").map(|_| "ktr"),
        };
        prefix.map_or_else(|| "…".to_owned(), |prefix| format!("{prefix}_…"))
    }
}

impl FromStr for Credential {
    type Err = MalformedCredential;

    /// Whatever is no key is a refresh token, unless it is a key with a mistake in it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(MalformedCredential::Empty);
        }
        if text.len() > LONGEST {
            return Err(MalformedCredential::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(MalformedCredential::NotPrintable);
        }
        match text.parse() {
            Ok(secret) => Ok(Self::Key(secret)),
            Err(_) if looks_like_a_key(text) => Err(MalformedCredential::Mistyped),
            Err(_) => Ok(Self::RefreshToken(text.into())),
        }
    }
}

/// Has the form of a key, or begins as keys do by default.
fn looks_like_a_key(text: &str) -> bool {
    let has_form = text.split_once('_').is_some_and(|(prefix, rest)| {
        let is_prefix = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
        (2..=8).contains(&prefix.len())
            && !prefix.starts_with("ktr")
            && prefix.bytes().all(is_prefix)
            && rest.len() + 1 == KEY_TAIL
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    text.starts_with("ktk_") || has_form
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn read(text: &str) -> Result<&'static str, MalformedCredential> {
        text.parse::<Credential>().map(|credential| credential.kind())
    }

    #[test]
    fn a_key_with_a_mistake_is_no_refresh_token() {
        let secret = Secret::generate(&"acme".parse().unwrap(), &Random::seeded(1));
        let right = secret.reveal();
        let wrong = right.replacen('_', "_0", 1);
        assert_eq!(read(&format!("  {right}\n")), Ok("API key"));
        assert_eq!(read(&wrong[..right.len()]), Err(MalformedCredential::Mistyped));
        assert_eq!(read("ktk_short"), Err(MalformedCredential::Mistyped));
        assert_eq!(read("ktr_anything"), Ok("refresh token"));
        assert_eq!(read("eyJhbGciOi.J9.x"), Ok("refresh token"));
    }

    #[test]
    fn what_is_no_credential_is_refused() {
        assert_eq!(read(" \n"), Err(MalformedCredential::Empty));
        assert_eq!(read("two words"), Err(MalformedCredential::NotPrintable));
        assert_eq!(read(&"x".repeat(LONGEST + 1)), Err(MalformedCredential::TooLong));
    }

    #[test]
    fn what_is_shown_is_the_prefix_alone() {
        let secret = Secret::generate(&"acme".parse().unwrap(), &Random::seeded(1));
        assert_eq!(Credential::Key(secret).shown(), "acme_…");
        assert_eq!("ktr_abc".parse::<Credential>().unwrap().shown(), "ktr_…");
        assert_eq!("opaque_abc".parse::<Credential>().unwrap().shown(), "…");
    }
}
