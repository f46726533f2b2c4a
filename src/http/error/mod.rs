//! What a caller may learn about a refusal. The only place that picks status codes.

mod client;
mod refusal;
mod registration;
mod unrecorded;

use std::any::Any;

use axum::{
    Json,
    http::{HeaderValue, StatusCode as Http, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

pub(super) use self::{
    refusal::{Blame, word_for},
    registration::RegistrationError,
    unrecorded::Unrecorded,
};
use super::{
    basic::BadAuthorization,
    form::{BadBody, BadForm},
    proof::TwoProofs,
};
use crate::manage::Rejection;

/// An error response as RFC 6749, section 5.2 shapes it. Its texts are constants: nothing that was
/// sent comes back.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct OAuthError {
    #[serde(skip)]
    status: Http,
    error: &'static str,
    error_description: &'static str,
    #[serde(skip)]
    beside: Beside,
    /// The pipeline has recorded the true reason under the id of the request.
    #[serde(skip)]
    is_recorded: bool,
}

/// What the header of the response says beside the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// The client may show the token by which it manages itself (RFC 6750, section 3).
    BearerChallenge,
    /// Seconds after which the same request may succeed.
    RetryAfter(u64),
    /// The rest of the body is not read.
    Close,
}

impl OAuthError {
    const fn new(status: Http, error: &'static str, error_description: &'static str) -> Self {
        Self { status, error, error_description, beside: Beside::Nothing, is_recorded: false }
    }

    pub(super) const NOT_FOUND: Self = Self::new(Http::NOT_FOUND, "not_found", "no such path");
    pub(super) const METHOD_NOT_ALLOWED: Self = Self::new(
        Http::METHOD_NOT_ALLOWED,
        "invalid_request",
        "the header Allow names the methods of this path",
    );
    pub(super) const TOO_LARGE: Self = Self {
        beside: Beside::Close,
        ..Self::new(
            Http::PAYLOAD_TOO_LARGE,
            "invalid_request",
            "the body is longer than this takes",
        )
    };
    pub(super) const UNSIGNED_REPORT: Self =
        Self::new(Http::UNAUTHORIZED, "invalid_request", "the report is not signed by its finder");
    pub(super) const TOO_SLOW: Self = Self {
        beside: Beside::Close,
        ..Self::new(Http::REQUEST_TIMEOUT, "invalid_request", "the body did not arrive in time")
    };
    /// Said alike of an unknown name, a wrong secret and a malformed one, so that none of them can
    /// be probed.
    pub(super) const INVALID_CLIENT: Self =
        Self::new(Http::UNAUTHORIZED, "invalid_client", "unknown key or wrong secret");
    pub(super) const NO_CREDENTIAL: Self = Self::new(
        Http::UNAUTHORIZED,
        "no_credential",
        "send an API key or an access token as Authorization: Bearer",
    );
    pub(super) const UNSUPPORTED_GRANT_TYPE: Self = Self::new(
        Http::BAD_REQUEST,
        "unsupported_grant_type",
        "this endpoint does not support the grant type",
    );
    pub(super) const INVALID_SCOPE: Self = Self::new(
        Http::BAD_REQUEST,
        "invalid_scope",
        "scopes are printable ASCII without quotes or backslashes, separated by single spaces",
    );
    pub(super) const INVALID_TARGET: Self = Self::new(
        Http::BAD_REQUEST,
        "invalid_target",
        "name one registered resource: an absolute URI without a fragment, or an audience",
    );
    /// Clients of this wire look for these very words.
    pub(super) const NOT_A_GUID: Self = Self::new(
        Http::BAD_REQUEST,
        "organizationId must be a valid GUID",
        "organizationId is the id of an organization",
    );
    /// Whatever is wrong with it; RFC 9449, section 5.
    const fn invalid_proof(error_description: &'static str) -> Self {
        Self::new(Http::BAD_REQUEST, "invalid_dpop_proof", error_description)
    }

    const SERVER_ERROR: Self =
        Self::new(Http::INTERNAL_SERVER_ERROR, "server_error", "the request could not be answered");
    const UNAVAILABLE: Self = Self {
        beside: Beside::RetryAfter(1),
        ..Self::new(Http::SERVICE_UNAVAILABLE, "temporarily_unavailable", "try again soon")
    };

    pub(super) const fn invalid_request(error_description: &'static str) -> Self {
        Self::new(Http::BAD_REQUEST, "invalid_request", error_description)
    }

    pub(super) const fn code(&self) -> &'static str {
        self.error
    }

    pub(super) fn is_unauthorized(&self) -> bool {
        self.status == Http::UNAUTHORIZED
    }

    pub(super) const fn as_recorded(self) -> Self {
        Self { is_recorded: true, ..self }
    }
}

impl From<TwoProofs> for OAuthError {
    fn from(_: TwoProofs) -> Self {
        Self::invalid_proof("send one DPoP header")
    }
}

impl From<BadForm> for OAuthError {
    fn from(bad: BadForm) -> Self {
        Self::invalid_request(match bad {
            BadForm::NotAForm => "post application/x-www-form-urlencoded",
            BadForm::Repeated => "a parameter is repeated",
            BadForm::TooManyParameters => "a form has 100 parameters at most",
            BadForm::ValueTooLong => "a value has 16 KiB at most",
            BadForm::Malformed => "the form is not UTF-8, not percent-encoded or has a NUL",
        })
    }
}

impl From<BadBody> for OAuthError {
    fn from(bad: BadBody) -> Self {
        match bad {
            BadBody::TooLarge => Self::TOO_LARGE,
            BadBody::TooSlow => Self::TOO_SLOW,
            BadBody::Broken => Self::invalid_request("the body ended too early"),
        }
    }
}

/// Of what anyone may ask for who has a secret.
impl From<Rejection> for OAuthError {
    fn from(rejection: Rejection) -> Self {
        if rejection.may_pass() || matches!(rejection, Rejection::ChangedMeanwhile) {
            return Self::UNAVAILABLE;
        }
        tracing::error!(error = %rejection, "could not end a secret");
        Self::SERVER_ERROR
    }
}

impl From<BadAuthorization> for OAuthError {
    fn from(bad: BadAuthorization) -> Self {
        match bad {
            BadAuthorization::OtherScheme => Self::OTHER_SCHEME,
            _ => Self::invalid_request("the Authorization header is not well-formed Basic"),
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self)).into_response();
        if !self.is_recorded {
            let (reason, detail) = (self.error, self.error_description.into());
            response.extensions_mut().insert(Unrecorded { reason, detail });
        }
        let headers = response.headers_mut();
        match self.beside {
            // RFC 9110, section 15.5.2, however the client authenticated.
            Beside::Nothing if self.status == Http::UNAUTHORIZED => {
                let basic = HeaderValue::from_static("Basic realm=\"keyturn\", charset=\"UTF-8\"");
                headers.insert(header::WWW_AUTHENTICATE, basic);
            }
            Beside::Nothing => (),
            Beside::BearerChallenge => {
                let bearer = "Bearer realm=\"keyturn\", error=\"invalid_token\"";
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(bearer));
            }
            Beside::RetryAfter(seconds) => {
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            Beside::Close => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
        }
        response
    }
}

/// A panic ends one request. What it says stays out of the answer and out of the log: it could
/// quote anything.
pub(super) fn after_panic(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a request handler panicked");
    OAuthError::SERVER_ERROR.into_response()
}
