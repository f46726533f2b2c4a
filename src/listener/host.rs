//! Refuses HTTP/1.1 requests that do not name one host (RFC 9112, section 3.2): what stands before
//! the server could have read another one.

use axum::{
    Json,
    extract::Request,
    http::{HeaderMap, StatusCode, Version, header::HOST, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

pub(super) async fn one_host(request: Request, next: Next) -> Response {
    let is_fine = match request.version() {
        Version::HTTP_11 => hosts(request.headers()) == Some(1),
        // HTTP/1.0 needs none, and HTTP/2 has another way to say it.
        _ => hosts(request.headers()).is_some_and(|count| count <= 1),
    };
    if is_fine {
        return next.run(request).await;
    }
    let description = "send one Host header with a host and a port, like Host: keys.example.com";
    let body = json!({ "error": "invalid_request", "error_description": description });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// How many there are; `None` where one of them names no host.
fn hosts(headers: &HeaderMap) -> Option<usize> {
    let names_host = |text: &str| {
        let authority = text.parse::<Authority>();
        text.is_empty() || authority.is_ok_and(|it| !it.as_str().contains('@'))
    };
    let mut count = 0;
    for value in headers.get_all(HOST) {
        if !value.to_str().is_ok_and(names_host) {
            return None;
        }
        count += 1;
    }
    Some(count)
}
