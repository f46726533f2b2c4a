//! What a client hears that cannot register, or not change itself so (RFC 7591, section 3.2.2;
//! RFC 7592).

use axum::{
    Extension, Json,
    http::StatusCode as Http,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{Beside, OAuthError, Unrecorded};
use crate::{
    domain::BadTerms,
    http::{api::Problem, form::BadBody},
    manage::{Rejection, clients::itself::NotRegistered},
};

#[derive(Debug)]
pub(in crate::http) enum RegistrationError {
    /// What is wrong with what the client says of itself. Unlike elsewhere the text may name what
    /// was sent: nothing of it is secret.
    Metadata {
        error: &'static str,
        description: String,
    },
    /// The caller may not register clients: as the management API says it.
    NotAdmitted(Box<Problem>),
    Other(OAuthError),
}

impl RegistrationError {
    /// The one of a client that is not there, and of one whose token is another.
    pub(in crate::http) const UNKNOWN_TOKEN: Self = Self::Other(OAuthError {
        beside: Beside::BearerChallenge,
        ..OAuthError::new(
            Http::UNAUTHORIZED,
            "invalid_token",
            "send the registration_access_token of this client as Authorization: Bearer",
        )
        .as_recorded()
    });

    pub(in crate::http) fn metadata(description: impl Into<String>) -> Self {
        Self::Metadata { error: "invalid_client_metadata", description: description.into() }
    }

    /// We approve of no one's statements.
    pub(in crate::http) fn statement(is_jwt: bool) -> Self {
        let error =
            if is_jwt { "unapproved_software_statement" } else { "invalid_software_statement" };
        let description = "software statements are not taken here: leave it out".to_owned();
        Self::Metadata { error, description }
    }
}

impl From<NotRegistered> for RegistrationError {
    fn from(not: NotRegistered) -> Self {
        let description = not.to_string();
        match not {
            NotRegistered::Off => Self::Other(OAuthError::NOT_FOUND),
            NotRegistered::UnknownToken => Self::UNKNOWN_TOKEN,
            NotRegistered::Disabled => Self::Other(OAuthError::new(
                Http::FORBIDDEN,
                "access_denied",
                "the client is disabled",
            )),
            NotRegistered::OutOfReach => Self::Other(OAuthError::new(
                Http::FORBIDDEN,
                "access_denied",
                "the key behind the token does not reach the organization of registered clients",
            )),
            NotRegistered::NoOrganization => {
                tracing::error!(error = description, "no client can register");
                Self::Other(OAuthError::SERVER_ERROR)
            }
            NotRegistered::TooMany(_) => Self::Other(OAuthError::new(
                Http::TOO_MANY_REQUESTS,
                "too_many_clients",
                "as many clients as may be have registered themselves: ask the operator",
            )),
            NotRegistered::TooOften(told) => Self::Other(OAuthError {
                beside: Beside::RetryAfter(told.retry_after.as_secs() + 1),
                ..OAuthError::new(
                    Http::TOO_MANY_REQUESTS,
                    "slow_down",
                    "too many clients were registered from this address",
                )
            }),
            NotRegistered::TooMuch(_)
            | NotRegistered::BadDescription(_)
            | NotRegistered::OtherSecret => Self::metadata(description),
            NotRegistered::Rejected(rejection) => rejected(rejection),
        }
    }
}

fn rejected(rejection: Rejection) -> RegistrationError {
    let description = rejection.to_string();
    match rejection {
        Rejection::BadTerms(BadTerms::RedirectUri { .. }) => {
            RegistrationError::Metadata { error: "invalid_redirect_uri", description }
        }
        Rejection::BadTerms(_)
        | Rejection::RefusedUrl(_)
        | Rejection::NoUsableKey
        | Rejection::WeakKey(_)
        | Rejection::MalformedJwks(_) => RegistrationError::metadata(description),
        Rejection::Wider(_) | Rejection::MissingScope(_) | Rejection::NoLongerValid => {
            RegistrationError::NotAdmitted(Problem::from(rejection).into())
        }
        other => RegistrationError::Other(other.into()),
    }
}

impl From<OAuthError> for RegistrationError {
    fn from(error: OAuthError) -> Self {
        Self::Other(error)
    }
}

impl From<BadBody> for RegistrationError {
    fn from(bad: BadBody) -> Self {
        Self::Other(bad.into())
    }
}

impl From<Problem> for RegistrationError {
    fn from(problem: Problem) -> Self {
        Self::NotAdmitted(problem.into())
    }
}

impl IntoResponse for RegistrationError {
    fn into_response(self) -> Response {
        match self {
            Self::Metadata { error, description } => {
                let body = json!({ "error": error, "error_description": plain(&description) });
                let unrecorded = Unrecorded { reason: error, detail: description.into() };
                (Http::BAD_REQUEST, Extension(unrecorded), Json(body)).into_response()
            }
            Self::NotAdmitted(problem) => not_admitted(*problem),
            Self::Other(error) => error.into_response(),
        }
    }
}

/// The status and the headers of the management API, with a body as OAuth has it.
fn not_admitted(problem: Problem) -> Response {
    let told = problem.detail().to_owned();
    let description = plain(&told);
    let mut answer = problem.into_response();
    let error = match answer.status() {
        Http::UNAUTHORIZED => "invalid_token",
        Http::TOO_MANY_REQUESTS => "slow_down",
        Http::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        status if status.is_server_error() => "server_error",
        _ => "access_denied",
    };
    let body = Json(json!({ "error": error, "error_description": description })).into_response();
    let (parts, body) = body.into_parts();
    answer.headers_mut().extend(parts.headers);
    answer.extensions_mut().insert(Unrecorded { reason: error, detail: told.into() });
    *answer.body_mut() = body;
    answer
}

/// RFC 6749, section 5.2 lets descriptions have no other characters; what was sent comes back cut
/// short.
fn plain(text: &str) -> String {
    let fits = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    text.chars().filter(fits).take(300).collect()
}
