//! What a token was obtained through: whichever of these ends, the token is dead to all who ask.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use super::{ClientId, FamilyId, SecretId, TrustId};

/// One link of the chain from a credential to a token. The first link of a chain holds the rights;
/// those after it only ever take some away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A secret of an API key.
    Secret(SecretId),
    /// A client, for itself or on behalf of what stands before it.
    Client(ClientId),
    /// A rule by which tokens of other issuers are trusted.
    Trust(TrustId),
    Family(FamilyId),
    /// An access token that was exchanged for this one, by its `jti`.
    Token(Uuid),
    /// The rules of the client before it, as far as they are for one kind of exchange:
    /// [`super::ExchangeRule::kind`].
    Exchange(Uuid),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it names no source of tokens")]
pub struct MalformedSource;

impl Source {
    /// A longer chain is no one's intention, and every link is looked at whenever we are asked.
    pub const MOST: usize = 24;

    fn parts(&self) -> (&'static str, Uuid) {
        match self {
            Self::Secret(id) => ("secret", id.0),
            Self::Client(id) => ("client", id.0),
            Self::Trust(id) => ("trust", id.0),
            Self::Family(id) => ("family", id.0),
            Self::Token(id) => ("token", *id),
            Self::Exchange(kind) => ("exchange", *kind),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id) = self.parts();
        write!(f, "{kind}:{id}")
    }
}

impl FromStr for Source {
    type Err = MalformedSource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, id) = text.split_once(':').ok_or(MalformedSource)?;
        let id = Uuid::try_parse(id).map_err(|_| MalformedSource)?;
        match kind {
            "secret" => Ok(Self::Secret(SecretId(id))),
            "client" => Ok(Self::Client(ClientId(id))),
            "trust" => Ok(Self::Trust(TrustId(id))),
            "family" => Ok(Self::Family(FamilyId(id))),
            "token" => Ok(Self::Token(id)),
            "exchange" => Ok(Self::Exchange(id)),
            _ => Err(MalformedSource),
        }
    }
}

impl serde::Serialize for Source {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Source {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_reads_as_it_is_written() {
        let id = "018f2f7e-0000-7000-8000-000000000001";
        for kind in ["secret", "client", "trust", "family", "token", "exchange"] {
            let text = format!("{kind}:{id}");
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        for text in ["", id, "key:018f2f7e-0000-7000-8000-000000000001", "token:1"] {
            assert_eq!(text.parse::<Source>(), Err(MalformedSource), "{text}");
        }
    }
}
