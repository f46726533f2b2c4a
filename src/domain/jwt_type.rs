//! The type that the header of an access token names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// `typ` of an access token (RFC 7515, section 4.1.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwtType {
    /// RFC 9068, section 2.1: a receiver that checks it takes no other kind of token for an access
    /// token.
    #[default]
    #[serde(rename = "at+jwt")]
    AccessToken,
    /// For receivers that refuse every other type, as Spring Boot does without code.
    #[serde(rename = "JWT")]
    Jwt,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("jwt_type is `at+jwt` or `JWT`")]
pub struct UnknownJwtType;

impl JwtType {
    pub const ALL: [Self; 2] = [Self::AccessToken, Self::Jwt];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::Jwt => "JWT",
        }
    }
}

impl FromStr for JwtType {
    type Err = UnknownJwtType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|known| known.as_str() == text).ok_or(UnknownJwtType)
    }
}

impl fmt::Display for JwtType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
