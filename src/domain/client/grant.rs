//! The ways to a token that clients may use (RFC 6749, section 1.3).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::domain::Item;

/// A way to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    ClientCredentials,
    RefreshToken,
    TokenExchange,
    JwtBearer,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a grant type is one of {}",
    GrantType::ALL.map(GrantType::as_str).join(", ")
)]
pub struct UnknownGrantType;

impl GrantType {
    pub const ALL: [Self; 4] =
        [Self::ClientCredentials, Self::RefreshToken, Self::TokenExchange, Self::JwtBearer];

    /// As the token endpoint is asked for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken => "refresh_token",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        }
    }
}

impl FromStr for GrantType {
    type Err = UnknownGrantType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text).ok_or(UnknownGrantType)
    }
}

impl Item for GrantType {
    const MEMBER: &'static str = "grants";
    const EXAMPLE: &'static str = "client_credentials";
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
