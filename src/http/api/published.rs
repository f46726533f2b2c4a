//! What anybody may read of the API: its description for programs, and for people.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::HeaderMap,
    response::Response,
    routing::{MethodRouter, get},
};
use utoipa::openapi::OpenApi;

use super::docs;
use crate::http::{
    edge::Edge,
    jwks::{etag_of, published},
    page::page,
};

/// A text that is made once, when the server starts.
struct Document {
    text: String,
    etag: String,
    content_type: &'static str,
}

impl Document {
    fn new(text: String, content_type: &'static str) -> Arc<Self> {
        Arc::new(Self { etag: etag_of(&text), text, content_type })
    }

    fn answer(&self, edge: &Edge, headers: &HeaderMap) -> Response {
        published(edge, headers, &self.etag, self.content_type, self.text.clone())
    }
}

pub(super) fn router(description: &OpenApi) -> Router<Edge> {
    let json = Document::new(super::json(description), "application/json");
    let html = Document::new(docs::html(description), "text/html; charset=utf-8");
    let style = Document::new(docs::STYLE.to_owned(), "text/css; charset=utf-8");
    let docs = get(async move |State(edge): State<Edge>, headers: HeaderMap| {
        page(&edge, html.answer(&edge, &headers))
    });
    Router::new()
        .route("/api/openapi.json", served(json))
        .route("/api/docs", docs)
        .route("/api/docs/style.css", served(style))
}

fn served(document: Arc<Document>) -> MethodRouter<Edge> {
    get(async move |State(edge): State<Edge>, headers: HeaderMap| document.answer(&edge, &headers))
}
