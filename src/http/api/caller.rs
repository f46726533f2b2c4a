//! Who calls the management API: the holder of a token of ours, for ourselves (RFC 6750, RFC 9449).

use axum::{extract::FromRequestParts, http::request::Parts};

use super::problem::Problem;
use crate::{
    domain::Actor,
    exchange::{self, ExchangeError, Refusal},
    http::{
        caller::address,
        edge::Edge,
        envelope::RequestId,
        presented::{Asked, presented},
        protected_resource::metadata_url,
    },
    manage::{
        Asker, Rejection,
        authority::{self, Carried},
    },
    signing::{Audience, TokenType, Untrusted},
};

/// Asks with what the key behind the token may do now.
pub(in crate::http) struct Caller(pub(in crate::http) Asker);

impl FromRequestParts<Edge> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Problem> {
        let app = &edge.app;
        let metadata = || metadata_url(&app.settings.issuer);
        let presented = presented(&parts.headers)?;
        let presented = presented.ok_or_else(|| Problem::no_token(metadata()))?;
        let invalid = || Problem::invalid_token(metadata());

        app.ensure_signing_keys().await.map_err(Rejection::from)?;
        let types = &[TokenType::from(app.own_resource.jwt_type)];
        let audience = Audience::Is(app.own_resource.identifier.as_str());
        let token = app.signer.verify(presented.token, app.clock.now(), types, audience);
        let source = address(edge, parts);
        let token = token.map_err(|why| {
            // Whoever guesses spends a budget; whose token has merely ended does not.
            let told = match why {
                Untrusted::Expired => Ok(()),
                _ => app.attempts.failed(source),
            };
            if let Err(slow_down) = told {
                return slow_down.into();
            }
            tracing::info!(%why, %source, "refused a token at the management API");
            invalid()
        })?;
        let proved =
            presented.prove(edge, token.bound_to.as_ref(), Asked::of_us(edge, parts)).await;
        proved.map_err(|error| match error {
            ExchangeError::Refused(Refusal::Unproved(why)) => {
                tracing::info!(%why, %source, "refused a token at the management API");
                Problem::unproved(&why, metadata())
            }
            error => error.into(),
        })?;
        // What was changed on another node a moment ago counts here.
        app.catch_up().await.map_err(Rejection::from)?;
        let standing = exchange::standing(app, &token, Some(source)).await;
        let standing = standing.map_err(Problem::from)?.ok_or_else(invalid)?;
        let api_key_id = standing.api_key_id.ok_or_else(invalid)?;
        let carried =
            Carried { api_key_id, organization: token.organization_id, scopes: standing.scopes };
        let authority = authority::of_token(app, &carried, source).await?.ok_or_else(invalid)?;
        Ok(Self(Asker {
            actor: Actor::ApiKey(api_key_id),
            authority,
            source: Some(source),
            request_id: parts.extensions.get::<RequestId>().map(|id| id.0),
        }))
    }
}
