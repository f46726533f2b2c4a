//! Ends secrets that are where they do not belong: their holders give them up, finders report
//! them. No account is needed: to have the secret is enough.

use axum::{
    Json,
    extract::{FromRequest, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    domain::{Actor, Origin, Secret},
    http::{
        caller::{Posted, origin},
        edge::Edge,
        error::OAuthError,
        form::{BODY_WITHIN, read_body},
        input,
    },
    manage::{
        Asker,
        leaks::{self, Found},
    },
    signing::Signed,
};

/// Most secrets in one report.
const MOST: usize = 1000;
/// A report with as many, each with the place where it was found.
const LONGEST_REPORT: usize = 1024 * 1024;

/// `POST /auth/v1/api-key/revoke`: the holder of a secret ends it. Revoking twice is no error.
pub(in crate::http) async fn revoke(
    State(edge): State<Edge>,
    mut posted: Posted,
) -> Result<Response, OAuthError> {
    let missing = OAuthError::invalid_request("secret is missing");
    let secret = posted.form.take_secret("secret").ok_or(missing)?;
    let asker = asker(Actor::Keyturn, &posted.origin);
    let ended = match secret.expose_secret().parse::<Secret>() {
        Ok(secret) => leaks::give_up(&edge.app, &asker, &secret).await?,
        Err(_) => None,
    };
    if ended.is_none() {
        edge.app.attempts.failed(posted.origin.source)?;
        return Err(OAuthError::INVALID_CLIENT);
    }
    Ok(Json(json!({ "status": "revoked" })).into_response())
}

/// What a finder posts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FoundSecrets {
    secrets: Vec<SecretString>,
    /// Where they were found.
    place: Option<String>,
}

/// `POST /auth/v1/api-key/revoke-found`: up to 1000 secrets that were found. The answer is the same
/// whether they were real.
pub(in crate::http) async fn revoke_found(
    State(edge): State<Edge>,
    report: Report,
) -> Result<Response, OAuthError> {
    let found: FoundSecrets = report.json(
        "the body is JSON like {\"secrets\": [\"ktk_1\", \"ktk_2\"], \"place\": \"https://example.com\"}: \
         `secrets` is a list of texts, `place` is a text or left out",
    )?;
    if found.secrets.len() > MOST {
        return Err(OAuthError::invalid_request("a report has 1000 secrets at most"));
    }
    let asker = asker(Actor::Keyturn, &report.origin);
    let place = found.place.as_deref();
    let secrets: Vec<_> = found.secrets.iter().filter_map(|it| read(it, place)).collect();
    let real = leaks::report(&edge.app, &asker, &secrets).await?;
    if secrets.iter().any(|it| !real.contains(&it.secret.hash())) {
        // One for the whole report: a finder is right more often than not.
        edge.app.attempts.failed(report.origin.source)?;
    }
    let body = Json(json!({ "received": found.secrets.len() }));
    Ok((StatusCode::ACCEPTED, body).into_response())
}

/// What was found, where it has the form of a secret.
fn read(text: &SecretString, place: Option<&str>) -> Option<Found> {
    Some(Found::new(text.expose_secret().parse().ok()?, place))
}

/// One of what GitHub's secret scanning has found.
#[derive(Deserialize)]
struct GithubFinding {
    token: SecretString,
    #[serde(rename = "type")]
    kind: String,
    url: Option<String>,
}

/// What GitHub wants to know of it.
#[derive(Serialize)]
struct GithubLabel<'a> {
    token_raw: &'a str,
    token_type: &'a str,
    label: &'static str,
}

/// `POST /auth/v1/api-key/leaks/github`: GitHub's secret scanning partner program, signed by GitHub.
/// Only there where its public keys are configured.
pub(in crate::http) async fn github(
    State(edge): State<Edge>,
    report: Report,
) -> Result<Response, OAuthError> {
    let keys = &edge.settings.github_keys;
    if !keys.is_on() {
        return Err(OAuthError::NOT_FOUND);
    }
    let header = |name| report.headers.get(name).and_then(|value| value.to_str().ok());
    let id = header("github-public-key-identifier").unwrap_or_default();
    let signature = header("github-public-key-signature").unwrap_or_default();
    match keys.verify(id, signature, &report.body).await {
        Signed::Rightly => (),
        Signed::Wrongly | Signed::ByUnknownKey => {
            edge.app.attempts.failed(report.origin.source)?;
            tracing::warn!(source = %report.origin.source, "a leak report is not signed by GitHub");
            return Err(OAuthError::UNSIGNED_REPORT);
        }
    }
    let findings: Vec<GithubFinding> = report.json(
        "the body is JSON like [{\"token\": \"ktk_1\", \"type\": \"keyturn\", \"url\": \"https://example.com\"}]: \
         `token` and `type` are texts, `url` is a text or left out",
    )?;
    let asker = asker(Actor::Keyturn, &report.origin);
    let secret = |it: &GithubFinding| read(&it.token, it.url.as_deref());
    let found: Vec<_> = findings.iter().filter_map(secret).collect();
    let real = leaks::report(&edge.app, &asker, &found).await?;
    let label = |it: &GithubFinding| match secret(it) {
        Some(found) if real.contains(&found.secret.hash()) => "true_positive",
        _ => "false_positive",
    };
    let labels: Vec<_> = findings
        .iter()
        .map(|it| GithubLabel {
            token_raw: it.token.expose_secret(),
            token_type: &it.kind,
            label: label(it),
        })
        .collect();
    Ok(Json(labels).into_response())
}

/// JSON that was posted, as it was sent: it may be signed.
pub(in crate::http) struct Report {
    headers: HeaderMap,
    origin: Origin,
    body: axum::body::Bytes,
}

impl FromRequest<Edge> for Report {
    type Rejection = OAuthError;

    async fn from_request(request: Request, edge: &Edge) -> Result<Self, OAuthError> {
        let (parts, body) = request.into_parts();
        let origin = origin(edge, &parts);
        let body = read_body(body, LONGEST_REPORT, BODY_WITHIN).await?;
        Ok(Self { headers: parts.headers, origin, body })
    }
}

impl Report {
    /// What is wrong with it is not said in the words of the parser: they could quote a secret.
    fn json<T: DeserializeOwned>(&self, expected: &'static str) -> Result<T, OAuthError> {
        input::json(&self.body).map_err(|_| OAuthError::invalid_request(expected))
    }
}

/// Anyone who has what is to end, for that is enough.
pub(in crate::http) fn asker(actor: Actor, origin: &Origin) -> Asker {
    Asker::by_possession(actor, origin)
}
