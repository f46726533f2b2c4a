//! What a gateway wants to know, and what its visitor shows.

use axum::http::{HeaderMap, Uri, header::AUTHORIZATION, request::Parts};
use secrecy::SecretString;
use serde::Deserialize;

use crate::{
    domain::{ResourceIdentifier, Scopes},
    exchange::Shown,
    http::{
        input::query,
        presented::{Presented, Scheme},
    },
};

/// Nothing that was sent comes back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Malformed(pub(super) &'static str);

pub(super) struct Asked {
    pub(super) resource: Option<ResourceIdentifier>,
    pub(super) needs: Scopes,
    /// Whether the answer has a token to pass on.
    pub(super) wants_token: bool,
    /// Where the gateway is reached, as in `https://api.example.com`: proofs have to be made for
    /// that. What a visitor calls it does not count.
    pub(super) origin: Option<String>,
}

/// A parameter that is not known is refused: a misspelt demand would let everybody pass.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    resource: Option<String>,
    scope: Option<String>,
    token: Option<String>,
    origin: Option<String>,
}

impl Asked {
    pub(super) fn takes_proofs(&self) -> bool {
        self.origin.is_some()
    }

    pub(super) fn in_query(parts: &Parts) -> Result<Self, Malformed> {
        let written = query(parts.uri.query().unwrap_or_default())
            .map_err(|_| Malformed("the query has resource, scope, token and origin, each once"))?;
        Self::read(written)
    }

    /// The resource has to be named: were it left to a default, the visitor could name one.
    pub(super) fn in_headers(headers: &HeaderMap) -> Result<Self, Malformed> {
        let written = Written {
            resource: only(headers, "x-keyturn-want-resource")?.map(str::to_owned),
            scope: only(headers, "x-keyturn-want-scope")?.map(str::to_owned),
            token: only(headers, "x-keyturn-want-token")?.map(str::to_owned),
            origin: only(headers, "x-keyturn-want-origin")?.map(str::to_owned),
        };
        if written.resource.is_none() {
            return Err(Malformed("X-Keyturn-Want-Resource is missing"));
        }
        Self::read(written)
    }

    fn read(written: Written) -> Result<Self, Malformed> {
        let resource = written.resource.map(|name| name.parse()).transpose();
        let needs = written.scope.unwrap_or_default().parse();
        let wants_token = match written.token.as_deref() {
            None => false,
            Some("1") => true,
            Some(_) => return Err(Malformed("token is 1, or is left out")),
        };
        if written.origin.as_deref().is_some_and(|origin| !is_origin(origin)) {
            return Err(Malformed("origin is like https://api.example.com, without a path"));
        }
        Ok(Self {
            resource: resource.map_err(|_| Malformed("resource names no resource"))?,
            needs: needs.map_err(|_| Malformed("scope has scopes, with single spaces"))?,
            wants_token,
            origin: written.origin,
        })
    }
}

fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.authority()) else { return false };
    ["https", "http"].contains(&scheme)
        && !host.as_str().contains('@')
        && format!("{scheme}://{host}") == text
}

/// The one credential of a request: a token or a key as one presents tokens (RFC 6750, section 2.1;
/// RFC 9449, section 7.1), or a key in a header of its own. `None` where there is none of these.
pub(super) fn shown(headers: &HeaderMap) -> Result<Option<(Presented<'_>, Shown)>, Malformed> {
    let presented = only(headers, AUTHORIZATION.as_str())?.and_then(Presented::read);
    let key = only(headers, "x-api-key")?;
    let key = key.map(|key| Presented { scheme: Scheme::Bearer, token: key.trim() });
    if presented.is_some() && key.is_some() {
        return Err(Malformed("there are two credentials"));
    }
    // A JWT has dots, the secret of a key has none.
    let is_token = presented.is_some_and(|presented| presented.token.contains('.'));
    let Some(presented) = presented.or(key) else { return Ok(None) };
    if presented.token.is_empty() {
        return Err(Malformed("the credential is empty"));
    }
    let text = SecretString::from(presented.token);
    let shown = if is_token { Shown::AccessToken(text) } else { Shown::ApiKey(text) };
    Ok(Some((presented, shown)))
}

/// The value of a header that may be there once.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Malformed> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Malformed("a header is repeated"));
    }
    value.to_str().map(Some).map_err(|_| Malformed("a header is no text"))
}
