//! The authorization endpoint (RFC 6749, section 3.1): a browser comes, and goes back to its client
//! or is told why it cannot.

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};

use crate::{
    authorize::{AuthorizationRequest, Unanswerable, authorize},
    http::{caller::Posted, edge::Edge, form::Form, page::page},
};

/// `GET /oauth2/authorize`.
pub(in crate::http) async fn by_query(
    State(edge): State<Edge>,
    RawQuery(query): RawQuery,
) -> Response {
    match Form::of(query.unwrap_or_default().as_bytes()) {
        Ok(form) => answer(&edge, form).await,
        Err(bad) => told(&edge, StatusCode::BAD_REQUEST, &bad.to_string()),
    }
}

/// `POST /oauth2/authorize` (OpenID Connect Core 1.0, section 3.1.2.1).
pub(in crate::http) async fn by_form(State(edge): State<Edge>, posted: Posted) -> Response {
    answer(&edge, posted.form).await
}

async fn answer(edge: &Edge, mut form: Form) -> Response {
    let request = AuthorizationRequest {
        client_id: form.take("client_id"),
        redirect_uri: form.take("redirect_uri"),
        response_type: form.take("response_type"),
        state: form.take("state"),
    };
    match authorize(&edge.app, &request).await {
        // 303: the browser does not post again there (RFC 9700, section 4.12).
        Ok(back) => page(edge, Redirect::to(&back)),
        Err(why @ Unanswerable::Failed(_)) => {
            tracing::error!(error = ?why, "could not answer an authorization request");
            told(edge, StatusCode::SERVICE_UNAVAILABLE, &why.to_string())
        }
        Err(why) => told(edge, StatusCode::BAD_REQUEST, &why.to_string()),
    }
}

/// To the person at the browser. The texts are constants: nothing that was sent comes back.
fn told(edge: &Edge, status: StatusCode, why: &str) -> Response {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>This did not \
         work</title>\n<h1>This did not work</h1>\n<p>Why: {why}.</p>\n</html>\n"
    );
    page(edge, (status, Html(text)).into_response())
}
