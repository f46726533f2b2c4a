//! What somebody hears who does not pass (RFC 6750, section 3).

use axum::{
    http::{HeaderValue, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};

use crate::{
    domain::Scopes,
    exchange::ExchangeError,
    http::error::{Blame, OAuthError},
};

#[derive(Debug)]
pub(in crate::http) struct Turned {
    error: OAuthError,
    /// What the challenge says, where there is one.
    challenge: Option<String>,
}

const REALM: &str = "Bearer realm=\"keyturn\"";

impl Turned {
    /// Who shows nothing did nothing wrong: there is no error code (section 3.1).
    pub(super) fn empty_handed() -> Self {
        Self { error: OAuthError::NO_CREDENTIAL, challenge: Some(REALM.to_owned()) }
    }

    pub(super) fn malformed(what: &'static str) -> Self {
        Self { error: OAuthError::invalid_request(what), challenge: None }
    }

    pub(super) fn away(error: ExchangeError, needs: &Scopes) -> Self {
        let error = OAuthError::of(error, Blame::Bearer);
        let challenge = match error.code() {
            code @ "invalid_token" => Some(format!("{REALM}, error=\"{code}\"")),
            // Scopes have neither quotes nor backslashes.
            code @ "insufficient_scope" => {
                Some(format!("{REALM}, error=\"{code}\", scope=\"{needs}\""))
            }
            _ => None,
        };
        Self { error, challenge }
    }
}

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        let mut response = self.error.into_response();
        if let Some(challenge) = self.challenge {
            let challenge = HeaderValue::from_str(&challenge).expect("printable ASCII");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
