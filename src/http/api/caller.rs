//! Who calls the management API: the holder of a token of ours, for ourselves (RFC 6750, RFC 9449).

use axum::{extract::FromRequestParts, http::request::Parts};

use super::problem::Problem;
use crate::{
    exchange::{ExchangeError, Refusal},
    http::{
        caller::{origin, record_refusal},
        edge::Edge,
        paths::resource_metadata_url,
        presented::{Asked, presented},
    },
    manage::{Asker, Rejection},
    signing::{Audience, TokenType, Untrusted},
};

/// Asks with what the token stands for now.
pub(in crate::http) struct Caller(pub(in crate::http) Asker);

impl FromRequestParts<Edge> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Problem> {
        let app = &edge.app;
        let metadata = || resource_metadata_url(&app.settings.issuer);
        let presented = presented(&parts.headers)?;
        let presented = presented.ok_or_else(|| Problem::no_token(metadata()))?;
        let invalid = || Problem::invalid_token(metadata());

        app.ensure_signing_keys().await.map_err(Rejection::from)?;
        let types = &[TokenType::from(app.own_resource.jwt_type)];
        let audience = Audience::Is(app.own_resource.identifier.as_str());
        let token = app.signer.verify(presented.token, app.clock.now(), types, audience);
        let origin = origin(edge, parts);
        let source = origin.source;
        let token = token.map_err(|why| {
            // A guess spends a budget that others share; a token that has merely ended does not.
            let told = match why {
                Untrusted::Expired => app.attempts.failed_after_proof(None, source),
                _ => app.attempts.failed(source),
            };
            if let Err(slow_down) = told {
                return slow_down.into();
            }
            tracing::info!(%why, %source, "refused a token at the management API");
            record_refusal(edge, &origin, "untrusted_token", why.to_string());
            invalid()
        })?;
        let proved =
            presented.prove(edge, token.bound_to.as_ref(), Asked::of_us(edge, parts)).await;
        proved.map_err(|error| match error {
            ExchangeError::Refused(Refusal::Unproved(why)) => {
                if let Err(slow_down) = app.attempts.failed_after_proof(None, source) {
                    return slow_down.into();
                }
                tracing::info!(%why, %source, "refused a token at the management API");
                record_refusal(edge, &origin, why.code(), why.to_string());
                Problem::unproved(&why, metadata())
            }
            error => error.into(),
        })?;
        // What was changed on another node a moment ago counts here.
        app.catch_up().await.map_err(Rejection::from)?;
        let asker = Asker::of_token(app, token, origin).await;
        asker.map(Self).map_err(|error| match error {
            ExchangeError::Refused(_) => invalid(),
            error => error.into(),
        })
    }
}
