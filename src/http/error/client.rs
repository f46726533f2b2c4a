//! What a client learns of its own authentication: nothing before it has proved who it is, and then
//! what to do otherwise.

use axum::http::StatusCode as Http;

use super::OAuthError;
use crate::signing::Untrusted;

impl OAuthError {
    const fn invalid_client(error_description: &'static str) -> Self {
        Self::new(Http::UNAUTHORIZED, "invalid_client", error_description)
    }

    /// These say what the request has, and nothing about any client.
    pub(in crate::http) const NO_CREDENTIALS: Self = Self::invalid_client(
        "no client authentication: send client_id and client_secret, by HTTP Basic or in the \
         body, or a client_assertion",
    );
    pub(in crate::http) const NO_SECRET: Self = Self::invalid_client(
        "client_id came without a client_secret or client_assertion, and is not the id of an \
         active public client",
    );
    pub(in crate::http) const OTHER_SCHEME: Self = Self::invalid_client(
        "the Authorization header is not of the scheme Basic: leave it out, or send client_id and \
         client_secret by it",
    );
    pub(in crate::http) const OTHER_ASSERTION: Self = Self::invalid_client(
        "client_assertion_type is urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    );
    pub(in crate::http) const TWO_CREDENTIALS: Self = Self::invalid_request(
        "the client authenticates in more than one way: send one of Authorization: Basic, \
         client_secret and client_assertion",
    );

    pub(super) const CLIENT_DISABLED: Self = Self::invalid_client("the client is disabled");
    pub(super) const CLIENT_EXPIRED: Self = Self::invalid_client("the client has expired");
    pub(super) const ASSERTION_USED: Self = Self::invalid_client(
        "the client_assertion was used before: sign a new one, with a jti of its own, for each \
         request",
    );

    /// The secret was right. `registered`: the method by which the client has to send it.
    pub(super) fn wrong_method(registered: &str) -> Self {
        Self::invalid_client(match registered {
            "client_secret_basic" => {
                "wrong authentication method for this client: it is registered for \
                 client_secret_basic, so send client_id and client_secret by HTTP Basic"
            }
            "client_secret_post" => {
                "wrong authentication method for this client: it is registered for \
                 client_secret_post, so send client_id and client_secret in the body"
            }
            _ => "wrong authentication method for this client",
        })
    }

    /// The signature was right.
    pub(super) fn bad_assertion(why: Untrusted) -> Self {
        Self::invalid_client(match why {
            Untrusted::WrongAlgorithm => {
                "the alg of the client_assertion is not the token_endpoint_auth_signing_alg of \
                 this client"
            }
            Untrusted::WrongType => {
                "the typ of a client_assertion is client-authentication+jwt or JWT"
            }
            Untrusted::WrongIssuer
            | Untrusted::MissingClaim("iss" | "sub")
            | Untrusted::MalformedClaim("iss" | "sub") => {
                "iss and sub of the client_assertion are the client_id"
            }
            Untrusted::WrongAudience
            | Untrusted::MissingClaim("aud")
            | Untrusted::MalformedClaim("aud") => {
                "aud of the client_assertion is the issuer of this server, as one text"
            }
            Untrusted::Expired => "the client_assertion has expired (exp)",
            Untrusted::NotYetValid => "the client_assertion is not valid yet (iat or nbf)",
            Untrusted::MissingClaim("exp") | Untrusted::MalformedClaim("exp") => {
                "exp of the client_assertion is a number of seconds, at most 5 minutes ahead"
            }
            Untrusted::MissingClaim("jti") | Untrusted::MalformedClaim("jti") => {
                "the client_assertion needs a jti, another one each time"
            }
            _ => "a claim of the client_assertion has not the form it should have",
        })
    }
}
