//! What everyone may read of the API: its description for programs, and a page for people.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
    routing::{MethodRouter, get},
};
use utoipa_swagger_ui::Config;

use crate::http::{
    edge::Edge,
    etag::{etag_of, published},
    page::page,
};

/// Swagger UI (<https://swagger.io/tools/swagger-ui/>), from inside the program.
const PAGE: &str = include_str!("../../../templates/api_docs.html");
const START: &str = include_str!("../../../templates/api_docs.js");

/// The page runs the scripts of this server and asks this server alone. Swagger UI draws with images
/// that stand in its style.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
);

/// Made when it is first read: most servers are never asked, and the description is larger than all
/// else that a server keeps.
#[derive(Default, Clone)]
struct Description(Arc<OnceLock<Document>>);

struct Document {
    bytes: Cow<'static, [u8]>,
    etag: String,
    content_type: &'static str,
    is_gzipped: bool,
}

impl Description {
    fn made(&self, edge: &Edge) -> &Document {
        self.0.get_or_init(|| {
            let description = super::described_at(&edge.app.settings.issuer);
            Document::new(super::json(&description).into_bytes(), "application/json")
        })
    }
}

impl Document {
    fn new(bytes: impl Into<Cow<'static, [u8]>>, content_type: &'static str) -> Self {
        let bytes = bytes.into();
        Self { etag: etag_of(&bytes), bytes, content_type, is_gzipped: false }
    }

    /// A file of Swagger UI, which is compressed when the program is built.
    fn of_swagger_ui(name: &str, content_type: &'static str) -> Self {
        let file = utoipa_swagger_ui::serve(name, Arc::new(Config::from("openapi.json")));
        let file = file.ok().flatten().expect("Swagger UI has this file");
        let is_gzipped = file.gzpipped;
        Self { is_gzipped, ..Self::new(file.bytes.into_owned(), content_type) }
    }

    fn answer(&self, edge: &Edge, headers: &HeaderMap) -> Response {
        let bytes = self.bytes.clone();
        let mut response = published(edge, headers, &self.etag, self.content_type, bytes);
        if self.is_gzipped && response.headers().contains_key(header::CONTENT_TYPE) {
            let gzip = HeaderValue::from_static("gzip");
            response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
        }
        response
    }
}

pub(super) fn router() -> Router<Edge> {
    let description = Description::default();
    let json = get(async move |State(edge): State<Edge>, headers: HeaderMap| {
        description.made(&edge).answer(&edge, &headers)
    });
    let docs = get(async |State(edge): State<Edge>, headers: HeaderMap| {
        let document = Document::new(PAGE.as_bytes(), "text/html; charset=utf-8");
        let mut response = page(&edge, document.answer(&edge, &headers));
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
        response
    });
    Router::new()
        .route("/api/openapi.json", json)
        .route("/api/docs", docs)
        .route("/api/docs/start.js", served(|| Document::new(START.as_bytes(), SCRIPT)))
        .route("/api/docs/swagger-ui.css", of_swagger_ui("swagger-ui.css", "text/css"))
        .route("/api/docs/swagger-ui-bundle.js", of_swagger_ui("swagger-ui-bundle.js", SCRIPT))
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

fn of_swagger_ui(name: &'static str, content_type: &'static str) -> MethodRouter<Edge> {
    served(move || Document::of_swagger_ui(name, content_type))
}

/// The document is made when it is first asked for.
fn served(make: impl Fn() -> Document + Clone + Send + Sync + 'static) -> MethodRouter<Edge> {
    let document: Arc<OnceLock<Document>> = Arc::default();
    get(async move |State(edge): State<Edge>, headers: HeaderMap| {
        document.get_or_init(&make).answer(&edge, &headers)
    })
}
