//! The first part of a token: which algorithm and key signed it, and what it is.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use super::key_pair::KeyPair;
use crate::domain::JwtType;

/// Named in the header, so that a token of one kind cannot pass for another (RFC 8725,
/// section 3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// RFC 9068, section 2.1.
    AccessToken,
    /// The same for resource servers that refuse every other type than `JWT`.
    PlainAccessToken,
    /// An answer about a token (RFC 9701, section 5): it is none itself.
    TokenIntrospection,
}

impl TokenType {
    /// What an access token may say that it is.
    pub const ACCESS_TOKENS: &[Self] = &[Self::AccessToken, Self::PlainAccessToken];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => JwtType::AccessToken.as_str(),
            Self::PlainAccessToken => JwtType::Jwt.as_str(),
            Self::TokenIntrospection => "token-introspection+jwt",
        }
    }
}

impl From<JwtType> for TokenType {
    fn from(jwt_type: JwtType) -> Self {
        match jwt_type {
            JwtType::AccessToken => Self::AccessToken,
            JwtType::Jwt => Self::PlainAccessToken,
        }
    }
}

/// The headers of one key, encoded once.
pub(super) struct Headers {
    access_token: String,
    plain_access_token: String,
    token_introspection: String,
}

impl Headers {
    pub(super) fn new(pair: &KeyPair) -> Self {
        Self {
            access_token: encode(pair, TokenType::AccessToken),
            plain_access_token: encode(pair, TokenType::PlainAccessToken),
            token_introspection: encode(pair, TokenType::TokenIntrospection),
        }
    }

    /// In base64url, with the dot that follows it.
    pub(super) fn of(&self, typ: TokenType) -> &str {
        match typ {
            TokenType::AccessToken => &self.access_token,
            TokenType::PlainAccessToken => &self.plain_access_token,
            TokenType::TokenIntrospection => &self.token_introspection,
        }
    }
}

fn encode(pair: &KeyPair, typ: TokenType) -> String {
    let header = json!({ "alg": pair.algorithm().as_str(), "typ": typ.as_str(), "kid": pair.id() });
    BASE64_URL_SAFE_NO_PAD.encode(header.to_string()) + "."
}
