//! Who may register a client, and which client manages itself.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};

use crate::{
    domain::{Admission, ClientId, Origin, Secret},
    http::{
        api::Caller,
        caller::{origin, record_refusal},
        edge::Edge,
        error::{OAuthError, RegistrationError},
        presented::{Scheme, presented},
    },
    manage::{Asker, clients::itself::NotRegistered},
};

/// May register a client; as the holder of the initial access token (RFC 7591, section 1.2), where
/// it takes one: an access token of ours, for ourselves, as the management API takes it.
pub(super) struct Admitted(pub(super) Option<Asker>);

impl FromRequestParts<Edge> for Admitted {
    type Rejection = RegistrationError;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, RegistrationError> {
        let policy = edge.app.settings.registration.as_ref().ok_or(NotRegistered::Off)?;
        match policy.admission {
            Admission::Anybody => Ok(Self(None)),
            Admission::ByToken => {
                let Caller(asker) = Caller::from_request_parts(parts, edge).await?;
                Ok(Self(Some(asker)))
            }
        }
    }
}

/// Which client is meant, the token by which it says to be it, and who sent them. Nothing of it is
/// proved; what cannot be right is refused as what is not.
pub(super) struct Claimed {
    pub(super) id: ClientId,
    pub(super) token: Secret,
    pub(super) origin: Origin,
}

impl FromRequestParts<Edge> for Claimed {
    type Rejection = RegistrationError;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, RegistrationError> {
        let origin = origin(edge, parts);
        let path = Path::<String>::from_request_parts(parts, edge).await.ok();
        let id = path.and_then(|Path(id)| id.parse().ok());
        let shown = presented(&parts.headers).ok().flatten();
        let shown = shown.filter(|it| it.scheme == Scheme::Bearer);
        let token = shown.and_then(|it| Secret::of_registration(it.token).ok());
        match (id, token) {
            (Some(id), Some(token)) => Ok(Self { id, token, origin }),
            _ => Err(refused(edge, &origin, NotRegistered::UnknownToken)),
        }
    }
}

/// Anyone who guesses spends a budget.
pub(super) fn refused(edge: &Edge, origin: &Origin, not: NotRegistered) -> RegistrationError {
    if !matches!(not, NotRegistered::UnknownToken) {
        return not.into();
    }
    record_refusal(edge, origin, "registration_token", not.to_string());
    if let Err(slow_down) = edge.app.attempts.failed(origin.source) {
        return OAuthError::from(slow_down).into();
    }
    tracing::info!(request_id = %origin.request_id, source = %origin.source, %not, "refused a client");
    not.into()
}
