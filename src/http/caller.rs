//! Who calls, and the form that was posted: what every token endpoint takes out of a request.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use axum::{
    extract::{ConnectInfo, FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};

use super::{
    edge::Edge,
    envelope::RequestId,
    error::OAuthError,
    form::{BODY_WITHIN, Form, LONGEST_BODY, read_body},
    proof::{self, TwoProofs},
    source::source,
};
use crate::{
    domain::{Origin, RefusalRecord, UserAgent},
    exchange::OfferedProof,
};

/// A form that was posted to a token endpoint, and by whom.
pub(super) struct Posted {
    pub(super) form: Form,
    pub(super) headers: HeaderMap,
    pub(super) origin: Origin,
}

impl Posted {
    /// What shows that the caller holds a key, if it is offered.
    pub(super) fn proof(&self, edge: &Edge) -> Result<Option<OfferedProof>, TwoProofs> {
        let url = || format!("{}{}", edge.app.settings.issuer, self.origin.door);
        proof::offered(&self.headers, "POST", url)
    }
}

impl FromRequest<Edge> for Posted {
    type Rejection = OAuthError;

    async fn from_request(request: Request, edge: &Edge) -> Result<Self, OAuthError> {
        let (parts, body) = request.into_parts();
        let origin = origin(edge, &parts);
        let body = read_body(body, LONGEST_BODY, BODY_WITHIN).await?;
        let content_type = parts.headers.get(header::CONTENT_TYPE);
        let form = Form::parse(content_type, &body)?;
        Ok(Self { form, headers: parts.headers, origin })
    }
}

/// Who sent a request whose body is no form.
pub(super) struct Sender(pub(super) Origin);

impl FromRequestParts<Edge> for Sender {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, Infallible> {
        Ok(Self(origin(edge, parts)))
    }
}

/// The address that a request comes from, whatever stands between.
pub(super) fn address(edge: &Edge, parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| info.0.ip());
    source(peer, &parts.headers, &edge.settings.trusted_proxies)
}

pub(super) fn origin(edge: &Edge, parts: &Parts) -> Origin {
    if let Some(known) = parts.extensions.get::<Origin>() {
        return known.clone();
    }
    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let id = parts.extensions.get::<RequestId>().map(|id| id.0);
    Origin {
        request_id: id.unwrap_or_else(|| edge.app.random.id(edge.app.clock.now())),
        source: address(edge, parts),
        user_agent: UserAgent::new(agent.unwrap_or_default()),
        door: super::paths::door(parts.uri.path()),
    }
}

/// Leaves a trace of what was refused before anyone was known, to be looked up by the id of the
/// request.
pub(super) fn record_refusal(edge: &Edge, origin: &Origin, reason: &str, detail: String) {
    edge.app.record_refusal(RefusalRecord {
        request_id: origin.request_id,
        at: edge.app.clock.now().timestamp(),
        reason: reason.to_owned(),
        detail: detail.into(),
        api_key_id: None,
        organization_id: None,
        source: origin.source,
        user_agent: origin.user_agent.clone(),
        door: origin.door.to_owned(),
    });
}
