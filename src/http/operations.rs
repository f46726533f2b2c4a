//! What operators watch: `/healthz`, `/readyz`, `/metrics`.

use axum::{
    Json,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{caller::address, edge::Edge, error::OAuthError};
use crate::{manage::signing_keys, metrics::Snapshot};

/// The process answers.
pub(super) async fn alive() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// Whether this node should be sent traffic: it reaches the database, knows what other nodes
/// changed, and can sign. Damaged signing keys are told, but do not keep it from serving.
pub(super) async fn ready(State(edge): State<Edge>) -> Response {
    let app = &edge.app;
    let now = app.clock.now();
    let database = app.store.ping().await.is_ok();
    let follows = app.directory.is_fresh();
    let signs = signing_keys::AT_FIRST.into_iter().all(|it| app.signer.has_active(it, now));
    let damaged: Vec<_> = app.signer.damaged().into_iter().map(|key| key.signing_key_id).collect();
    let status =
        if database && follows && signs { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if status == StatusCode::OK { "ready" } else { "not ready" },
        "database": database,
        "follows_changes": follows,
        "signing_keys": signs,
        "damaged_signing_keys": damaged,
    });
    (status, Json(body)).into_response()
}

/// Prometheus text. Only for the configured networks: it tells what is used and how much.
pub(super) async fn metrics(State(edge): State<Edge>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let caller = address(&edge, &parts);
    if !edge.settings.metrics_for.iter().any(|network| network.contains(&caller)) {
        return OAuthError::NOT_FOUND.into_response();
    }
    let counts = edge.app.directory.counts();
    let snapshot = Snapshot {
        cache_hits: counts.hits,
        cache_misses: counts.misses,
        damaged_signing_keys: edge.app.signer.damaged().len(),
        follows_changes: edge.app.directory.is_fresh(),
        throttled: edge.app.attempts.refused() + edge.app.registrations.refused(),
    };
    let text = edge.metrics.text(snapshot, &edge.settings.process);
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}
