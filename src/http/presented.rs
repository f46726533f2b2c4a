//! An access token as it is presented: by `Authorization: Bearer` (RFC 6750), or `DPoP` with a proof
//! (RFC 9449, section 7).

use axum::http::{HeaderMap, header::AUTHORIZATION, request::Parts};

use super::{edge::Edge, proof};
use crate::{
    domain::Thumbprint,
    exchange::{self, ExchangeError, Refusal, Unproved},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Bearer,
    Dpop,
}

/// Nothing of it is checked.
#[derive(Clone, Copy)]
pub(super) struct Presented<'a> {
    pub(super) scheme: Scheme,
    pub(super) token: &'a str,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadPresentation {
    #[error("there are two Authorization headers")]
    Repeated,
    #[error("the Authorization header is no text")]
    NoText,
}

/// What the one Authorization header presents; `None` where it is of no scheme for tokens.
pub(super) fn presented(headers: &HeaderMap) -> Result<Option<Presented<'_>>, BadPresentation> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(BadPresentation::Repeated);
    }
    let text = value.to_str().map_err(|_| BadPresentation::NoText)?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let token = token.trim();
    let scheme = match scheme {
        scheme if scheme.eq_ignore_ascii_case("bearer") => Scheme::Bearer,
        scheme if scheme.eq_ignore_ascii_case("dpop") => Scheme::Dpop,
        _ => return Ok(None),
    };
    Ok((!token.is_empty()).then_some(Presented { scheme, token }))
}

/// The request that a token is presented with, as its sender made it.
pub(super) struct Asked<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) method: &'a str,
    pub(super) url: String,
}

impl<'a> Asked<'a> {
    /// Of one to ourselves: whatever a proxy calls us, every path of ours stands below the issuer,
    /// and is seen without the path of that.
    pub(super) fn of_us(edge: &Edge, parts: &'a Parts) -> Self {
        Self {
            headers: &parts.headers,
            method: parts.method.as_str(),
            url: format!("{}{}", edge.app.settings.issuer, parts.uri.path()),
        }
    }
}

impl Presented<'_> {
    /// That whoever presents the token holds the key it is bound to: a bound one is no bearer
    /// token, nor the other way round (RFC 9449, section 7.2).
    pub(super) async fn prove(
        &self,
        edge: &Edge,
        bound_to: Option<&Thumbprint>,
        asked: Asked<'_>,
    ) -> Result<(), ExchangeError> {
        match (self.scheme, bound_to) {
            (Scheme::Bearer, None) => Ok(()),
            (Scheme::Bearer, Some(key)) => {
                Err(Refusal::from(Unproved::BoundToken(key.clone())).into())
            }
            (Scheme::Dpop, bound_to) => {
                let Asked { headers, method, url } = asked;
                // Of several proofs none counts.
                let offered = proof::offered(headers, method, url).unwrap_or_default();
                exchange::hold(&edge.app, self.token, bound_to, offered.as_ref()).await
            }
        }
    }
}
