//! An access token or a key as it is presented to whom it is for: by `Authorization: Bearer`
//! (RFC 6750), or `DPoP` with a proof (RFC 9449, section 7).

use axum::http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use secrecy::SecretString;

use super::{edge::Edge, proof};
use crate::{
    domain::Thumbprint,
    exchange::{self, ExchangeError, Manner, OfferedProof, Unproved},
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
    Ok(Presented::read(text).filter(|presented| !presented.token.is_empty()))
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

impl<'a> Presented<'a> {
    /// The value of a header; `None` where it is of no scheme for tokens.
    pub(super) fn read(value: &'a str) -> Option<Self> {
        let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
        let scheme = match scheme {
            scheme if scheme.eq_ignore_ascii_case("bearer") => Scheme::Bearer,
            scheme if scheme.eq_ignore_ascii_case("dpop") => Scheme::Dpop,
            _ => return None,
        };
        Some(Self { scheme, token: token.trim() })
    }

    pub(super) async fn prove(
        &self,
        edge: &Edge,
        bound_to: Option<&Thumbprint>,
        asked: Asked<'_>,
    ) -> Result<(), ExchangeError> {
        exchange::hold(&edge.app, &self.manner(Ok(asked)), bound_to).await
    }

    /// `asked`: what a proof has to be made for, or why that is not known.
    pub(super) fn manner(&self, asked: Result<Asked<'_>, Unproved>) -> Manner {
        match self.scheme {
            Scheme::Bearer => Manner::Bearer,
            Scheme::Dpop => Manner::Proved(asked.and_then(|asked| self.offered(asked))),
        }
    }

    fn offered(&self, asked: Asked<'_>) -> Result<OfferedProof, Unproved> {
        let Asked { headers, method, url } = asked;
        // Of several proofs none counts.
        let offered = proof::offered(headers, method, || url).unwrap_or_default();
        let offered = offered.ok_or(Unproved::Missing)?;
        Ok(OfferedProof { goes_with: Some(SecretString::from(self.token)), ..offered })
    }
}
