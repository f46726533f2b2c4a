//! The management API as the holder of a key calls it.

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode},
};
use keyturn::domain::Secret;
use serde_json::Value;
use uuid::Uuid;

use super::{Answer, TestServer, send};
use crate::doors::PERSONAL;

/// Calls with one token.
#[derive(Clone)]
pub(crate) struct Caller {
    router: Router,
    pub(crate) token: String,
}

impl TestServer {
    /// With a token for the server itself.
    pub(crate) async fn manage(&self, secret: &Secret) -> Caller {
        self.manage_with(secret, &[]).await
    }

    /// With a token that is asked for with more in the form.
    pub(crate) async fn manage_with(&self, secret: &Secret, more: &[(&str, &str)]) -> Caller {
        let issuer = self.app.settings.issuer.as_str();
        let mut form = vec![("pat", secret.reveal()), ("resource", issuer)];
        form.extend(more);
        let answer = self.post(PERSONAL, &form).await;
        let token = answer.body["access_token"].as_str();
        self.manage_by(token.unwrap_or_else(|| panic!("no token: {}", answer.text)))
    }

    /// With whatever calls itself a token.
    pub(crate) fn manage_by(&self, token: &str) -> Caller {
        Caller { router: self.router.clone(), token: token.to_owned() }
    }
}

impl Caller {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    /// A request that may be sent again.
    pub(crate) async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[("idempotency-key", key)], Some(body)).await
    }

    /// An action that takes no body.
    pub(crate) async fn act(&self, path: &str, etag: &str) -> Answer {
        self.send(Method::POST, path, &[("if-match", etag)], None).await
    }

    pub(crate) async fn act_with(&self, path: &str, etag: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[("if-match", etag)], Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, etag: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, &[("if-match", etag)], Some(body)).await
    }

    /// Makes what is not there.
    pub(crate) async fn put_new(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, &[], Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, etag: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, &[("if-match", etag)], Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str, etag: &str) -> Answer {
        self.send(Method::DELETE, path, &[("if-match", etag)], None).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let json = [("content-type", "application/json")];
        let headers: Vec<_> = headers.iter().chain(body.map(|_| &json[0])).copied().collect();
        let body = body.map(ToString::to_string).unwrap_or_default();
        self.send_text(method, path, &headers, body).await
    }

    /// Whatever somebody may send.
    pub(crate) async fn send_text(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(&self.router, request.body(body.into()).unwrap()).await
    }
}

impl Answer {
    pub(crate) fn etag(&self) -> &str {
        let tag = self.header("etag");
        assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "{}", self.text);
        tag
    }

    /// The member `id` of what is shown.
    pub(crate) fn id(&self) -> &str {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {}", self.text))
    }

    pub(crate) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }
}

/// Status and kind of a problem, which has to be whole (RFC 9457).
pub(crate) fn problem(answer: &Answer) -> (u16, &str) {
    let Answer { status, body, text, .. } = answer;
    assert_eq!(answer.header("content-type"), "application/problem+json", "{status} {text}");
    assert_eq!(answer.header("cache-control"), "no-store", "{text}");
    assert!(answer.header("x-request-id").parse::<Uuid>().is_ok(), "{text}");
    assert_eq!(body["status"], status.as_u16(), "{text}");
    assert!(body["title"].is_string() && !answer.detail().is_empty(), "{text}");
    assert_ne!(*status, StatusCode::INTERNAL_SERVER_ERROR, "{text}");
    let kind = body["type"].as_str().unwrap_or_default();
    (status.as_u16(), kind.strip_prefix("urn:keyturn:problem:").unwrap_or(kind))
}
