//! What the management API says when it does not do what was asked (RFC 9457).

mod rejection;

use axum::{
    Json,
    http::{HeaderValue, StatusCode as Http, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::moment::Moment;
use crate::{
    app::TooManyFailures,
    exchange::{ExchangeError, Unproved},
    http::{
        challenge::{Challenge, Demand},
        form::BadBody,
        presented::{BadPresentation, Scheme},
    },
    manage::{Ending, Obstacle, Rejection},
};

pub(super) type Answer<T = Response> = Result<T, Problem>;

/// A problem, as RFC 9457 shapes it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Problem {
    /// Tells problems apart: `urn:keyturn:problem:` and a word.
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    /// What is wrong with this request, and what to do.
    detail: String,
    /// What has to go before this can be deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    obstacles: Vec<InTheWay>,
    /// What is in use and would end at once; `force` does it all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<WouldEnd>>)]
    would_end: Option<Box<AllThatWouldEnd>>,
    #[serde(skip)]
    demand: Option<Box<Demand>>,
    /// Seconds after which the same request may succeed.
    #[serde(skip)]
    retry_after: Option<u32>,
}

/// Something that has to go first.
#[derive(Debug, Serialize, ToSchema)]
struct InTheWay {
    /// `organization`, `api_key`, `client`, `member` or `trust`.
    kind: &'static str,
    id: Uuid,
    name: String,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct AllThatWouldEnd(Vec<WouldEnd>);

/// Something in use that would end.
#[derive(Debug, Serialize, ToSchema)]
struct WouldEnd {
    /// `secret`.
    kind: &'static str,
    id: String,
    name: String,
    /// `null`: not as long as uses are remembered.
    last_used_at: Option<Moment>,
}

impl Problem {
    fn new(status: Http, word: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:keyturn:problem:{word}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            obstacles: Vec::new(),
            would_end: None,
            demand: None,
            retry_after: None,
        }
    }

    pub(in crate::http) fn detail(&self) -> &str {
        &self.detail
    }

    pub(in crate::http) fn no_such_path() -> Self {
        Self::new(Http::NOT_FOUND, "not-found", "Not found", "there is no such path")
    }

    pub(in crate::http) fn method_not_allowed() -> Self {
        let detail = "the header Allow names the methods of this path";
        Self::new(Http::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail)
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(Http::NOT_FOUND, "not-found", "Not found", format!("there is no such {what}"))
    }

    /// What was sent is not what this takes.
    pub(in crate::http) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Http::BAD_REQUEST, "invalid-request", "Invalid request", detail)
    }

    pub(super) fn no_token(metadata: String) -> Self {
        let detail = "send a token of this server, for itself, as `Authorization: Bearer`";
        Self {
            demand: Some(Demand::of_any(None, metadata).into()),
            ..Self::new(Http::UNAUTHORIZED, "unauthorized", "Unauthorized", detail)
        }
    }

    pub(super) fn invalid_token(metadata: String) -> Self {
        let detail = "the token is not valid here, or its key no longer works";
        Self {
            demand: Some(Demand::of_any(Some("invalid_token"), metadata).into()),
            ..Self::new(Http::UNAUTHORIZED, "invalid-token", "Invalid token", detail)
        }
    }

    /// What the token stands for was taken away after the request had come.
    fn no_longer_valid(detail: String) -> Self {
        let challenge = Challenge { error: Some("invalid_token"), ..Challenge::default() };
        Self {
            demand: Some(Demand { challenge, only: None }.into()),
            ..Self::new(Http::UNAUTHORIZED, "invalid-token", "Invalid token", detail)
        }
    }

    /// The token is bound to a key, or should be, and that its sender holds the key is not proved
    /// (RFC 9449, section 7.1).
    pub(super) fn unproved(unproved: &Unproved, metadata: String) -> Self {
        let (error, word, title) = match unproved {
            Unproved::Nonce => ("use_dpop_nonce", "use-dpop-nonce", "Proof without nonce"),
            Unproved::OtherKey { .. }
            | Unproved::BoundToken(_)
            | Unproved::UnboundToken
            | Unproved::Untold(_) => ("invalid_token", "invalid-token", "Invalid token"),
            Unproved::Missing
            | Unproved::Bad(_)
            | Unproved::Replayed
            | Unproved::KeyNotAllowed(_) => {
                ("invalid_dpop_proof", "invalid-dpop-proof", "Invalid proof")
            }
        };
        let by_proof = Demand::of_any(Some(error), metadata);
        Self {
            demand: Some(Demand { only: Some(Scheme::Dpop), ..by_proof }.into()),
            ..Self::new(Http::UNAUTHORIZED, word, title, unproved.to_string())
        }
    }

    /// RFC 6585, section 3.
    pub(super) fn condition_required() -> Self {
        let detail = "say by If-Match which state you have seen: the ETag of the last answer, or *";
        Self::new(Http::PRECONDITION_REQUIRED, "condition-required", "Condition required", detail)
    }

    pub(super) fn unsupported_media_type() -> Self {
        let detail = "send JSON, as application/json";
        Self::new(
            Http::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Unsupported media type",
            detail,
        )
    }

    fn conflict(detail: String) -> Self {
        Self::new(Http::CONFLICT, "conflict", "Conflict", detail)
    }

    fn forbidden(detail: String) -> Self {
        Self::new(Http::FORBIDDEN, "forbidden", "Forbidden", detail)
    }

    fn unavailable() -> Self {
        let detail = "the server is busy, or its database is away: try again soon";
        Self {
            retry_after: Some(1),
            ..Self::new(Http::SERVICE_UNAVAILABLE, "unavailable", "Unavailable", detail)
        }
    }

    fn server_error() -> Self {
        let detail = "the request could not be answered";
        Self::new(Http::INTERNAL_SERVER_ERROR, "server-error", "Server error", detail)
    }
}

impl From<BadPresentation> for Problem {
    fn from(bad: BadPresentation) -> Self {
        Self::invalid(bad.to_string())
    }
}

impl From<TooManyFailures> for Problem {
    fn from(told: TooManyFailures) -> Self {
        let detail = told.to_string();
        Self {
            retry_after: Some(u32::try_from(told.retry_after.as_secs() + 1).unwrap_or(u32::MAX)),
            ..Self::new(Http::TOO_MANY_REQUESTS, "too-many-failures", "Too many failures", detail)
        }
    }
}

impl From<ExchangeError> for Problem {
    fn from(error: ExchangeError) -> Self {
        match error {
            error if error.may_pass() => {
                tracing::warn!(%error, "a management request has to be repeated");
                Self::unavailable()
            }
            ExchangeError::Store(error) => Rejection::from(error).into(),
            other => {
                tracing::error!(error = %other, "could not answer a management request");
                Self::server_error()
            }
        }
    }
}

impl From<Ending> for WouldEnd {
    fn from(ending: Ending) -> Self {
        let Ending { kind, id, name, last_used_at } = ending;
        Self { kind, id, name, last_used_at: last_used_at.map(Moment) }
    }
}

impl From<Obstacle> for InTheWay {
    fn from(obstacle: Obstacle) -> Self {
        let Obstacle { kind, id, name } = obstacle;
        Self { kind, id, name }
    }
}

impl From<BadBody> for Problem {
    fn from(bad: BadBody) -> Self {
        match bad {
            BadBody::TooLarge => {
                let detail = "a request has 64 KiB at most";
                Self::new(Http::PAYLOAD_TOO_LARGE, "too-large", "Too large", detail)
            }
            BadBody::TooSlow => {
                let detail = "the body did not arrive in time";
                Self::new(Http::REQUEST_TIMEOUT, "too-slow", "Too slow", detail)
            }
            BadBody::Broken => Self::invalid("the body ended too early"),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let status = Http::from_u16(self.status).unwrap_or(Http::INTERNAL_SERVER_ERROR);
        let (demand, retry_after) = (self.demand.take(), self.retry_after);
        let mut response = (status, Json(self)).into_response();
        if let Some(demand) = demand {
            response.extensions_mut().insert(*demand);
        }
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if matches!(status, Http::PAYLOAD_TOO_LARGE | Http::REQUEST_TIMEOUT) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
