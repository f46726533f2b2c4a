//! What operators watch: `/healthz`, `/readyz`, `/metrics`.

use std::sync::atomic::Ordering;

use axum::{
    Json,
    extract::{RawQuery, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{
    caller::address,
    edge::{Edge, Metrics},
    error::OAuthError,
};
use crate::{domain::are_equal, manage::signing_keys, metrics::Snapshot};

/// The process answers.
pub(super) async fn alive() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// Whether this node should be sent traffic: it reaches the database, knows what other nodes
/// changed, and can sign. Damaged signing keys, keys that sign before their time, and a clock that
/// differs from the database's are told, but do not keep it from serving.
///
/// Writes that fail keep it from serving where no token is issued without them; with `?strict`
/// always.
pub(super) async fn ready(State(edge): State<Edge>, RawQuery(query): RawQuery) -> Response {
    let app = &edge.app;
    let now = app.clock.now();
    let database = app.store.ping().await.is_ok();
    let follows = app.directory.is_fresh();
    let signs = signing_keys::AT_FIRST.into_iter().all(|it| app.signer.has_active(it, now));
    let writes_fail = app.ledger.writes().are_failing();
    let is_strict = query.is_some_and(|query| query.split('&').any(|name| name == "strict"));
    let writes = !writes_fail || !(is_strict || app.ledger.waits_for_writes());
    let damaged: Vec<_> = app.signer.damaged().into_iter().map(|key| key.signing_key_id).collect();
    let not_due: Vec<_> = app.signer.not_due(now).into_iter().map(|(_, id)| id).collect();
    let is_ready = database && follows && signs && writes;
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if is_ready { "ready" } else { "not ready" },
        "database": database,
        "database_file": if app.store.is_whole() { "ok" } else { "deleted or replaced" },
        "writes": if writes_fail { "failing" } else { "ok" },
        "follows_changes": follows,
        "signing_keys": signs,
        "damaged_signing_keys": damaged,
        "signing_keys_not_due": not_due,
        "clock_seconds_ahead": app.clock.ahead(),
    });
    (status, Json(body)).into_response()
}

/// Prometheus text. It tells what is used and how much, so that not every caller may read it.
pub(super) async fn metrics(State(edge): State<Edge>, request: Request) -> Response {
    if !may_read_metrics(&edge, request) {
        return OAuthError::NOT_FOUND.into_response();
    }
    let counts = edge.app.directory.counts();
    let snapshot = Snapshot {
        cache_hits: counts.hits,
        cache_misses: counts.misses,
        damaged_signing_keys: edge.app.signer.damaged().len(),
        follows_changes: edge.app.directory.is_fresh(),
        throttled: edge.app.attempts.refused() + edge.app.registrations.refused(),
        failed_commits: edge.app.ledger.writes().failed(),
        writes_failing: edge.app.ledger.writes().are_failing(),
        quarantined_records: edge.app.ledger.quarantined().load(Ordering::Relaxed),
    };
    let text = edge.metrics.text(snapshot, &edge.settings.process);
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}

/// What a proxy adds to the requests that it hands on.
const FORWARDED: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// By the token where there is one. Otherwise by the address, which proves something only if no
/// proxy stands between: a proxy on this machine would open the metrics to all its callers.
fn may_read_metrics(edge: &Edge, request: Request) -> bool {
    let Metrics { networks, token } = &edge.settings.metrics;
    let headers = request.headers();
    if let Some(token) = token {
        let expected = format!("Bearer {}", token.expose_secret());
        let shown = headers.get(header::AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
        return are_equal(shown, expected.as_bytes());
    }
    let is_forwarded = FORWARDED.iter().any(|name| headers.contains_key(*name));
    let (parts, _) = request.into_parts();
    let caller = address(edge, &parts);
    !is_forwarded && networks.iter().any(|network| network.contains(&caller))
}
