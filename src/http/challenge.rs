//! What the header `WWW-Authenticate` says to anyone who is not let in.

use axum::{
    extract::Request,
    http::{HeaderValue, header::WWW_AUTHENTICATE},
    middleware::Next,
    response::Response,
};

use super::presented::{Scheme, presented};
use crate::signing::PROOF_ALGORITHMS;

/// RFC 6750, section 3; RFC 9449, section 7.1; RFC 9728, section 5.1.
#[derive(Clone, Debug, Default)]
pub(super) struct Challenge {
    /// What is wrong; nothing, where nothing was shown.
    pub(super) error: Option<&'static str>,
    /// What is needed. Scopes have neither quotes nor backslashes.
    pub(super) scope: Option<String>,
    /// Where it is described who is let in.
    pub(super) metadata: Option<String>,
}

impl Challenge {
    pub(super) fn by(&self, scheme: Scheme) -> HeaderValue {
        let mut text = match scheme {
            Scheme::Bearer => "Bearer realm=\"keyturn\"".to_owned(),
            Scheme::Dpop => {
                format!("DPoP realm=\"keyturn\", algs=\"{}\"", PROOF_ALGORITHMS.join(" "))
            }
        };
        let (scope, metadata) = (self.scope.as_deref(), self.metadata.as_deref());
        let said = [("error", self.error), ("scope", scope), ("resource_metadata", metadata)];
        for (name, value) in said {
            if let Some(value) = value {
                text.extend([", ", name, "=\"", value, "\""]);
            }
        }
        HeaderValue::from_str(&text).expect("scopes and URLs are printable ASCII")
    }
}

/// What [`by_scheme`] is to write.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    pub(super) challenge: Challenge,
    /// The one scheme that would do, where it is not that of the request.
    pub(super) only: Option<Scheme>,
}

impl Demand {
    pub(super) fn of_any(error: Option<&'static str>, metadata: String) -> Self {
        let challenge = Challenge { error, metadata: Some(metadata), ..Challenge::default() };
        Self { challenge, only: None }
    }

    pub(super) fn for_scope(scope: &str) -> Self {
        let (error, scope) = (Some("insufficient_scope"), Some(scope.to_owned()));
        Self { challenge: Challenge { error, scope, metadata: None }, only: None }
    }
}

/// Writes the challenge that the answer carries as its [`Demand`]: by the scheme of the request, by
/// each of them where it had none.
pub(super) async fn by_scheme(request: Request, next: Next) -> Response {
    let shown = presented(request.headers()).ok().flatten().map(|it| it.scheme);
    let mut response = next.run(request).await;
    if let Some(Demand { challenge, only }) = response.extensions_mut().remove() {
        let all = [Scheme::Bearer, Scheme::Dpop].into_iter();
        let those = all.filter(|scheme| only.or(shown).is_none_or(|one| one == *scheme));
        let headers = those.map(|scheme| (WWW_AUTHENTICATE, challenge.by(scheme)));
        response.headers_mut().extend(headers);
    }
    response
}
