//! Who calls the management API: the holder of a token of ours, for ourselves (RFC 6750).

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header::AUTHORIZATION, request::Parts},
};

use super::problem::Problem;
use crate::{
    domain::Actor,
    exchange,
    http::{caller::address, edge::Edge, envelope::RequestId, protected_resource::metadata_url},
    manage::{
        Asker, Rejection,
        authority::{self, Carried},
    },
    signing::{Audience, TokenType, Untrusted},
};

/// Asks with what the key behind the token may do now.
pub(super) struct Caller(pub(super) Asker);

impl FromRequestParts<Edge> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Problem> {
        let app = &edge.app;
        let metadata = || metadata_url(&app.settings.issuer);
        let invalid = || Problem::invalid_token(metadata());
        let token = bearer(&parts.headers)?.ok_or_else(|| Problem::no_token(metadata()))?;

        let audience = Audience::Is(app.own_resource.identifier.as_str());
        let token = app.signer.verify(token, app.clock.now(), TokenType::AccessToken, audience);
        let source = address(edge, parts);
        let token = token.map_err(|why| {
            tracing::info!(%why, %source, "refused a token at the management API");
            // Whoever guesses spends a budget; whose token has merely ended does not.
            match why {
                Untrusted::Expired => invalid(),
                _ => app.attempts.failed(source).map_or_else(Problem::from, |()| invalid()),
            }
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

/// The token of the one Authorization header; `None` where there is none of this scheme.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::invalid("there are two Authorization headers"));
    }
    let text =
        value.to_str().map_err(|_| Problem::invalid("the Authorization header is no text"))?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let token = token.trim();
    Ok((scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token))
}
