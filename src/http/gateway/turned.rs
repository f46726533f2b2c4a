//! What someone hears who does not pass (RFC 6750, section 3; RFC 9449, section 7.1).

use axum::{
    http::{HeaderValue, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
};

use super::asked::{Asked, Malformed};
use crate::{
    exchange::{ExchangeError, Refusal},
    http::{
        challenge::Challenge,
        error::{Blame, OAuthError},
        presented::Scheme,
    },
};

#[derive(Debug)]
pub(in crate::http) struct Turned {
    error: OAuthError,
    challenges: Vec<HeaderValue>,
}

impl Turned {
    /// Who shows nothing did nothing wrong: there is no error code (RFC 6750, section 3.1).
    pub(super) fn empty_handed(asked: &Asked) -> Self {
        let nothing = Challenge::default();
        // Old gateways pass on the first alone.
        let taken = [Scheme::Bearer, Scheme::Dpop].into_iter();
        let taken = taken.filter(|scheme| asked.takes_proofs() || *scheme == Scheme::Bearer);
        let challenges = taken.map(|scheme| nothing.by(scheme)).collect();
        Self { error: OAuthError::NO_CREDENTIAL, challenges }
    }

    /// `by`: how it was shown.
    pub(super) fn away(error: ExchangeError, asked: &Asked, by: Scheme) -> Self {
        let is_unproved = matches!(&error, ExchangeError::Refused(Refusal::Unproved(_)));
        let scheme = match by {
            _ if !asked.takes_proofs() => Scheme::Bearer,
            _ if is_unproved => Scheme::Dpop,
            by => by,
        };
        let blame = match by {
            Scheme::Bearer => Blame::Bearer,
            Scheme::Dpop => Blame::Proved,
        };
        let error = OAuthError::of(error, blame);
        let (code, lacks_scope) = (error.code(), error.code() == "insufficient_scope");
        let scope = lacks_scope.then(|| asked.needs.to_string());
        let challenge = Challenge { error: Some(code), scope, metadata: None };
        let is_challenged = lacks_scope || error.is_unauthorized();
        Self {
            error,
            challenges: is_challenged.then(|| challenge.by(scheme)).into_iter().collect(),
        }
    }
}

impl From<Malformed> for Turned {
    fn from(Malformed(what): Malformed) -> Self {
        Self { error: OAuthError::invalid_request(what), challenges: Vec::new() }
    }
}

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        let mut response = self.error.into_response();
        // Its own challenges are in place of the one for clients.
        response.headers_mut().remove(WWW_AUTHENTICATE);
        let challenges = self.challenges.into_iter().map(|it| (WWW_AUTHENTICATE, it));
        response.headers_mut().extend(challenges);
        response
    }
}
