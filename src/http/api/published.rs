//! What anybody may read of the API: its description for programs, and for people.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::State,
    http::HeaderMap,
    response::Response,
    routing::{MethodRouter, get},
};

use super::docs;
use crate::http::{
    edge::Edge,
    etag::{etag_of, published},
    page::page,
};

/// Made when somebody reads one of them for the first time: most servers are never asked, and
/// what they are made of is larger than all else that a server keeps.
#[derive(Default, Clone)]
struct Documents(Arc<OnceLock<Made>>);

struct Made {
    json: Document,
    html: Document,
    style: Document,
}

struct Document {
    text: String,
    etag: String,
    content_type: &'static str,
}

impl Documents {
    fn made(&self, edge: &Edge) -> &Made {
        self.0.get_or_init(|| {
            let description = super::described_at(&edge.app.settings.issuer);
            Made {
                json: Document::new(super::json(&description), "application/json"),
                html: Document::new(docs::html(&description), "text/html; charset=utf-8"),
                style: Document::new(docs::STYLE.to_owned(), "text/css; charset=utf-8"),
            }
        })
    }
}

impl Document {
    fn new(text: String, content_type: &'static str) -> Self {
        Self { etag: etag_of(&text), text, content_type }
    }

    fn answer(&self, edge: &Edge, headers: &HeaderMap) -> Response {
        published(edge, headers, &self.etag, self.content_type, self.text.clone())
    }
}

pub(super) fn router() -> Router<Edge> {
    let all = Documents::default();
    let docs = all.clone();
    let docs = get(async move |State(edge): State<Edge>, headers: HeaderMap| {
        page(&edge, docs.made(&edge).html.answer(&edge, &headers))
    });
    Router::new()
        .route("/api/openapi.json", served(&all, |made| &made.json))
        .route("/api/docs", docs)
        .route("/api/docs/style.css", served(&all, |made| &made.style))
}

fn served(all: &Documents, which: fn(&Made) -> &Document) -> MethodRouter<Edge> {
    let all = all.clone();
    get(async move |State(edge): State<Edge>, headers: HeaderMap| {
        which(all.made(&edge)).answer(&edge, &headers)
    })
}
