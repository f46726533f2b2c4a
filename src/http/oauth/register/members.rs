//! The JSON object that a client sends, member by member: unknown ones are ignored (RFC 7591,
//! section 2).

use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use serde_json::{Map, Value};

use crate::http::{
    edge::Edge,
    error::RegistrationError,
    form::{BODY_WITHIN, LONGEST_BODY, read_body},
    input,
};

pub(super) struct Members(Map<String, Value>);

impl FromRequest<Edge> for Members {
    type Rejection = RegistrationError;

    async fn from_request(request: Request, _: &Edge) -> Result<Self, RegistrationError> {
        let (parts, body) = request.into_parts();
        if !declares_json(&parts.headers) {
            return Err(RegistrationError::metadata("send JSON, as application/json"));
        }
        let body = read_body(body, LONGEST_BODY, BODY_WITHIN).await?;
        // Not in the words of the parser: they could quote a secret.
        let bad = |_| {
            let problem = "the body is not a JSON object; for example {\"client_name\": \"shop\", \
                           \"grant_types\": [\"client_credentials\"]}";
            RegistrationError::metadata(problem)
        };
        let members: Map<String, Value> = input::json(&body).map_err(bad)?;
        // A member without a value is as good as absent (RFC 7592, section 2.2).
        Ok(Self(members.into_iter().filter(|(_, value)| !value.is_null()).collect()))
    }
}

fn declares_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = declared.unwrap_or_default().split(';').next().unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/json")
}

impl Members {
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, RegistrationError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "a text", "\"shop\"")),
        }
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, RegistrationError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        serde_json::from_value(value)
            .map(Some)
            .map_err(|_| wrong(name, "a list of texts", "[\"client_credentials\"]"))
    }

    pub(super) fn truth(&mut self, name: &str) -> Result<Option<bool>, RegistrationError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(truth)),
            Some(_) => Err(wrong(name, "true or false", "true")),
        }
    }
}

fn wrong(name: &str, expected: &str, example: &str) -> RegistrationError {
    RegistrationError::metadata(format!("{name} is {expected}; for example {example}"))
}
