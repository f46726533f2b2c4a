//! What a gateway wants to know, and what its visitor shows.

use axum::{
    extract::Query,
    http::{HeaderMap, header::AUTHORIZATION, request::Parts},
};
use secrecy::SecretString;
use serde::Deserialize;

use super::turned::Turned;
use crate::{
    domain::{ResourceIdentifier, Scopes},
    exchange::Shown,
};

pub(super) struct Asked {
    pub(super) resource: Option<ResourceIdentifier>,
    pub(super) needs: Scopes,
    /// Whether the answer has a token to pass on.
    pub(super) wants_token: bool,
}

/// A parameter that is not known is refused: a misspelt demand would let everybody pass.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    resource: Option<String>,
    scope: Option<String>,
    token: Option<String>,
}

impl Asked {
    pub(super) fn in_query(parts: &Parts) -> Result<Self, Turned> {
        let written = Query::try_from_uri(&parts.uri);
        let Query(written) = written
            .map_err(|_| Turned::malformed("the query has resource, scope and token, each once"))?;
        Self::read(written)
    }

    /// The resource has to be named: were it left to a default, the visitor could name one.
    pub(super) fn in_headers(headers: &HeaderMap) -> Result<Self, Turned> {
        let written = Written {
            resource: only(headers, "x-keyturn-want-resource")?.map(str::to_owned),
            scope: only(headers, "x-keyturn-want-scope")?.map(str::to_owned),
            token: only(headers, "x-keyturn-want-token")?.map(str::to_owned),
        };
        if written.resource.is_none() {
            return Err(Turned::malformed("X-Keyturn-Want-Resource is missing"));
        }
        Self::read(written)
    }

    fn read(written: Written) -> Result<Self, Turned> {
        let resource = written.resource.map(|name| name.parse()).transpose();
        let needs = written.scope.unwrap_or_default().parse();
        let wants_token = match written.token.as_deref() {
            None => false,
            Some("1") => true,
            Some(_) => return Err(Turned::malformed("token is 1, or is left out")),
        };
        Ok(Self {
            resource: resource.map_err(|_| Turned::malformed("resource names no resource"))?,
            needs: needs.map_err(|_| Turned::malformed("scope has scopes, with single spaces"))?,
            wants_token,
        })
    }
}

/// The one credential of a request: a bearer token (RFC 6750, section 2.1), or a key in a header of
/// its own. `None` where there is none of these.
pub(super) fn shown(headers: &HeaderMap) -> Result<Option<Shown>, Turned> {
    let bearer = only(headers, AUTHORIZATION.as_str())?.and_then(|value| {
        let (scheme, credential) = value.split_once(' ').unwrap_or((value, ""));
        scheme.eq_ignore_ascii_case("bearer").then_some(credential.trim())
    });
    let key = only(headers, "x-api-key")?.map(str::trim);
    match (bearer, key) {
        (Some(_), Some(_)) => Err(Turned::malformed("there are two credentials")),
        (Some(""), _) | (_, Some("")) => Err(Turned::malformed("the credential is empty")),
        // A JWT has dots, the secret of a key has none.
        (Some(token), None) if token.contains('.') => {
            Ok(Some(Shown::AccessToken(SecretString::from(token))))
        }
        (Some(key), None) | (None, Some(key)) => Ok(Some(Shown::ApiKey(SecretString::from(key)))),
        (None, None) => Ok(None),
    }
}

/// The value of a header that may be there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Turned> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Turned::malformed("a header is repeated"));
    }
    value.to_str().map(Some).map_err(|_| Turned::malformed("a header is no text"))
}
