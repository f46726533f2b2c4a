//! What a caller of the management API learns of each rejection.

use axum::http::StatusCode as Http;

use super::{AllThatWouldEnd, Demand, InTheWay, Problem, WouldEnd};
use crate::{
    domain::BadItem,
    manage::{Ending, Obstacle, Rejection},
};

impl From<BadItem> for Problem {
    fn from(bad: BadItem) -> Self {
        Self::invalid(bad.to_string())
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let (detail, may_pass) = (rejection.to_string(), rejection.may_pass());
        match rejection {
            Rejection::NotFound(what) => Self::not_found(what),
            Rejection::NoLongerValid => Self::no_longer_valid(detail),
            Rejection::MissingScope(scope) => Self {
                demand: Some(Demand::for_scope(scope).into()),
                ..Self::new(Http::FORBIDDEN, "insufficient-scope", "Insufficient scope", detail)
            },
            Rejection::UnknownPerson | Rejection::NotTheServersOwner | Rejection::Wider(_) => {
                Self::forbidden(detail)
            }
            Rejection::ChangedMeanwhile => {
                Self::new(Http::PRECONDITION_FAILED, "changed-meanwhile", "Changed", detail)
            }
            Rejection::OtherRequest => {
                Self::new(Http::UNPROCESSABLE_ENTITY, "other-request", "Other request", detail)
            }
            Rejection::StillUsed(obstacles) => Self::still_used(obstacles, detail),
            Rejection::WouldEnd(endings) => Self::would_end(endings, detail),
            Rejection::TooBusy(_) | Rejection::Store(_) if may_pass => {
                tracing::warn!(error = detail, "a management request has to be repeated");
                Self::unavailable()
            }
            Rejection::TooBusy(_) | Rejection::Store(_) => {
                tracing::error!(error = detail, "could not answer a management request");
                Self::server_error()
            }
            other if conflicts(&other) => Self::conflict(detail),
            _ => Self::invalid(detail),
        }
    }
}

impl Problem {
    fn still_used(obstacles: Vec<Obstacle>, detail: String) -> Self {
        let obstacles = obstacles.into_iter().map(InTheWay::from).collect();
        Self { obstacles, ..Self::conflict(detail) }
    }

    fn would_end(endings: Vec<Ending>, detail: String) -> Self {
        let endings = endings.into_iter().map(WouldEnd::from).collect();
        Self {
            would_end: Some(Box::new(AllThatWouldEnd(endings))),
            ..Self::new(Http::CONFLICT, "would-end", "Would end", detail)
        }
    }
}

/// Whether it is the state that forbids it, and not what was asked.
fn conflicts(rejection: &Rejection) -> bool {
    match rejection {
        Rejection::RunsServer
        | Rejection::NameTaken(_)
        | Rejection::ExpiryIsFixed
        | Rejection::TooManyKeys(_)
        | Rejection::TooManyWebhooks(_)
        | Rejection::WebhookDisabled
        | Rejection::TooManyTrusts(_)
        | Rejection::TooDeep(_)
        | Rejection::TooManyKeySources { .. }
        | Rejection::TooManyClients(_)
        | Rejection::TooManySecrets(_)
        | Rejection::NoSecretNeeded
        | Rejection::Revoked
        | Rejection::Locked
        | Rejection::Expired
        | Rejection::NotRotating
        | Rejection::AlreadyRotating(_)
        | Rejection::KnownSigningKey
        | Rejection::OtherKeyEncryptionKey { .. }
        | Rejection::DamagedSigningKey(..)
        | Rejection::SameKeyEncryptionKey(_)
        | Rejection::Exists => true,
        Rejection::NotFound(_)
        | Rejection::NoLongerValid
        | Rejection::MissingScope(_)
        | Rejection::UnknownPerson
        | Rejection::NotTheServersOwner
        | Rejection::Wider(_)
        | Rejection::ChangedMeanwhile
        | Rejection::OtherRequest
        | Rejection::StillUsed(_)
        | Rejection::WouldEnd(_)
        | Rejection::TooBusy(_)
        | Rejection::Store(_)
        | Rejection::CannotRunServer
        | Rejection::Expiry(_)
        | Rejection::NoRole
        | Rejection::UnknownRole(_)
        | Rejection::BuiltInRole(_)
        | Rejection::OutOfReach(_)
        | Rejection::GraceTooLong(_)
        | Rejection::TokenLifetime
        | Rejection::ReservedResource(_)
        | Rejection::MalformedResource(_)
        | Rejection::RefusedUrl(_)
        | Rejection::FlawedTrust(_)
        | Rejection::MalformedJwks(_)
        | Rejection::NoUsableKey
        | Rejection::WeakKey(_)
        | Rejection::BadTerms(_)
        | Rejection::SecretEndsInThePast
        | Rejection::MalformedPem(_) => false,
    }
}
